"""Reads of projects, specs and gaps that more than one room needs."""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.specs.models import Gap, Label, LabelGuide, Project, VersionStatus
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


def spec_view(project: Project) -> SpecView:
    """What pure functions may know of the published spec and guide; empty where nothing is published."""
    spec, guide = project.published_spec(), project.published_guide()
    labels = list(Label.objects.filter(guide=guide).values_list("name", "is_rejected")) if guide else []
    return SpecView(
        labels=tuple(name for name, is_rejected in labels if not is_rejected),
        rejected_labels=tuple(name for name, is_rejected in labels if is_rejected),
        output_schema=spec.output_schema or None if spec else None,
    )
