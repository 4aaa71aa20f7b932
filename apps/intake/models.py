"""Uploaded files of seed rows, train rows and candidates made elsewhere."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.specs.models import Gap, Project


class ImportRole(models.TextChoices):
    SEED = "seed", "seed: may be shown to a generator"
    TRAIN = "train", "train: may be mixed into releases, never shown to a generator"
    CANDIDATES = "candidates", "candidates from another generator"


class Import(models.Model):
    """One file, first looked at, then committed whole: nothing is half-imported."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="imports")
    role = models.CharField(max_length=20, choices=ImportRole)
    gap = models.ForeignKey(Gap, null=True, blank=True, on_delete=models.PROTECT, related_name="imports")
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField(null=True, help_text="The file, until it is committed.")
    mapping = models.JSONField(default=dict, help_text='{"input.text": "column", …}')
    origin = models.CharField(
        max_length=300, blank=True, help_text="Where candidates come from, as the importer says."
    )
    rows_imported = models.PositiveIntegerField(default=0)
    near_holdout = models.PositiveIntegerField(
        default=0, help_text="Rows nearly like a holdout row that were imported."
    )
    refused = models.JSONField(default=list, help_text="[{line, reason}]")
    report = models.JSONField(
        default=dict,
        help_text="What checking the file found, for its page. The texts of the preview go with the content.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    committed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=ImportRole.values), name="import_role"),
            models.CheckConstraint(
                condition=~Q(role="candidates") | Q(gap__isnull=False), name="candidates_fill_a_gap"
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def data(self) -> bytes:
        """The staged file; DomainError once it was imported."""
        if self.content is None:
            raise DomainError(f"{self.filename} was imported already; its content is no longer kept.")
        return bytes(self.content)
