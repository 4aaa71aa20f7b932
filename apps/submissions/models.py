"""Provider connections, money, and submissions: requests on their way to a provider, answers on their way back."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.providers.base import Endpoint
from apps.specs.models import Project


class ModelFamily(models.Model):
    """Models that share an ancestor and therefore its blind spots; a judge must come from another one."""

    name = models.CharField(max_length=60, unique=True)
    prefixes = models.JSONField(
        default=list,
        blank=True,
        help_text='How its models\' names begin, vendor part left out: ["gpt-", "o3"]. A new connection is '
        "put into the family with the longest fit.",
    )

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
    base_url = models.CharField(max_length=300, blank=True, help_text="Empty: the vendor's own host.")
    key_name = models.CharField(
        max_length=120,
        blank=True,
        help_text="Variable of the generation worker that holds the key. Empty: the vendor's usual one.",
    )
    settings = models.JSONField(
        default=dict, blank=True, help_text="What else the provider asks for: region, bucket, …"
    )
    is_enabled = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            model=self.model, base_url=self.base_url, key_name=self.key_name, settings=dict(self.settings)
        )

    @property
    def workspace(self) -> str:
        """Where its batches are listed together: one provider, one address, one key."""
        return "|".join([self.provider, self.base_url, self.key_name])


class Price(models.Model):
    """What a team says tokens cost, in US dollars per million. Goes before every list."""

    provider = models.CharField(max_length=60)
    model = models.CharField(max_length=120)
    is_batch = models.BooleanField(help_text="The price of the batch interface, not of synchronous calls.")
    input = models.DecimalField(max_digits=12, decimal_places=6)
    output = models.DecimalField(max_digits=12, decimal_places=6)
    cached_input = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    source = models.CharField(max_length=200, help_text="Where it was read: a contract, a page.")
    as_of = models.DateField(help_text="From which day on it holds.")
    entered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model", "is_batch", "as_of"], name="price_once_a_day"
            ),
            models.CheckConstraint(condition=Q(input__gte=0, output__gte=0), name="price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.model}, {'batch' if self.is_batch else 'synchronous'}, from {self.as_of}"


class Budget(models.Model):
    """How much a project may spend, in US dollars. An empty cap caps nothing."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="budget")
    total_cap = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    month_cap = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)

    def __str__(self) -> str:
        return f"budget of {self.project}"


class Spending(models.Model):
    """What a project has reserved and spent in one period. Moved by ``budgets`` alone, by conditional update."""

    TOTAL = ""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="spendings")
    period = models.CharField(max_length=7, blank=True, help_text='"2026-11"; empty: all time.')
    reserved = models.DecimalField(max_digits=18, decimal_places=6, default=Decimal(0))
    spent = models.DecimalField(max_digits=18, decimal_places=6, default=Decimal(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "period"], name="spending_once_a_period"),
            models.CheckConstraint(condition=Q(reserved__gte=0, spent__gte=0), name="spending_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.project}, {self.period or 'all time'}: {self.spent} spent, {self.reserved} reserved"


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
        # Running at once: where requests are posted one by one, each of them is an attempt of its own.
        S.SCREENED: frozenset({S.SENDING, S.RUNNING, S.FAILED, S.CANCELLED}),
        # Back to screened: a 429, which made nothing for certain.
        S.SENDING: frozenset({S.ACCEPTED, S.REJECTED, S.UNKNOWN, S.SCREENED}),
        # Screened and cancelled only on a person's word.
        S.UNKNOWN: frozenset({S.ACCEPTED, S.SCREENED, S.CANCELLED}),
        # Back to screened: the provider had too much enqueued and ended it undone. Back to unknown: what was
        # taken for ours turned out to be somebody else's.
        S.ACCEPTED: frozenset(
            {S.RUNNING, S.INGESTING, S.FAILED, S.CANCELLED, S.EXPIRED, S.SCREENED, S.UNKNOWN}
        ),
        S.RUNNING: frozenset({S.INGESTING, S.FAILED, S.CANCELLED, S.EXPIRED, S.SCREENED, S.UNKNOWN}),
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


class Delivery(models.TextChoices):
    """How requests reach the provider."""

    BATCH = "batch"
    SYNCHRONOUS = "synchronous", "one by one"
    INTERACTIVE = "interactive", "one by one, before everything else"


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def due(self, statuses: Collection[str], now: datetime) -> SubmissionQuerySet:
        """Submissions whose next step may start (partial index ``submission_due``)."""
        return self.filter(status__in=statuses, next_attempt_at__lte=now).order_by("next_attempt_at", "id")

    def interactive(self) -> SubmissionQuerySet:
        """A person waits for these."""
        return self.filter(delivery=Delivery.INTERACTIVE)

    def in_the_background(self) -> SubmissionQuerySet:
        return self.exclude(delivery=Delivery.INTERACTIVE)

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
    delivery = models.CharField(max_length=20, choices=Delivery, default=Delivery.BATCH)
    run_uuid = models.UUIDField(null=True, blank=True, db_index=True)
    resend_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="resends",
        help_text="Whose unanswered requests it asks again.",
    )
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

    lane = models.CharField(
        max_length=420,
        blank=True,
        help_text="Workspace in which one submission at a time may be unresolved, because batches carry no tag.",
    )
    upload = models.CharField(max_length=500, blank=True, help_text="The provider's name for our file there.")
    post_count = models.PositiveIntegerField(
        default=0, help_text="Requests to create it that left this machine."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    batch_id = models.CharField(max_length=255, blank=True, help_text="The provider's name for it.")
    disowned_batches = models.JSONField(
        default=list, blank=True, help_text="Batches taken for ours whose results carry another tag."
    )
    results_expire_at = models.DateTimeField(null=True, blank=True)
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

    # Money, in US dollars.
    price = models.JSONField(
        default=dict, blank=True, help_text="Per million tokens when it was planned, with source and day."
    )
    synchronous_price = models.JSONField(default=dict, blank=True, help_text="What it would cost one by one.")
    reserved = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))
    reserved_period = models.CharField(max_length=7, blank=True, help_text="The month that pays: 2026-11.")
    input_tokens = models.PositiveBigIntegerField(default=0, help_text="As the provider counted them.")
    output_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    cost_is_guess = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True, blank=True)

    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="submission_status"),
            models.CheckConstraint(condition=Q(delivery__in=Delivery.values), name="submission_delivery"),
            models.UniqueConstraint(
                fields=["lane"],
                condition=Q(status__in=["sending", "unknown"]) & ~Q(lane=""),
                name="submission_one_unresolved_in_a_lane",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True) | Q(cost__isnull=False),
                name="submission_settled_has_cost",
            ),
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
    RESENT = "resent", "sent again"


class SubmissionRequest(models.Model):
    """One request of a submission, so that answers are compared with what was sent."""

    # The index of ``custom_id_once`` begins with it. Beside an index of its own, PostgreSQL takes that one to look up
    # ids in a table that it has not analysed yet, and reads the whole submission for every slice.
    submission = models.ForeignKey(
        Submission, on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    custom_id = models.CharField(max_length=64)
    context = models.JSONField(default=dict, help_text="What the sink needs: axes, label, seed ids.")
    outcome = models.CharField(max_length=20, choices=RequestOutcome, default=RequestOutcome.PENDING)
    reason = models.CharField(
        max_length=40, blank=True, help_text="Why it gave no records: refused, truncated, …"
    )
    message = models.CharField(
        max_length=300, blank=True, help_text="What the provider said of a failed one."
    )
    answer_sha256 = models.CharField(max_length=64, blank=True)
    posted_at = models.DateTimeField(
        null=True, blank=True, help_text="Where requests are posted one by one: when this one was."
    )

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
