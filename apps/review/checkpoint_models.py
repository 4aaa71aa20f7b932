"""Checkpoints of the ledger: where the chain of every record stood, under one signed root for each project."""

from __future__ import annotations

from django.db import models

from apps.specs.models import Project


class LedgerCheckpoint(models.Model):
    """One moment of a project's ledger. Append-only (trigger)."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="ledger_checkpoints")
    number = models.PositiveIntegerField()
    records = models.PositiveIntegerField()
    events = models.PositiveBigIntegerField()
    decisions = models.PositiveIntegerField(help_text="With a key up to the last one.")
    last_decision = models.BigIntegerField()
    undos = models.PositiveIntegerField(help_text="With a key up to the last one.")
    last_undo = models.BigIntegerField()
    root = models.CharField(max_length=64, help_text="Merkle root over the heads of all chains.")
    previous = models.CharField(max_length=64, blank=True, help_text="Signature of the checkpoint before it.")
    signature = models.CharField(max_length=64, help_text="HMAC under the secret key over everything else.")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="checkpoint_number_once")]

    def __str__(self) -> str:
        return f"checkpoint {self.number}"


class CheckpointPart(models.Model):
    """The heads of the records of one range of keys, as they stood. Append-only (trigger).

    A checkpoint writes the parts that changed since the one before; for all others the earlier row goes on to hold.
    """

    checkpoint = models.ForeignKey(LedgerCheckpoint, on_delete=models.PROTECT, related_name="parts")
    part = models.BigIntegerField(help_text="The range: a record's key divided by its width.")
    heads = models.JSONField(
        help_text="[[record, number of its last event, beginning of that one's hash], …]"
    )
    root = models.CharField(max_length=64, help_text="Merkle root over these heads, whole hashes.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkpoint", "part"], name="checkpoint_part_once")]

    def __str__(self) -> str:
        return f"part {self.part} of checkpoint {self.checkpoint_id}"
