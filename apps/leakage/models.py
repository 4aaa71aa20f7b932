"""Protected corpora as keyed fingerprints. Lives in the ``leakage`` database; never holds a text."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

SCHEME = 2
"""How fingerprints are made. Raised when the same text would get others, which then match no older ones."""


class CorpusKind(models.TextChoices):
    HOLDOUT = "holdout"
    SENSITIVE = "sensitive"


class ProtectedCorpus(models.Model):
    """A set of texts that must not come back out of a generator."""

    uuid = models.UUIDField(default=uuid4, unique=True)
    project_uuid = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=20, choices=CorpusKind)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    revision = models.UUIDField(
        default=uuid4, help_text="A new one with every change of its fingerprints, in one transaction."
    )
    scheme = models.PositiveSmallIntegerField(default=SCHEME, help_text="How its fingerprints were made.")

    def __str__(self) -> str:
        return f"{self.kind} corpus {self.name}"


class DigestKind(models.TextChoices):
    TEXT = "text", "whole text in canonical form"
    CASE = "case", "whole text up to case"
    SENTENCE = "sentence"
    GRAM = "gram", "run of tokens"
    PREFIX = "prefix", "first five tokens of a run"


class Digest(models.Model):
    """Keyed digest of a whole text, of a sentence, or of a run of ``length`` tokens (at most 13)."""

    corpus = models.ForeignKey(ProtectedCorpus, on_delete=models.CASCADE, related_name="digests")
    kind = models.CharField(max_length=10, choices=DigestKind)
    length = models.PositiveSmallIntegerField(help_text="Tokens.")
    digest = models.BinaryField(max_length=16)
    item_uuid = models.UUIDField(help_text="The protected row; resolved only where the holdout may be read.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["corpus", "kind", "digest", "item_uuid"], name="digest_once"),
            models.CheckConstraint(condition=Q(kind__in=DigestKind.values), name="digest_kind"),
        ]
        indexes = [models.Index(fields=["digest"], name="digest_lookup")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.item_uuid}"


class ShingleSet(models.Model):
    """Keyed shingles of one protected sentence, for exact Jaccard."""

    corpus = models.ForeignKey(ProtectedCorpus, on_delete=models.CASCADE, related_name="shingle_sets")
    item_uuid = models.UUIDField()
    sentence = models.PositiveIntegerField()
    shingles = models.BinaryField(help_text="Sorted little-endian uint64.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["corpus", "item_uuid", "sentence"], name="shingle_set_once"),
        ]

    def __str__(self) -> str:
        return f"sentence {self.sentence} of {self.item_uuid}"


class ShingleBand(models.Model):
    """MinHash bands over the keyed shingles."""

    pk = models.CompositePrimaryKey("key", "shingle_set_id")
    key = models.BigIntegerField()
    shingle_set = models.ForeignKey(ShingleSet, on_delete=models.CASCADE, related_name="bands")

    def __str__(self) -> str:
        return f"{self.key}/{self.shingle_set_id}"
