"""Provider connections, and submissions: requests on their way to a provider, answers on their way back."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.specs.models import Project


class ModelFamily(models.Model):
    """Models that share an ancestor and therefore its blind spots; a judge must come from another one."""

    name = models.CharField(max_length=60, unique=True)

    class Meta:
        verbose_name_plural = "model families"

    def __str__(self) -> str:
        return self.name


class Connection(models.Model):
    """One model at one provider. Keys are named here and live in the generation worker's environment."""

    name = models.CharField(max_length=120, unique=True)
    provider = models.CharField(max_length=60, help_text="A key of the provider registry.")
    model = models.CharField(max_length=120)
    family = models.ForeignKey(ModelFamily, on_delete=models.PROTECT, related_name="connections")
    is_enabled = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class SubmissionStatus(models.TextChoices):
    INTENT = "intent"
    SCREENED = "screened"
    SENDING = "sending"
    ACCEPTED = "accepted"
    RUNNING = "running"
    INGESTING = "ingesting"
    DONE = "done"
    INCOMPLETE = "incomplete"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = SubmissionStatus

MACHINE = Machine(
    "submission",
    {
        S.INTENT: frozenset({S.SCREENED, S.FAILED, S.CANCELLED}),
        # Failed: the file is no longer the one that was screened.
        S.SCREENED: frozenset({S.SENDING, S.FAILED, S.CANCELLED}),
        # Back to screened: a 429, which made nothing for certain.
        S.SENDING: frozenset({S.ACCEPTED, S.REJECTED, S.UNKNOWN, S.SCREENED}),
        # Screened and cancelled only on a person's word.
        S.UNKNOWN: frozenset({S.ACCEPTED, S.SCREENED, S.CANCELLED}),
        S.ACCEPTED: frozenset({S.RUNNING, S.INGESTING, S.FAILED, S.CANCELLED, S.EXPIRED}),
        S.RUNNING: frozenset({S.INGESTING, S.FAILED, S.CANCELLED, S.EXPIRED}),
        S.INGESTING: frozenset({S.DONE, S.INCOMPLETE, S.FAILED, S.CANCELLED, S.EXPIRED}),
        S.DONE: frozenset(),
        S.INCOMPLETE: frozenset(),
        S.REJECTED: frozenset(),
        S.FAILED: frozenset(),
        S.CANCELLED: frozenset(),
        S.EXPIRED: frozenset(),
    },
)

TERMINAL = frozenset(state for state, moves in MACHINE.moves.items() if not moves)


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def due(self, statuses: Collection[str], now: datetime) -> SubmissionQuerySet:
        """Submissions whose next step may start (partial index ``submission_due``)."""
        return self.filter(status__in=statuses, next_attempt_at__lte=now).order_by("next_attempt_at", "id")

    def of_run(self, run_uuid: uuid.UUID) -> SubmissionQuerySet:
        return self.filter(run_uuid=run_uuid)

    def unfinished(self) -> SubmissionQuerySet:
        return self.exclude(status__in=TERMINAL)


class Submission(models.Model):
    """One frozen request file, sent at most once automatically (the money wall)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="submissions")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="submissions")
    purpose = models.CharField(max_length=20, help_text="Who ingests the answers: generate, judge, …")
    run_uuid = models.UUIDField(null=True, blank=True, db_index=True)
    status = models.CharField(max_length=20, choices=SubmissionStatus, default=SubmissionStatus.INTENT)
    nonce = models.CharField(
        max_length=32, unique=True, help_text="Our tag, by which a lost batch is found again."
    )

    request_file = models.CharField(max_length=255, help_text="Under FILES_DIR.")
    request_sha256 = models.CharField(max_length=64)
    request_count = models.PositiveIntegerField()
    screened_at = models.DateTimeField(null=True, blank=True)
    screen_findings = models.JSONField(
        default=list, blank=True, help_text="Why the screen stopped it: places, no text."
    )

    post_count = models.PositiveIntegerField(
        default=0, help_text="Requests to create it that left this machine."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    batch_id = models.CharField(max_length=255, blank=True, help_text="The provider's name for it.")
    resent_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who said that it may be sent again although nobody knows what became of it.",
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    ended_as = models.CharField(
        max_length=20,
        choices=[(S.DONE, "done"), (S.EXPIRED, "expired"), (S.CANCELLED, "cancelled")],
        default=S.DONE,
        help_text="How it ended at the provider: its state once everything that came back is in.",
    )

    result_file = models.CharField(max_length=255, blank=True)
    ingest_offset = models.PositiveBigIntegerField(
        default=0, help_text="Bytes of the result file that are in."
    )
    records_made = models.PositiveIntegerField(default=0)
    lines_quarantined = models.PositiveIntegerField(default=0)

    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="submission_status"),
            models.CheckConstraint(
                condition=Q(status__in=["intent", "failed", "cancelled"]) | Q(screened_at__isnull=False),
                name="submission_screened_before_sent",
            ),
            models.CheckConstraint(
                condition=Q(ended_as__in=["done", "expired", "cancelled"]), name="submission_ended_as"
            ),
            models.CheckConstraint(
                condition=Q(post_count=0) | Q(sent_at__isnull=False), name="submission_posts_have_a_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="submission_due",
            ),
        ]

    def __str__(self) -> str:
        return f"submission {self.pk} ({self.status})"


class RequestOutcome(models.TextChoices):
    PENDING = "pending"
    ANSWERED = "answered"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    MISSING = "missing"


class SubmissionRequest(models.Model):
    """One request of a submission, so that answers are compared with what was sent."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="requests")
    custom_id = models.CharField(max_length=64)
    context = models.JSONField(default=dict, help_text="What the sink needs: axes, label, seed ids.")
    outcome = models.CharField(max_length=20, choices=RequestOutcome, default=RequestOutcome.PENDING)
    reason = models.CharField(
        max_length=40, blank=True, help_text="Why it gave no records: refused, truncated, …"
    )
    answer_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["submission", "custom_id"], name="custom_id_once")]

    def __str__(self) -> str:
        return self.custom_id


class QuarantinedLine(models.Model):
    """A result line that was not understood, kept by place and hash."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="quarantine")
    offset = models.PositiveBigIntegerField(help_text="Bytes from the start of the result file.")
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=40)
    message = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["submission", "offset"], name="quarantined_line_once")]

    def __str__(self) -> str:
        return f"{self.submission_id}@{self.offset}: {self.reason}"
