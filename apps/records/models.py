"""Record and its append-only history."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import status_in
from apps.records.states import MACHINE, RELEASABLE, RecordStatus
from apps.specs.models import Gap, Project


class SourceType(models.TextChoices):
    REAL = "real"
    SYNTHETIC = "synthetic"
    SYNTHETIC_LABEL = "synthetic_label", "synthetic label"
    WRITTEN = "written"


class Use(models.TextChoices):
    """What a real row may be used for."""

    SEED = "seed", "seed: may be shown to a generator"
    TRAIN = "train", "train: may be mixed into releases, never shown to a generator"


class ReviewMethod(models.TextChoices):
    PERSON = "person"
    VALIDATOR = "validator"
    LOT = "lot"
    BULK = "bulk"


class RecordQuerySet(models.QuerySet["Record"]):
    def candidates(self) -> RecordQuerySet:
        return self.exclude(source_type=SourceType.REAL).exclude(status=RecordStatus.GOLD)

    def real(self) -> RecordQuerySet:
        return self.filter(source_type=SourceType.REAL)

    def seeds(self) -> RecordQuerySet:
        return self.real().filter(use=Use.SEED)

    def train_rows(self) -> RecordQuerySet:
        return self.real().filter(use=Use.TRAIN)

    def releasable(self) -> RecordQuerySet:
        return self.filter(status__in=RELEASABLE)

    def awaiting_review(self) -> RecordQuerySet:
        return self.filter(status=RecordStatus.AWAITING_REVIEW)

    def dropped(self) -> RecordQuerySet:
        return self.filter(status__in=[RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED])

    def due(self, status: RecordStatus, now: Any) -> RecordQuerySet:
        """Rows of ``status`` whose next automatic step may start (partial index ``record_due``)."""
        return self.filter(status=status, due_at__lte=now)


class Record(models.Model):
    """One row of input and expected output, with where it came from."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="records")
    gap = models.ForeignKey(Gap, null=True, blank=True, on_delete=models.PROTECT, related_name="records")

    # What it says, as it was made. An edit by a person is kept beside it, never over it.
    input = models.JSONField()
    output = models.JSONField()
    edited_input = models.JSONField(null=True, blank=True)
    edited_output = models.JSONField(null=True, blank=True)
    label = models.CharField(
        max_length=120, blank=True, help_text="The task type's facet of the current output."
    )
    canonical_hash = models.CharField(
        max_length=64, help_text="SHA-256 of the current input text in canonical form."
    )

    # Provenance, written once (trigger ``records_record_write_once``).
    source_type = models.CharField(max_length=20, choices=SourceType)
    use = models.CharField(max_length=10, choices=Use, blank=True)
    generator_provider = models.CharField(max_length=60, blank=True)
    generator_model = models.CharField(max_length=120, blank=True)
    generator_model_family = models.CharField(max_length=60, blank=True)
    prompt_version = models.CharField(max_length=140, blank=True)
    schema_version = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    run_uuid = models.UUIDField(null=True, blank=True)
    submission_uuid = models.UUIDField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    position = models.PositiveIntegerField(default=0, help_text="Place within the answer of one request.")
    import_uuid = models.UUIDField(null=True, blank=True)
    axes = models.JSONField(default=dict, blank=True)
    seed_uuids = models.JSONField(default=list, blank=True)
    derived_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="derivatives"
    )
    rights_note = models.CharField(max_length=200, blank=True)

    # Where it stands. Moved by services.move_records alone.
    status = models.CharField(max_length=20, choices=RecordStatus)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next automatic step may take it."
    )
    reviewer = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="reviewed_records"
    )
    review_method = models.CharField(max_length=10, choices=ReviewMethod, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    decision_uuid = models.UUIDField(null=True, blank=True, help_text="The decision that stands.")
    released_at = models.DateTimeField(
        null=True, blank=True, help_text="When it first went into a release: from then on recall, not undo."
    )
    event_seq = models.PositiveIntegerField(default=0, help_text="Sequence number of its last event.")
    event_hash = models.CharField(max_length=64, blank=True, help_text="Head of its hash chain.")

    objects = RecordQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="record_status"),
            models.CheckConstraint(condition=Q(source_type__in=SourceType.values), name="record_source_type"),
            models.CheckConstraint(
                condition=Q(source_type="real", use__in=Use.values, status="real")
                | (~Q(source_type="real") & Q(use="") & ~Q(status="real")),
                name="record_real_has_use",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["accepted", "edited"]) | ~Q(review_method=""),
                name="record_accepted_says_how",
            ),
            models.CheckConstraint(
                condition=~Q(review_method__in=["person", "bulk"]) | Q(reviewer__isnull=False),
                name="record_person_is_named",
            ),
            # A text is a real row of a project once: the second copy would count double in training.
            models.UniqueConstraint(
                fields=["project", "canonical_hash"], condition=Q(source_type="real"), name="real_text_once"
            ),
            # Results ingested twice are refused by the database.
            models.UniqueConstraint(
                fields=["submission_uuid", "request_id", "position"],
                condition=Q(submission_uuid__isnull=False),
                name="record_result_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "due_at", "id"], condition=Q(due_at__isnull=False), name="record_due"
            ),
            models.Index(fields=["project", "status", "id"], name="record_project_status"),
            models.Index(fields=["project", "canonical_hash"], name="record_text"),
            models.Index(fields=["run_uuid", "status"], name="record_run"),
            models.Index(fields=["project", "source_type", "use", "label"], name="record_real_rows"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def current_input(self) -> Any:
        return self.input if self.edited_input is None else self.edited_input

    @property
    def current_output(self) -> Any:
        return self.output if self.edited_output is None else self.edited_output


class UnlabelledInput(models.Model):
    """A real input without a label, waiting for a model to propose one. Never shown as an example."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="unlabelled_inputs")
    input = models.JSONField()
    canonical_hash = models.CharField(max_length=64)
    source = models.CharField(max_length=300, blank=True, help_text="Which file it came in, and whose it is.")
    created_at = models.DateTimeField(auto_now_add=True)
    asked_in = models.UUIDField(null=True, blank=True, help_text="The run that had it labelled.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "canonical_hash"], name="unlabelled_text_once")
        ]
        indexes = [
            models.Index(fields=["project", "id"], condition=Q(asked_in=None), name="unlabelled_waiting")
        ]

    def __str__(self) -> str:
        return f"unlabelled input {self.pk}"


class RecordEvent(models.Model):
    """One step in a record's life. Append-only (trigger), hash-chained: digests only, never text."""

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    status_from = models.CharField(max_length=20, blank=True)
    status_to = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    payload_digest = models.CharField(
        max_length=64, help_text="SHA-256 of the payload that stands after this event."
    )
    happened_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record", "seq"], name="record_event_seq_once")]

    def __str__(self) -> str:
        return f"{self.record_id}/{self.seq}: {self.status_from or '·'} → {self.status_to}"

    def get_status_to_display(self) -> str:
        return RecordStatus(self.status_to).label
