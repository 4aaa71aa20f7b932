"""What was taken back after it was released. The files of a release never change; its page and its list say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F

from apps.datasets.models import Release, ReleaseItem
from apps.records.states import RELEASABLE


@dataclass(frozen=True)
class RecallOfItems:
    """One recall as far as it concerns a release."""

    reason: str
    by: str
    started_at: datetime
    records: int


@dataclass(frozen=True)
class ReleaseRecalls:
    """``records`` of the release were recalled since; ``standing`` of those have been accepted anew."""

    records: int
    standing: int
    recalls: list[RecallOfItems]

    @property
    def not_standing(self) -> int:
        return self.records - self.standing


def recalled_counts(releases: Iterable[Release]) -> dict[int, int]:
    """Release → how many of its records were recalled since; only those with any. One query."""
    items = ReleaseItem.objects.recalled().filter(release__in=[release.pk for release in releases])
    return dict(
        items.values("release")
        .annotate(n=Count("record", distinct=True))
        .values_list("release", "n")
        .order_by()
    )


def recalls_of(release: Release) -> ReleaseRecalls:
    """Two queries."""
    items = release.items.recalled().order_by()
    by_recall = (
        items.annotate(
            reason=F("record__recalls__recall__reason"),
            by=F("record__recalls__recall__started_by__username"),
            started_at=F("record__recalls__recall__created_at"),
        )
        .values("record__recalls__recall", "reason", "by", "started_at")
        .annotate(n=Count("record", distinct=True))
        .order_by("started_at", "record__recalls__recall")
    )
    by_status = dict(
        items.values("record__status")
        .annotate(n=Count("record", distinct=True))
        .values_list("record__status", "n")
    )
    return ReleaseRecalls(
        records=sum(by_status.values()),
        standing=sum(n for status, n in by_status.items() if status in RELEASABLE),
        recalls=[
            RecallOfItems(row["reason"], row["by"] or "a command", row["started_at"], row["n"])
            for row in by_recall
        ],
    )


def recalled_json(release: Release) -> dict[str, Any]:
    """For scripts: which lines of the files are not to be relied on any more, by the record's uuid."""
    recalls = recalls_of(release)
    uuids = release.items.recalled().order_by("position").values_list("record__uuid", flat=True)
    return {
        "release": release.number,
        "content_sha256": release.content_hash,
        "recalled": list(dict.fromkeys(map(str, uuids))),
        "accepted_anew": recalls.standing,
        "recalls": [
            {"reason": each.reason, "by": each.by, "at": each.started_at, "records": each.records}
            for each in recalls.recalls
        ],
    }
