"""Lots, the queue of review tasks, and the append-only decisions."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import User
from apps.core.prepared import Slot
from apps.records.models import Record, ReviewMethod
from apps.review import (  # noqa: F401  their tables belong to this app
    checkpoint_models,
    group_models,
    plan_models,
    proof_models,
    recall_models,
)
from apps.specs.models import Gap, Project


class LotStatus(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"


class LotQuerySet(models.QuerySet["Lot"]):
    def open(self) -> LotQuerySet:
        return self.filter(status=LotStatus.OPEN)

    def held_back(self) -> LotQuerySet:
        """Open lots that a lead has closed to everybody for now."""
        return self.open().exclude(held_back_at=None)

    def handed_to(self, user: User | Slot) -> LotQuerySet:
        """Open lots from which ``user`` may be handed records."""
        return self.open().filter(_for_everybody() | _kept_for(user), held_back_at=None)

    def of_others(self, user: User) -> LotQuerySet:
        """Open lots that a lead keeps for other people."""
        return self.open().filter(held_back_at=None).exclude(_for_everybody() | _kept_for(user))


def _for_everybody() -> Q:
    people = Lot.reviewers.through.objects.filter(lot=OuterRef("pk"))
    groups = Lot.groups.through.objects.filter(lot=OuterRef("pk"))
    return Q(~Exists(people), ~Exists(groups))


def _kept_for(user: User | Slot) -> Q:
    """By name or by a group that they belong to now."""
    people = Lot.reviewers.through.objects.filter(lot=OuterRef("pk"), user=user)
    groups = Lot.groups.through.objects.filter(lot=OuterRef("pk"), reviewgroup__members=user)
    return Q(Exists(people)) | Q(Exists(groups))


class Lot(models.Model):
    """Records of one prompt × model, drawn for review under one plan.

    Its counts are folded from LotDelta rows, so that no decision waits for a hot row.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="lots")
    gap = models.ForeignKey(Gap, on_delete=models.PROTECT, related_name="lots")
    prompt_version = models.CharField(max_length=140, blank=True)
    generator_model = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, choices=LotStatus, default=LotStatus.OPEN)
    opened = models.PositiveIntegerField(default=0, help_text="Records ever put up for review.")
    accepted = models.PositiveIntegerField(default=0)
    edited = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    flagged = models.PositiveIntegerField(default=0)
    extra_opened = models.IntegerField(default=0, help_text="Tasks beside the one that each record has.")
    extra_decided = models.IntegerField(default=0)
    gold_decided = models.IntegerField(
        default=0, help_text="Answers to gold items handed out as if of this lot."
    )
    held_back_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing of it is handed out; null: it is."
    )
    held_back_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewers = models.ManyToManyField(
        User, blank=True, related_name="lots", help_text="Who reviews it; nobody and no group: everybody."
    )
    groups = models.ManyToManyField("review.ReviewGroup", blank=True, related_name="lots")
    batch_size = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="So many later records come under a plan of their own; null: none do.",
    )
    next_batch_at = models.DateTimeField(null=True, blank=True, help_text="When to count them again.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=LotStatus.values), name="lot_status"),
            models.UniqueConstraint(
                fields=["project", "gap", "prompt_version", "generator_model"],
                condition=Q(status="open"),
                name="one_open_lot",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prompt_version or 'import'} × {self.generator_model or '?'}"


class LotDelta(models.Model):
    """An increment of a lot's counts, waiting to be folded in."""

    lot = models.ForeignKey(Lot, on_delete=models.CASCADE, related_name="deltas")
    opened = models.IntegerField(default=0)
    accepted = models.IntegerField(default=0)
    edited = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    flagged = models.IntegerField(default=0)
    extra_opened = models.IntegerField(default=0)
    extra_decided = models.IntegerField(default=0)
    gold_decided = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"delta of lot {self.lot_id}"


class TaskKind(models.TextChoices):
    REVIEW = "review"
    OVERLAP = "overlap"
    ADJUDICATION = "adjudication"
    GOLD = "gold"


class TaskStatus(models.TextChoices):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskQuerySet(models.QuerySet["ReviewTask"]):
    def open(self) -> TaskQuerySet:
        return self.filter(status=TaskStatus.OPEN)

    def obtainable(self, now: datetime | Slot) -> TaskQuerySet:
        """Open and not held by anybody at ``now``."""
        return self.open().filter(Q(lease_until=None) | Q(lease_until__lte=now))

    def held_by(self, user: User | Slot, now: datetime | Slot) -> TaskQuerySet:
        return self.open().filter(lease_holder=user, lease_until__gt=now)

    def of_same_round(self, task: ReviewTask) -> TaskQuerySet:
        """The other tasks of its record and round."""
        return self.filter(record=task.record_id, round=task.round).exclude(pk=task.pk)

    def offered_to(self, user: User | Slot, now: datetime | Slot) -> TaskQuerySet:
        """Nobody is asked twice about one record, and what goes to a lead is not in the queue."""
        mine = Q(decision__reviewer=user, decision__undo=None) | Q(
            status=TaskStatus.OPEN, lease_holder=user, lease_until__gt=now
        )
        round_ = ReviewTask.objects.filter(record=OuterRef("record"), round=OuterRef("round"))
        answered = round_.filter(mine).exclude(pk=OuterRef("pk"))
        return self.filter(
            Q(kind=TaskKind.REVIEW)
            | Q(kind=TaskKind.ADJUDICATION, assignee=user)
            | (Q(kind=TaskKind.OVERLAP) & ~Exists(answered))
        )

    def handed_to(self, user: User | Slot) -> TaskQuerySet:
        """What the queue gives to ``user`` at all: without what waits for a lead or is somebody else's."""
        for_all = Q(kind__in=[TaskKind.REVIEW, TaskKind.OVERLAP], assignee=None)
        return self.filter(for_all | (Q(assignee=user) & ~Q(kind=TaskKind.GOLD)))

    def to_adjudicate(self) -> TaskQuerySet:
        """What people disagreed about; a flag that a lead took is theirs already."""
        return self.open().filter(kind=TaskKind.ADJUDICATION, assignee=None)

    def in_queue_order(self) -> TaskQuerySet:
        return self.order_by("priority", "id")


class ReviewTask(models.Model):
    """One record, one round, one slot. The queue is the partial index over open tasks."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="review_tasks")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="review_tasks")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(max_length=20, choices=TaskKind, default=TaskKind.REVIEW)
    round = models.PositiveIntegerField(default=1)
    slot = models.PositiveSmallIntegerField(default=1)
    priority = models.SmallIntegerField(default=100, help_text="Smaller comes first.")
    status = models.CharField(max_length=20, choices=TaskStatus, default=TaskStatus.OPEN)
    assignee = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    lease_holder = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="leases"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(
        default=0, help_text="Grows with every lease; an older one decides nothing."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "round", "slot"], name="task_slot_once"),
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values), name="task_status"),
            models.CheckConstraint(condition=Q(kind__in=TaskKind.values), name="task_kind"),
            models.CheckConstraint(
                condition=Q(lease_holder=None, lease_until=None)
                | Q(lease_holder__isnull=False, lease_until__isnull=False),
                name="lease_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["lot", "priority", "id"], condition=Q(status="open"), name="task_queue"),
            models.Index(
                fields=["lease_holder", "lease_until"],
                condition=Q(status="open", lease_holder__isnull=False),
                name="task_leases",
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class GoldKind(models.TextChoices):
    KNOWN = "known", "known answer"
    WRONG_LABEL = "wrong_label", "wrong label"
    PERSONAL_DATA = "personal_data", "telephone number left in"
    NEAR_DUPLICATE = "near_duplicate", "near duplicate"


class GoldItem(models.Model):
    """A card whose right answer is known: a copy of a train row, maybe with a defect put in."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="gold_items")
    record = models.OneToOneField(Record, on_delete=models.PROTECT, related_name="gold_item")
    kind = models.CharField(max_length=20, choices=GoldKind)
    right_output = models.JSONField()
    planted = models.CharField(max_length=100, blank=True, help_text="What must not survive an edit.")
    is_on = models.BooleanField(default=True, help_text="Off: it is handed to nobody any more.")
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(kind__in=GoldKind.values), name="gold_kind")]

    def __str__(self) -> str:
        return f"gold item {self.pk}: {self.get_kind_display()}"


class Draft(models.Model):
    """An unfinished edit, kept on the server so that nothing typed is lost."""

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    values = models.JSONField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="one_draft_per_person")]

    def __str__(self) -> str:
        return f"draft of task {self.task_id}"


class Skip(models.Model):
    """This person does not want to see this task again in this session."""

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="skips")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=64, help_text="SHA-256 of the session key.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "user", "session"], name="skip_once")]

    def __str__(self) -> str:
        return f"skip of task {self.task_id}"


class Action(models.TextChoices):
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    FLAGGED = "flagged"


class DecisionQuerySet(models.QuerySet["Decision"]):
    def standing(self) -> DecisionQuerySet:
        return self.filter(undo=None)

    def disclosed(self) -> DecisionQuerySet:
        """Without those that others, who still have to decide about the same record, must not know."""
        asked = ReviewTask.objects.open().filter(
            record=OuterRef("record"), round=OuterRef("task__round"), kind=TaskKind.OVERLAP
        )
        return self.exclude(Q(task__kind=TaskKind.OVERLAP) & Exists(asked))


class Decision(models.Model):
    """What one person said of one task. Append-only (trigger)."""

    uuid = models.UUIDField(
        unique=True, help_text="Chosen by the browser: the same one twice is one decision."
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="decisions")
    task = models.OneToOneField(ReviewTask, on_delete=models.PROTECT, related_name="decision")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="decisions")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="decisions")
    action = models.CharField(max_length=10, choices=Action)
    method = models.CharField(max_length=10, choices=ReviewMethod, default=ReviewMethod.PERSON)
    reasons = models.JSONField(default=list, blank=True)
    note = models.TextField(blank=True)
    edited_input = models.JSONField(null=True, blank=True)
    edited_output = models.JSONField(null=True, blank=True)
    guide_version = models.PositiveIntegerField(null=True, blank=True)
    fence = models.PositiveIntegerField()
    milliseconds = models.PositiveIntegerField(default=0, help_text="From showing the card to deciding.")
    decided_at = models.DateTimeField()
    seal = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Over everything else it says; empty in decisions from before there were seals.",
    )

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(action__in=Action.values), name="decision_action"),
            models.CheckConstraint(
                condition=Q(action="edited", edited_input__isnull=False, edited_output__isnull=False)
                | (~Q(action="edited") & Q(edited_input=None, edited_output=None)),
                name="decision_edit_has_payload",
            ),
            models.CheckConstraint(
                condition=~Q(action="rejected") | ~Q(reasons=[]), name="decision_reject_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(action="flagged") | ~Q(note=""), name="decision_flag_has_note"
            ),
        ]
        indexes = [models.Index(fields=["project", "reviewer", "-decided_at"], name="decision_of_reviewer")]

    def __str__(self) -> str:
        return f"{self.action} #{self.record_id}"


class Undo(models.Model):
    """Takes a decision back. A second event beside the first; append-only (trigger)."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="undo")
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"undo of {self.decision_id}"


class EditAllowance(models.Model):
    """How often a person asked the checks about an edit lately: asking without end would be an oracle."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=10, help_text="What the checks were asked for: typing or saving.")
    window_started_at = models.DateTimeField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "purpose"], name="one_allowance_per_purpose")]

    def __str__(self) -> str:
        return f"{self.purpose} of user {self.user_id}: {self.used}"
