"""The near-duplicate index: twelve band rows a record, and the neighbours found through them."""

from __future__ import annotations

from django.db import models

from apps.records.models import Record


class Band(models.Model):
    """A record shares a band key with every record that may be near it (12 bands of 5 minima each)."""

    pk = models.CompositePrimaryKey("key", "record_id")
    key = models.BigIntegerField(help_text="project, band number and five minima folded into 64 bits.")
    # Without an index: nobody asks for the bands of a record, and writing it would cost a tenth of all checking.
    record_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.key}/{self.record_id}"


class Neighbour(models.Model):
    """``other`` is at least as near to ``record`` as the index keeps; similarity is exact shingle Jaccard."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="neighbours")
    other = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="+")
    similarity = models.FloatField(help_text="Jaccard of character 5-grams, 0 to 1.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record", "other"], name="neighbour_once")]
        ordering = ["-similarity", "id"]

    def __str__(self) -> str:
        return f"{self.record_id} ~ {self.other_id}: {self.similarity:.2f}"
