"""What the checks said, and what one of them would say if it looked again."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.records.models import Record
from apps.records.states import DECIDED
from apps.specs.models import Project, Spec

JUDGE_CHECK = "judge"
"""Name of findings that say what a judge doubts. No check of the registry: they are written by the review room."""


class Outcome(models.TextChoices):
    PASS = "pass"  # noqa: S105  no password
    INFO = "info"
    WARN = "warn"
    BLOCK = "block"
    NOT_CHECKED = "not_checked", "not checked"


class FindingQuerySet(models.QuerySet["Finding"]):
    def blocking(self) -> FindingQuerySet:
        return self.filter(outcome__in=[Outcome.BLOCK, Outcome.NOT_CHECKED])

    def worth_reading(self) -> FindingQuerySet:
        return self.exclude(outcome=Outcome.PASS)


class Finding(models.Model):
    """What one check said of one record. Replaced as a set when the check runs again."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="findings")
    check_name = models.CharField(max_length=40)
    check_version = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20, choices=Outcome)
    code = models.CharField(max_length=60, help_text="What was found, e.g. the rule's name.")
    message = models.CharField(max_length=400, help_text="For people; sensitive values are masked.")
    pointer = models.CharField(max_length=200, blank=True, help_text="JSON pointer into {input, output}.")
    start = models.PositiveIntegerField(
        null=True, blank=True, help_text="First character of the span at pointer."
    )
    end = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="finding_outcome"),
            models.CheckConstraint(
                condition=Q(start=None, end=None) | Q(start__lte=models.F("end")), name="finding_span"
            ),
        ]
        indexes = [models.Index(fields=["check_name", "outcome"], name="finding_by_check")]

    def __str__(self) -> str:
        return f"{self.check_name}: {self.outcome}"


class RecheckStatus(models.TextChoices):
    LOOKING = "looking"
    READY = "ready", "to be decided"
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


RECHECK_MACHINE = Machine(
    "recheck",
    {
        RecheckStatus.LOOKING: frozenset({RecheckStatus.READY, RecheckStatus.DISCARDED}),
        RecheckStatus.READY: frozenset({RecheckStatus.APPLYING, RecheckStatus.DISCARDED}),
        RecheckStatus.APPLYING: frozenset({RecheckStatus.APPLIED, RecheckStatus.READY}),
        RecheckStatus.APPLIED: frozenset(),
        RecheckStatus.DISCARDED: frozenset(),
    },
)
OPEN_RECHECK = (RecheckStatus.LOOKING, RecheckStatus.READY, RecheckStatus.APPLYING)


class RecheckQuerySet(models.QuerySet["Recheck"]):
    def due(self, now: datetime) -> RecheckQuerySet:
        return self.filter(
            status__in=[RecheckStatus.LOOKING, RecheckStatus.APPLYING], next_attempt_at__lte=now
        )


class Recheck(models.Model):
    """One check looks again at every candidate of a project; nothing changes until a lead says so.

    One that a new definition began (``because``) lets happen by itself what touches no decision of a person.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rechecks")
    check_name = models.CharField(max_length=40)
    check_version = models.PositiveIntegerField()
    spec = models.ForeignKey(
        Spec, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Whose settings."
    )
    status = models.CharField(max_length=20, choices=RecheckStatus, default=RecheckStatus.LOOKING)
    last_record = models.BigIntegerField(help_text="The newest record when it began.")
    done_up_to = models.BigIntegerField(default=0, help_text="Record up to which this stage is through.")
    looked_at = models.PositiveIntegerField(default=0, help_text="Records that the check saw again.")
    with_decided = models.BooleanField(
        default=False, help_text="Whether it takes back what people have accepted."
    )
    because = models.CharField(
        max_length=400, blank=True, help_text="The definitions whose change began it; empty: a person did."
    )
    by_itself = models.BooleanField(
        default=False, help_text="Whether it applies what it finds without being told to."
    )
    started_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    objects = RecheckQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(RECHECK_MACHINE, name="recheck_status"),
            models.UniqueConstraint(
                fields=["project", "check_name"],
                condition=Q(status__in=["looking", "ready", "applying"]),
                name="recheck_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="recheck_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.check_name} v{self.check_version} over {self.project}"


class ChangeKind(models.TextChoices):
    DROPS = "drops", "would be dropped"
    RELEASES = "releases", "would be checked again and may pass"
    WORDS = "words", "says something else, moves nothing"
    NOT_CHECKED = "not_checked", "could not be looked at"


class ChangeFate(models.TextChoices):
    PENDING = "pending"
    APPLIED = "applied"
    KEPT = "kept", "what is said is kept, the record stays"
    OVERTAKEN = "overtaken", "moved since; left alone"


class RecheckChangeQuerySet(models.QuerySet["RecheckChange"]):
    def takes_back(self) -> RecheckChangeQuerySet:
        """Records that a person has decided and that the check would drop."""
        return self.filter(kind=ChangeKind.DROPS, status_before__in=DECIDED)


class RecheckChange(models.Model):
    """A record of which the check says something else than it did."""

    recheck = models.ForeignKey(Recheck, on_delete=models.CASCADE, related_name="changes")
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="+")
    event_seq = models.PositiveIntegerField(help_text="Of the record when the check looked.")
    status_before = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, choices=ChangeKind)
    findings = models.JSONField(help_text="What the check says now.")
    fate = models.CharField(max_length=20, choices=ChangeFate, default=ChangeFate.PENDING)

    objects = RecheckChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recheck", "record"], name="recheck_record_once"),
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="recheck_change_kind"),
            models.CheckConstraint(condition=Q(fate__in=ChangeFate.values), name="recheck_change_fate"),
        ]
        indexes = [models.Index(fields=["recheck", "kind", "record"], name="recheck_change_by_kind")]

    def __str__(self) -> str:
        return f"#{self.record_id} {self.kind}"
