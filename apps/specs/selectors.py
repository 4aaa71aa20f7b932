"""Reads of projects, specs and gaps that more than one room needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from apps.core.errors import DomainError
from apps.core.prepared import Prepared, Slot
from apps.specs.models import Gap, Label, LabelGuide, Project, Spec, VersionStatus
from apps.task_types.base import SpecView


def find_project(name_or_slug: str) -> Project:
    """The project of that name or slug; DomainError lists those there are."""
    for lookup in ({"name": name_or_slug}, {"slug": name_or_slug}):
        project = Project.objects.filter(**lookup).first()
        if project is not None:
            return project
    known = ", ".join(Project.objects.order_by("name").values_list("name", flat=True)[:20])
    raise DomainError(
        f"There is no project {name_or_slug!r}. There is: {known or 'none yet: create_project makes one'}."
    )


def find_gap(project: Project, name: str) -> Gap:
    """The gap of that name or slug; DomainError lists those there are."""
    for lookup in ({"name": name}, {"slug": name}):
        gap = project.gaps.filter(**lookup).first()
        if gap is not None:
            return gap
    known = ", ".join(project.gaps.order_by("name").values_list("name", flat=True)[:20])
    raise DomainError(f"{project} has no gap {name!r}. It has: {known or 'none yet: create_gap makes one'}.")


def current_guide(project: Project) -> LabelGuide | None:
    """The published guide with its labels and examples, or None. Two further queries, however many labels."""
    return (
        project.guides.filter(status=VersionStatus.PUBLISHED)
        .order_by("-version")
        .prefetch_related("labels__examples")
        .first()
    )


@dataclass(frozen=True)
class Published:
    """The versions that count in a project. Shared by all who ask: to be read, never written."""

    spec: Spec | None
    guide: LabelGuide | None
    view: SpecView


def published(project: Project) -> Published:
    """One small query: what was published never changes (trigger), so a process reads each version once."""
    found = _CURRENT.row(project=project.pk)
    return _published(*(found or (None,) * 6))


def spec_view(project: Project) -> SpecView:
    """What pure functions may know of the published spec and guide; empty where nothing is published."""
    return published(project).view


def _newest(versions: QuerySet[Any], column: str) -> Subquery:
    newest = versions.filter(project=OuterRef("pk"), status=VersionStatus.PUBLISHED).order_by("-version")
    return Subquery(newest.values(column)[:1])


_CURRENT = Prepared(
    lambda: (
        Project.objects.filter(pk=Slot("project"))
        .order_by()
        .values_list(
            *(
                _newest(model.objects.all(), column)
                for model in (Spec, LabelGuide)
                for column in ("pk", "created_at", "published_at")
            )
        )
    )
)


@lru_cache(maxsize=64)
def _published(
    spec_id: int | None, _spec_made: Any, _spec_published: Any, guide_id: int | None, *_guide_moments: Any
) -> Published:
    """Keys come back after a rollback, and a draft changes after a publication that was rolled back; moments do not
    come back: together they name a published version for good."""
    spec = Spec.objects.get(pk=spec_id) if spec_id else None
    guide = LabelGuide.objects.get(pk=guide_id) if guide_id else None
    labels: Sequence[tuple[str, bool]] = ()
    if guide is not None:
        labels = list(Label.objects.filter(guide=guide).values_list("name", "is_rejected"))
    view = SpecView(
        labels=tuple(name for name, is_rejected in labels if not is_rejected),
        rejected_labels=tuple(name for name, is_rejected in labels if is_rejected),
        output_schema=spec.output_schema or None if spec else None,
    )
    return Published(spec, guide, view)
