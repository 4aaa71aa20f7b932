"""What the checks said."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.records.models import Record


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
