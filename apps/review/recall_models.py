"""Recalls: reviewed records that a lead takes back, and which decision of each was taken back."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.records.models import Record
from apps.specs.models import Project


class RecallStatus(models.TextChoices):
    TAKING_BACK = "taking_back", "taking back"
    DONE = "done"


RECALL_MACHINE = Machine(
    "recall",
    {RecallStatus.TAKING_BACK: frozenset({RecallStatus.DONE}), RecallStatus.DONE: frozenset()},
)


class RecallQuerySet(models.QuerySet["Recall"]):
    def due(self, now: datetime) -> RecallQuerySet:
        return self.filter(status=RecallStatus.TAKING_BACK, next_attempt_at__lte=now)


class Recall(models.Model):
    """Everything that fits ``criteria`` and was decided before it began goes back to review, in slices."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="recalls")
    criteria = models.JSONField(help_text="Which records, by their provenance.")
    reason = models.CharField(max_length=160)
    status = models.CharField(max_length=20, choices=RecallStatus, default=RecallStatus.TAKING_BACK)
    last_record = models.BigIntegerField(help_text="The newest record that fitted when it began.")
    done_up_to = models.BigIntegerField(default=0, help_text="Record up to which it is through.")
    fitting = models.PositiveIntegerField(
        default=0, help_text="Records that fitted when it began; what was made from them comes on top."
    )
    taken_back = models.PositiveIntegerField(default=0)
    started_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    objects = RecallQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(RECALL_MACHINE, name="recall_status"),
            models.CheckConstraint(condition=~Q(reason=""), name="recall_says_why"),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="recall_due",
            )
        ]

    def __str__(self) -> str:
        return f"recall {self.pk}"


class RecalledRecord(models.Model):
    """One record that a recall took back, and the decision that counts no more. Append-only (trigger).

    A release item with the same record and decision rests on it: that is how releases are marked.
    """

    recall = models.ForeignKey(Recall, on_delete=models.PROTECT, related_name="records")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="recalls")
    decision_uuid = models.UUIDField(null=True, blank=True)
    status_before = models.CharField(max_length=20)
    review_method = models.CharField(max_length=10)
    is_derived = models.BooleanField(help_text="Recalled because the record that it was made from is.")
    recalled_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recall", "record"], name="recalled_once")]

    def __str__(self) -> str:
        return f"#{self.record_id} of {self.recall}"
