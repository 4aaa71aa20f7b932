"""Prompts, their immutable versions, and runs."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.records.models import Record
from apps.specs.models import Gap, Project
from apps.submissions.models import Connection, Delivery, Submission


class PromptRole(models.TextChoices):
    GENERATE = "generate"
    EDGE_CASES = "edge_cases", "design edge cases"
    PARAPHRASE = "paraphrase"
    LABEL = "label"
    REPAIR = "repair"
    JUDGE = "judge"


class PromptLanguage(models.TextChoices):
    """What a template is written in; each provider reads one of them."""

    PHRASES = "phrases", "phrases (YAML)"
    JINJA = "jinja", "Jinja template"


class Prompt(models.Model):
    """A prompt's name; what it says is in its versions."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="prompts")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=PromptRole, default=PromptRole.GENERATE)
    language = models.CharField(max_length=20, choices=PromptLanguage, default=PromptLanguage.PHRASES)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="prompt_name_once"),
            models.CheckConstraint(condition=Q(language__in=PromptLanguage.values), name="prompt_language"),
        ]

    def __str__(self) -> str:
        return self.name


class PromptVersion(models.Model):
    """What a prompt says. Append-only (trigger): another wording is another version."""

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    template = models.TextField(help_text="Jinja for network providers; YAML patterns and slots for `rules`.")
    notes = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["prompt", "-version"]
        constraints = [models.UniqueConstraint(fields=["prompt", "version"], name="prompt_version_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Exported as ``prompt_version``."""
        return f"{self.prompt.name} v{self.version}"


class RunStatus(models.TextChoices):
    DRAFT = "draft"
    ESTIMATED = "estimated"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


S = RunStatus

MACHINE = Machine(
    "run",
    {
        S.DRAFT: frozenset({S.ESTIMATED}),
        S.ESTIMATED: frozenset({S.RUNNING, S.STOPPED}),
        S.RUNNING: frozenset({S.PAUSED, S.DONE, S.STOPPED}),
        S.PAUSED: frozenset({S.RUNNING, S.STOPPED}),
        # A person has requests without an answer asked again.
        S.DONE: frozenset({S.RUNNING}),
        S.STOPPED: frozenset(),
    },
)


class RunQuerySet(models.QuerySet["Run"]):
    def to_submit(self, now: datetime) -> RunQuerySet:
        """Started runs whose submissions are not all planned yet."""
        return self.filter(status=RunStatus.RUNNING, planned_at=None, next_attempt_at__lte=now)

    def to_finish(self) -> RunQuerySet:
        """Running runs none of whose submissions has anything left to do."""
        unfinished = Submission.objects.unfinished().filter(run_uuid=models.OuterRef("uuid"))
        return self.filter(~models.Exists(unfinished), status=RunStatus.RUNNING, planned_at__isnull=False)


class Run(models.Model):
    """ "Make N records for this gap with this prompt and this model"."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runs")
    gap = models.ForeignKey(Gap, on_delete=models.PROTECT, related_name="runs")
    prompt_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="runs")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="runs")
    status = models.CharField(max_length=20, choices=RunStatus, default=RunStatus.DRAFT)
    count = models.PositiveIntegerField(help_text="Records asked for.")
    seed = models.PositiveBigIntegerField(default=0, help_text="Makes an offline run repeatable.")
    delivery = models.CharField(
        max_length=20,
        choices=Delivery,
        default=Delivery.BATCH,
        help_text="How its requests reach the provider.",
    )
    needed_by = models.DateTimeField(null=True, blank=True, help_text="Decides between batch and one by one.")
    teacher_reason = models.TextField(
        blank=True, help_text="Why it may start although the model has not passed its teacher check."
    )
    teacher_reason_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    pilot_reason = models.TextField(
        blank=True, help_text="Why it may start although its pilot has not passed."
    )
    pilot_reason_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    estimate = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField(
        null=True, blank=True, help_text="When its last submission was written down."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="run_status"),
            models.CheckConstraint(condition=Q(count__gte=1), name="run_asks_for_something"),
            models.CheckConstraint(
                condition=Q(teacher_reason="") | Q(teacher_reason_by__isnull=False),
                name="run_teacher_reason_is_somebodys",
            ),
            models.CheckConstraint(
                condition=Q(pilot_reason="") | Q(pilot_reason_by__isnull=False),
                name="run_pilot_reason_is_somebodys",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at"], name="run_of_project"),
            models.Index(fields=["status", "next_attempt_at"], name="run_due"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class PromptPauseQuerySet(models.QuerySet["PromptPause"]):
    def standing(self) -> PromptPauseQuerySet:
        return self.filter(lifted_at=None)


class PromptPause(models.Model):
    """No new run of this prompt version with this model until a lead lifts it: a lot of theirs was refused."""

    prompt_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="pauses")
    model = models.CharField(max_length=120)
    reason = models.CharField(max_length=300)
    paused_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    lifted_because = models.CharField(max_length=300, blank=True)

    objects = PromptPauseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prompt_version", "model"], condition=Q(lifted_at=None), name="paused_once"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | ~Q(lifted_because=""), name="pause_lifted_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prompt_version} × {self.model} paused"


class RoleChoice(models.Model):
    """Which connection a project uses for which role, unless somebody chooses another one."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="role_choices")
    role = models.CharField(max_length=20, choices=PromptRole)
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="role_choices")
    chosen_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    chosen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "role"], name="role_chosen_once")]

    def __str__(self) -> str:
        return f"{self.connection} to {self.get_role_display()} for {self.project}"


class TeacherCheckQuerySet(models.QuerySet["TeacherCheck"]):
    def ended(self) -> TeacherCheckQuerySet:
        """Those whose every question has been answered, or never will be."""
        return self.filter(Exists(_submission_of_check().filter(finished_at__isnull=False)))

    def under_way(self) -> TeacherCheckQuerySet:
        return self.filter(Exists(_submission_of_check().filter(finished_at=None)))


def _submission_of_check() -> models.QuerySet[Submission]:
    return Submission.objects.filter(uuid=OuterRef("submission_uuid"))


class TeacherCheck(models.Model):
    """A generator answers real seed rows whose labels are known, before it may write many of its own."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="teacher_checks")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="teacher_checks")
    model = models.CharField(max_length=120, help_text="The connection's model on that day.")
    submission_uuid = models.UUIDField(unique=True)
    spec_version = models.PositiveIntegerField(null=True, blank=True)
    asked = models.PositiveIntegerField()
    answered = models.PositiveIntegerField(default=0)
    right = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = TeacherCheckQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(right__lte=models.F("answered"), answered__lte=models.F("asked")),
                name="teacher_check_adds_up",
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection}: {self.right} of {self.asked} right"


class TeacherAnswer(models.Model):
    """What became of one question of a teacher check. A question without an answer has no row."""

    check_asked = models.ForeignKey(TeacherCheck, on_delete=models.CASCADE, related_name="answers")
    record_uuid = models.UUIDField(help_text="The seed row that was asked.")
    is_right = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_asked", "record_uuid"], name="teacher_answer_once")
        ]

    def __str__(self) -> str:
        return f"{self.record_uuid}: {'right' if self.is_right else 'wrong'}"


class EdgeCaseProposal(models.Model):
    """Axes and hard cases that a model proposes for a gap. They count once a lead has taken them."""

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        DECLINED = "declined"

    gap = models.ForeignKey(Gap, on_delete=models.CASCADE, related_name="edge_case_proposals")
    run_uuid = models.UUIDField()
    request_id = models.CharField(max_length=64, unique=True)
    axes = models.JSONField(help_text='{"tone": ["furious", "resigned"], …}')
    hard_cases = models.JSONField(help_text='[{"description": "…", "why_hard": "…"}, …]')
    taken_axes = models.JSONField(default=dict, blank=True, help_text="What of the axes a lead has taken.")
    status = models.CharField(max_length=20, choices=Status, default=Status.PROPOSED)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["proposed", "approved", "declined"]), name="proposal_status"
            ),
            models.CheckConstraint(
                condition=Q(status="proposed", decided_at=None) | ~Q(status="proposed"),
                name="proposal_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"edge cases for {self.gap} ({self.status})"


class RepairOrder(models.Model):
    """One attempt to have a dropped record mended, with what the check said of it. Written by the rooms above."""

    record = models.OneToOneField(Record, on_delete=models.CASCADE, related_name="repair_order")
    finding = models.TextField(help_text="What is wrong, in the check's words; never a protected text.")
    created_at = models.DateTimeField(auto_now_add=True)
    asked_in = models.UUIDField(null=True, blank=True, help_text="The run that had it mended.")

    def __str__(self) -> str:
        return f"repair of {self.record}"


class Trial(models.Model):
    """A prompt tried on a few records while it is being written. Its answers never become records."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trials")
    gap = models.ForeignKey(Gap, on_delete=models.CASCADE, related_name="trials")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="trials")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="trials")
    template = models.TextField()
    submission_uuid = models.UUIDField(unique=True)
    answers = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"trial of {self.prompt}"
