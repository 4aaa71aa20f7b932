"""Releases: frozen, reproducible training sets."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.records.models import Record
from apps.specs.models import Project


class ReleaseStatus(models.TextChoices):
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"


MACHINE = Machine(
    "release",
    {
        ReleaseStatus.BUILDING: frozenset({ReleaseStatus.READY, ReleaseStatus.FAILED}),
        ReleaseStatus.READY: frozenset(),
        ReleaseStatus.FAILED: frozenset(),
    },
)


class ReleaseQuerySet(models.QuerySet["Release"]):
    def ready(self) -> ReleaseQuerySet:
        return self.filter(status=ReleaseStatus.READY)

    def due(self, now: datetime) -> ReleaseQuerySet:
        """To be built now; another worker's build comes back when its lease runs out."""
        return self.filter(status=ReleaseStatus.BUILDING, next_attempt_at__lte=now)

    def holding(self, record: Record) -> ReleaseQuerySet:
        """Building or ready releases that contain ``record``: its decision can no longer be undone."""
        return self.filter(items__record=record, status__in=[ReleaseStatus.BUILDING, ReleaseStatus.READY])


class EvalSplit(models.TextChoices):
    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class Release(models.Model):
    """A dataset for any trainer. Once ready it never changes (trigger)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=ReleaseStatus, default=ReleaseStatus.BUILDING)
    policy = models.JSONField(help_text="The project's release policy as it was when the build began.")
    manifest = models.JSONField(default=dict, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the dataset file.")
    directory = models.CharField(max_length=255, blank=True, help_text="Under FILES_DIR.")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ready_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(MACHINE, name="release_status"),
            models.UniqueConstraint(fields=["project", "number"], name="release_number_once"),
            models.CheckConstraint(
                condition=~Q(status="ready") | ~Q(content_hash=""), name="release_ready_has_hash"
            ),
        ]

    def __str__(self) -> str:
        return f"release {self.number}"


class ReleaseItemQuerySet(models.QuerySet["ReleaseItem"]):
    def recalled(self) -> ReleaseItemQuerySet:
        """Items whose decision a lead has taken back since, whatever became of the record. May name one twice."""
        this_decision = Q(record__recalls__decision_uuid=F("decision_uuid"))
        no_decision = Q(decision_uuid=None, record__recalls__isnull=False)
        return self.filter(this_decision | no_decision)


class ReleaseItem(models.Model):
    """One record of a release, with the decision that let it in and the split it belongs to. Append-only (trigger)."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="items")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="release_items")
    decision_uuid = models.UUIDField(null=True, blank=True, help_text="Null for real rows.")
    review_status = models.CharField(max_length=20)
    review_method = models.CharField(max_length=10, blank=True)
    eval_split = models.CharField(max_length=10, choices=EvalSplit)
    position = models.PositiveIntegerField()

    objects = ReleaseItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "record"], name="release_record_once"),
            models.UniqueConstraint(fields=["release", "position"], name="release_position_once"),
            models.CheckConstraint(condition=Q(eval_split__in=EvalSplit.values), name="release_item_split"),
        ]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.release_id}/{self.position}"
