"""Models under test, their aggregate results, looks at the holdout and launch reviews.

Predictions and per-item scores can contain holdout text: they live in ``apps.holdout``. Here are aggregates only.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.specs.models import Project


class Training(models.TextChoices):
    """How we know what a model was trained on."""

    RELEASES = "releases", "releases of this project"
    DECLARED = "declared", "as declared by the uploader"
    UNKNOWN = "unknown"


class ModelQuerySet(models.QuerySet["ModelUnderTest"]):
    def latest_by_name(self) -> ModelQuerySet:
        """Of each project's models of one name the newest: that name means this one."""
        newest = ModelUnderTest.objects.filter(project=OuterRef("project"), name=OuterRef("name"))
        return self.filter(pk=Subquery(newest.order_by("-pk").values("pk")[:1]))


class ModelUnderTest(models.Model):
    """One trained artefact: the verdict certifies it, not the recipe."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="models_under_test")
    name = models.CharField(max_length=120)
    trained_on = models.CharField(max_length=20, choices=Training, default=Training.UNKNOWN)
    training_note = models.TextField(blank=True)
    release_uuids = models.JSONField(default=list, blank=True)
    holdout_uuid = models.UUIDField(help_text="The holdout that it answered.")
    prediction_set_uuid = models.UUIDField(help_text="Its answers, in the holdout database.")
    predictions_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = ModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(trained_on__in=Training.values), name="model_training")
        ]
        indexes = [models.Index(fields=["project", "name", "-created_at"], name="model_by_name")]

    def __str__(self) -> str:
        return self.name


class ComparisonStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


MACHINE = Machine(
    "comparison",
    {
        ComparisonStatus.QUEUED: frozenset({ComparisonStatus.RUNNING, ComparisonStatus.FAILED}),
        ComparisonStatus.RUNNING: frozenset(
            {ComparisonStatus.DONE, ComparisonStatus.FAILED, ComparisonStatus.QUEUED}
        ),
        ComparisonStatus.DONE: frozenset(),
        ComparisonStatus.FAILED: frozenset(),
    },
)


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def due(self, now: datetime) -> ComparisonQuerySet:
        """To be worked on now; one that a killed worker held comes back when its lease runs out."""
        return self.filter(
            status__in=[ComparisonStatus.QUEUED, ComparisonStatus.RUNNING], next_attempt_at__lte=now
        )


class Comparison(models.Model):
    """Arms of the built-in learner, compared by cross-validation on real rows; the holdout is not looked at."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="comparisons")
    release_uuid = models.UUIDField(null=True, blank=True)
    arms = models.JSONField(default=list)
    folds = models.PositiveSmallIntegerField(default=5)
    status = models.CharField(max_length=20, choices=ComparisonStatus, default=ComparisonStatus.QUEUED)
    steps_total = models.PositiveIntegerField(default=0)
    steps_done = models.PositiveIntegerField(default=0)
    current_step = models.CharField(max_length=120, blank=True)
    results = models.JSONField(
        default=dict, blank=True, help_text="arm → overall and per-slice scores with n."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        constraints = [status_in(MACHINE, name="comparison_status")]

    def __str__(self) -> str:
        return f"comparison {self.pk}"


class Look(models.Model):
    """A candidate's predictions compared with a holdout for the first time. Append-only (trigger)."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="looks")
    holdout_uuid = models.UUIDField()
    number = models.PositiveIntegerField()
    predictions_hash = models.CharField(max_length=64)
    model = models.ForeignKey(ModelUnderTest, on_delete=models.PROTECT, related_name="looks")
    # Scored beside the model, and paid for by this look.
    baseline = models.ForeignKey(
        ModelUnderTest, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    control = models.ForeignKey(
        ModelUnderTest, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    looked_at = models.DateTimeField()
    looked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["holdout_uuid", "number"], name="look_number_once"),
            models.UniqueConstraint(fields=["holdout_uuid", "predictions_hash"], name="look_once"),
        ]

    def __str__(self) -> str:
        return f"look {self.number}"


class Verdict(models.TextChoices):
    SHIP = "SHIP"
    DO_NOT_SHIP = "DO_NOT_SHIP"
    NOT_PROVEN = "NOT_PROVEN"
    INVALID = "INVALID"


class LaunchReview(models.Model):
    """Baseline, control and candidate on the frozen holdout, and what follows. Append-only (trigger)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="launch_reviews")
    baseline = models.ForeignKey(ModelUnderTest, on_delete=models.PROTECT, related_name="+")
    control = models.ForeignKey(ModelUnderTest, on_delete=models.PROTECT, related_name="+")
    candidate = models.ForeignKey(ModelUnderTest, on_delete=models.PROTECT, related_name="+")
    look = models.ForeignKey(
        Look, null=True, blank=True, on_delete=models.PROTECT, related_name="launch_reviews"
    )
    holdout_uuid = models.UUIDField()
    holdout_hash = models.CharField(max_length=64)
    gap_names = models.JSONField(default=list)
    verdict = models.CharField(max_length=20, choices=Verdict)
    headline = models.TextField()
    reasons = models.JSONField(default=list)
    report = models.JSONField(help_text="gates, overall, groups and slices, as launch_report prints them.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="launch_verdict")]

    def __str__(self) -> str:
        return f"{self.verdict}: {self.candidate}"
