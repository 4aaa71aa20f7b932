"""Judges: models of another family that score records for people. What they say moves no record."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from apps.accounts.models import User
from apps.records.models import Record, RecordEvent
from apps.specs.models import Project
from apps.submissions.models import Connection, Delivery, Submission

LOWEST, HIGHEST = 1, 5
USUAL_BAR = 2
AUDITED_A_NIGHT = 200


class Judge(models.Model):
    """A judge's name and switches; whom it asks and by which rubric is in its versions."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="judges")
    name = models.CharField(max_length=100)
    is_on = models.BooleanField(default=False, help_text="Off: it is asked nothing.")
    audit_most = models.PositiveIntegerField(
        default=AUDITED_A_NIGHT, help_text="Accepted records that it is asked about in one night, at most."
    )
    next_audit_at = models.DateTimeField(
        null=True, blank=True, help_text="Empty: it audits nothing by itself."
    )
    last_audit_said = models.CharField(max_length=400, blank=True, help_text="What came of the latest audit.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="judge_name_once")]

    def __str__(self) -> str:
        return self.name

    def current(self) -> JudgeVersion:
        """The version that is asked from now on; every judge has one."""
        return self.versions.select_related("connection__family").order_by("-version")[0]


class JudgeVersion(models.Model):
    """Whom a judge asks, by which rubric, from which score on it doubts. Append-only (trigger)."""

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="judge_versions")
    rubric = models.TextField(help_text="What it goes by beside spec and guide.")
    bar = models.PositiveSmallIntegerField(
        default=USUAL_BAR,
        validators=[MinValueValidator(LOWEST), MaxValueValidator(HIGHEST - 1)],
        help_text="A score of so much or less is a doubt.",
    )
    notes = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["judge", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["judge", "version"], name="judge_version_once"),
            models.CheckConstraint(condition=Q(bar__gte=LOWEST, bar__lt=HIGHEST), name="judge_bar"),
        ]

    def __str__(self) -> str:
        return f"{self.judge} v{self.version}"

    def doubts(self, *, lowest: int, doubt: int) -> bool:
        """Whether a verdict says that a person should look: a low score, or a doubt as far from the other end."""
        return lowest <= self.bar or doubt >= LOWEST + HIGHEST - self.bar


class Occasion(models.TextChoices):
    REVIEW = "review", "records that wait for review"
    AUDIT = "audit", "records that were accepted"


class AskingQuerySet(models.QuerySet["Asking"]):
    def to_close(self) -> AskingQuerySet:
        """Open ones none of whose submissions has anything left to do."""
        unfinished = Submission.objects.unfinished().filter(run_uuid=OuterRef("uuid"))
        return self.filter(~Exists(unfinished), closed_at=None)


class Asking(models.Model):
    """One portion of records that a judge was asked about. Its submissions carry ``uuid`` as their run."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="askings")
    occasion = models.CharField(max_length=10, choices=Occasion)
    delivery = models.CharField(max_length=20, choices=Delivery)
    frame = models.PositiveSmallIntegerField(help_text="Version of the words around the rubric.")
    spec_version = models.PositiveIntegerField(null=True, blank=True)
    guide_version = models.PositiveIntegerField(null=True, blank=True)
    estimate = models.JSONField(default=dict)
    asked = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When its last answer was in, or lost.")

    objects = AskingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(occasion__in=Occasion.values), name="asking_occasion")
        ]
        indexes = [models.Index(fields=["id"], condition=Q(closed_at=None), name="asking_open")]

    def __str__(self) -> str:
        return f"asking {self.pk} of {self.version}"


class QuestionState(models.TextChoices):
    ASKED = "asked"
    JUDGED = "judged"
    UNANSWERED = "unanswered", "no usable answer"
    STOPPED = "stopped", "stopped by the screen"
    UNSENT = "unsent", "not sent"


class Question(models.Model):
    """One record in a portion. Whatever does not end as judged is not judged: no answer is never a good one."""

    asking = models.ForeignKey(Asking, on_delete=models.CASCADE, related_name="questions")
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="judge_questions")
    payload_digest = models.CharField(max_length=64, help_text="Of the payload that it was asked about.")
    state = models.CharField(max_length=12, choices=QuestionState, default=QuestionState.ASKED)
    reason = models.CharField(max_length=40, blank=True, help_text="Why it has no verdict, for counting.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asking", "record"], name="asked_once_in_a_portion"),
            models.CheckConstraint(condition=Q(state__in=QuestionState.values), name="question_state"),
        ]

    def __str__(self) -> str:
        return f"{self.record_id}: {self.state}"


def _score() -> models.PositiveSmallIntegerField[int, int]:
    return models.PositiveSmallIntegerField(
        validators=[MinValueValidator(LOWEST), MaxValueValidator(HIGHEST)]
    )


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def unheard(self) -> VerdictQuerySet:
        """What nobody has been told of yet (partial index ``verdict_unheard``)."""
        return self.filter(heard_at=None)

    def standing(self) -> VerdictQuerySet:
        """Those about the payload that their record has now."""
        return self.filter(payload_digest=Subquery(_standing_digest("record_id", "record__event_seq")))

    def open_doubts(self) -> VerdictQuerySet:
        """Doubts about accepted records that no lead has looked into."""
        return self.filter(
            question__asking__occasion=Occasion.AUDIT, is_doubt=True, settled_at=None, heard_at__isnull=False
        )


class Verdict(models.Model):
    """What a judge said of one payload: once, whatever comes back a second time. Scores never change (trigger)."""

    question = models.OneToOneField(Question, on_delete=models.CASCADE, related_name="verdict")
    version = models.ForeignKey(JudgeVersion, on_delete=models.PROTECT, related_name="verdicts")
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="verdicts")
    payload_digest = models.CharField(max_length=64)
    relevance = _score()
    correctness = _score()
    policy = _score()
    realism = _score()
    doubt = _score()
    is_doubt = models.BooleanField(help_text="By the bar of the version.")
    reasons = models.JSONField(
        default=dict,
        help_text="Criterion → text of a stranger. Shown once it was screened; emptied if it leaks.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    heard_at = models.DateTimeField(
        null=True, blank=True, help_text="When its words were screened and the queue was told."
    )
    is_withheld = models.BooleanField(default=False, help_text="Its reasons quoted what nobody may read.")
    is_shown = models.BooleanField(default=False, help_text="The review room shows it before the decision.")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = VerdictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "record", "payload_digest"], name="verdict_once"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{name}__gte": LOWEST, f"{name}__lte": HIGHEST}), name=f"verdict_{name}"
                )
                for name in ("relevance", "correctness", "policy", "realism", "doubt")
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(heard_at=None), name="verdict_unheard")]

    def __str__(self) -> str:
        return f"{self.version} on #{self.record_id}"

    @property
    def lowest(self) -> int:
        return min(self.relevance, self.correctness, self.policy, self.realism)


def _standing_digest(record: str, last_event: str) -> models.QuerySet[RecordEvent, str]:
    """The digest of the payload that stands; the arguments name the outer query's record and its last event."""
    events = RecordEvent.objects.filter(record=OuterRef(record), seq=OuterRef(last_event))
    return events.values_list("payload_digest", flat=True)


def with_digest(records: models.QuerySet[Record]) -> models.QuerySet[Any]:
    """``records`` with ``standing_digest``, that of their payload as it is now."""
    return records.annotate(standing_digest=Subquery(_standing_digest("pk", "event_seq")))


def lowest_scores(record_ids: Iterable[int]) -> dict[int, int]:
    """Record → lowest score of the doubts that are known of it as it stands. One query."""
    rows = (
        Verdict.objects.filter(record__in=list(record_ids), is_doubt=True, heard_at__isnull=False)
        .standing()
        .order_by("id")
    )
    lowest: dict[int, int] = {}
    for verdict in rows:
        lowest[verdict.record_id] = min(verdict.lowest, lowest.get(verdict.record_id, HIGHEST))
    return lowest


def due_audits(now: datetime) -> models.QuerySet[Judge]:
    return Judge.objects.filter(is_on=True, next_audit_at__lte=now).order_by("next_audit_at", "id")
