"""Reads for the pages of releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from apps.datasets.models import Release, ReleaseQuerySet, ReleaseStatus
from apps.datasets.policy import MixPolicy
from apps.records.models import ReviewMethod, Use
from apps.specs.models import Project


@dataclass(frozen=True)
class MethodCount:
    """Accepted and edited records by how they were reviewed. ``fresh`` were in no release yet."""

    method: str
    title: str
    records: int
    fresh: int
    is_admitted: bool


@dataclass(frozen=True)
class Mix:
    """What the next release would be made of under the project's policy."""

    policy: MixPolicy
    methods: list[MethodCount]
    train_rows: int
    seeds: int

    @property
    def admitted(self) -> int:
        return sum(method.records for method in self.methods if method.is_admitted)

    @property
    def waiting_outside(self) -> int:
        """Accepted, but by a method that the policy does not take."""
        return sum(method.records for method in self.methods if not method.is_admitted)


@dataclass(frozen=True)
class Share:
    """One value of a facet: how many lines, and what part of all."""

    name: str
    count: int
    total: int

    @property
    def percent(self) -> str:
        return f"{self.count / self.total:.1%}"


@dataclass(frozen=True)
class Facet:
    """The release by one field of its lines."""

    title: str
    shares: list[Share]

    @property
    def is_long(self) -> bool:
        return len(self.shares) > MOST_SHARES


MOST_SHARES = 12
"""A longer table is folded away."""
FACETS = (
    ("source_type", "Source"),
    ("review_method", "Review method"),
    ("eval_split", "Split"),
    ("prompt_version", "Prompt version"),
    ("generator_model", "Generator model"),
    ("label", "Label"),
)


def next_mix(project: Project) -> Mix:
    """Three queries."""
    policy = MixPolicy.of(project)
    releasable = project.records.candidates().releasable()
    by_method = dict(_counts(releasable.values_list("review_method").annotate(n=Count("id"))))
    fresh = releasable.filter(released_at=None).values_list("review_method").annotate(n=Count("id"))
    fresh_by_method = dict(_counts(fresh))
    by_use = dict(_counts(project.records.real().values_list("use").annotate(n=Count("id"))))
    return Mix(
        policy=policy,
        methods=[
            MethodCount(
                method,
                ReviewMethod(method).label,
                by_method.get(method, 0),
                fresh_by_method.get(method, 0),
                method in policy.admit,
            )
            for method in ReviewMethod.values
        ],
        train_rows=by_use.get(Use.TRAIN, 0),
        seeds=by_use.get(Use.SEED, 0),
    )


def releases_of(project: Project) -> ReleaseQuerySet:
    """Newest first. The manifest is not read: it can be large."""
    return (
        Release.objects.filter(project=project)
        .defer("manifest")
        .select_related("created_by")
        .order_by("-number")
    )


def latest_ready(project: Project) -> Release | None:
    return Release.objects.ready().filter(project=project).order_by("-number").first()


def facets_of(release: Release) -> list[Facet]:
    """The manifest's counts, largest first; empty until the release is ready."""
    if release.status != ReleaseStatus.READY:
        return []
    counts: Mapping[str, Mapping[str, Any]] = release.manifest["counts"]
    total = release.manifest["lines"]
    return [
        Facet(
            title,
            [
                Share(name, count, total)
                for name, count in sorted(counts[key].items(), key=lambda item: (-item[1], item[0]))
            ],
        )
        for key, title in FACETS
    ]


def _counts(rows: Any) -> list[tuple[str, int]]:
    return [(name, n) for name, n in rows.order_by()]
