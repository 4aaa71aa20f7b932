"""Frozen real records, and what models answered on them. The whole app lives in the ``holdout`` database."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from apps.core.errors import DomainError
from apps.core.states import Machine, status_in
from apps.specs.models import Commonness


class HoldoutStatus(models.TextChoices):
    COLLECTING = "collecting"
    FREEZING = "freezing"
    FROZEN = "frozen"
    RETIRED = "retired"


MACHINE = Machine(
    "holdout",
    {
        HoldoutStatus.COLLECTING: frozenset({HoldoutStatus.FREEZING}),
        HoldoutStatus.FREEZING: frozenset({HoldoutStatus.FROZEN, HoldoutStatus.COLLECTING}),
        HoldoutStatus.FROZEN: frozenset({HoldoutStatus.RETIRED}),
        HoldoutStatus.RETIRED: frozenset(),
    },
)


class HoldoutQuerySet(models.QuerySet["HoldoutSet"]):
    def open_of(self, project_uuid: uuid.UUID) -> HoldoutQuerySet:
        """The one that is being collected or frozen now."""
        return self.filter(
            project_uuid=project_uuid, status__in=[HoldoutStatus.COLLECTING, HoldoutStatus.FREEZING]
        )

    def current_of(self, project_uuid: uuid.UUID) -> HoldoutQuerySet:
        """The one that counts: being made or frozen, not retired."""
        return self.filter(project_uuid=project_uuid).exclude(status=HoldoutStatus.RETIRED)


class HoldoutSet(models.Model):
    """Real records that no generator made, labelled or saw."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project_uuid = models.UUIDField()
    status = models.CharField(max_length=20, choices=HoldoutStatus, default=HoldoutStatus.COLLECTING)
    created_at = models.DateTimeField(auto_now_add=True)
    # Fixed when freezing begins, under the content hash.
    commonness = models.JSONField(default=dict, help_text="label → common, other or rare.")
    production_shares = models.JSONField(
        default=dict,
        blank=True,
        help_text="role → share of production traffic, when gap labels are over-sampled.",
    )
    guide_version = models.PositiveIntegerField(null=True, blank=True)
    guide_hash = models.CharField(max_length=64, blank=True)
    delta = models.FloatField(null=True, blank=True)
    alpha = models.FloatField(null=True, blank=True)
    looks = models.PositiveIntegerField(null=True, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    content_hash = models.CharField(max_length=64, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    frozen_by_uuid = models.UUIDField(null=True, blank=True)
    # Of the freezing, which a worker takes up again when it stops half-way.
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = HoldoutQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="holdout_status"),
            models.UniqueConstraint(
                fields=["project_uuid"], condition=~Q(status="retired"), name="one_current_holdout"
            ),
        ]

    def __str__(self) -> str:
        return f"holdout {self.uuid} ({self.status})"


class HoldoutRecord(models.Model):
    """One protected row. Once its set is frozen it can be neither changed nor deleted (trigger)."""

    holdout = models.ForeignKey(HoldoutSet, on_delete=models.PROTECT, related_name="records")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source_id = models.CharField(
        max_length=120,
        help_text="The id that predictions use: given, or row-<n> for the n-th row of its file.",
    )
    input = models.JSONField()
    gold = models.JSONField()
    label = models.CharField(max_length=120)
    tags = models.JSONField(default=dict, blank=True)
    commonness = models.CharField(max_length=10, choices=Commonness, blank=True)
    canonical_hash = models.CharField(max_length=64)
    import_uuid = models.UUIDField()
    source_line = models.PositiveIntegerField()
    is_fingerprinted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holdout", "source_id"], name="holdout_source_id_once"),
        ]
        indexes = [
            models.Index(fields=["holdout", "is_fingerprinted", "id"], name="holdout_to_fingerprint"),
            # Not unique: people ask the same thing twice; a holdout that hides it would lie about traffic.
            models.Index(fields=["holdout", "canonical_hash"], name="holdout_text"),
        ]

    def __str__(self) -> str:
        return self.source_id


class HoldoutImport(models.Model):
    """An uploaded holdout file: staged here, never in ``default``; its bytes go when it is committed."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project_uuid = models.UUIDField(db_index=True)
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField(null=True)
    mapping = models.JSONField(default=dict)
    rows_imported = models.PositiveIntegerField(default=0)
    near_real = models.PositiveIntegerField(
        default=0, help_text="Seed and train rows nearly like a holdout row, after this import."
    )
    refused = models.JSONField(default=list, help_text="[{line, reason}]: never the text.")
    report = models.JSONField(
        default=dict, help_text="What checking found; the texts of the preview go with the content."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_uuid = models.UUIDField(null=True, blank=True)
    committed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.filename

    @property
    def data(self) -> bytes:
        """The staged file; DomainError once it was imported."""
        if self.content is None:
            raise DomainError(f"{self.filename} was imported already; its content is no longer kept.")
        return bytes(self.content)


class PredictionSet(models.Model):
    """What one model answered on one frozen holdout. Can contain or reveal holdout text, so it lives here."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    holdout = models.ForeignKey(HoldoutSet, on_delete=models.PROTECT, related_name="prediction_sets")
    model_name = models.CharField(max_length=120)
    predictions_hash = models.CharField(
        max_length=64, help_text="SHA-256 over (source id, prediction), sorted."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["holdout", "predictions_hash"], name="predictions_by_hash")]

    def __str__(self) -> str:
        return f"{self.model_name} on {self.holdout_id}"


class Prediction(models.Model):
    """One answer and its scores in [0, 1], by name."""

    prediction_set = models.ForeignKey(PredictionSet, on_delete=models.CASCADE, related_name="predictions")
    record = models.ForeignKey(HoldoutRecord, on_delete=models.PROTECT, related_name="+")
    output = models.JSONField()
    confidence = models.FloatField(null=True, blank=True)
    scores = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prediction_set", "record"], name="prediction_once")]

    def __str__(self) -> str:
        return f"{self.prediction_set_id}/{self.record_id}"
