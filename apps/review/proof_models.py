"""What was accepted because checks prove it, what of that people audit, and where the audit ended it."""

from __future__ import annotations

from django.db import models

from apps.records.models import Record
from apps.specs.models import Spec


class ProvenRecord(models.Model):
    """Every output field of the record was proven. Append-only (trigger)."""

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="proofs")
    spec = models.ForeignKey(Spec, on_delete=models.PROTECT, related_name="+")
    checks = models.JSONField(help_text='Which checks proved it: [{"check": name, "version": number}, …].')
    is_audited = models.BooleanField(help_text="Drawn at random for people to decide all the same.")
    decision_uuid = models.UUIDField(help_text="On the record, unless it is audited: then people decide.")
    proven_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "spec"], name="proven_once"),
        ]
        indexes = [
            models.Index(fields=["spec", "id"], condition=models.Q(is_audited=True), name="proven_audit")
        ]

    def __str__(self) -> str:
        return f"#{self.record_id} proven under {self.spec}"


class AuditStop(models.Model):
    """The audit of a spec failed: nothing is accepted without people under it any more. Append-only (trigger)."""

    spec = models.OneToOneField(Spec, on_delete=models.PROTECT, related_name="audit_stop")
    reviewed = models.PositiveIntegerField()
    bad = models.PositiveIntegerField()
    stopped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.spec}: {self.bad} of {self.reviewed} audited records were bad"
