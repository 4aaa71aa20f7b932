"""What a spec defines (tools, fields, rules), its versions, and what happens to records when one changes.

A version of the spec may leave the definitions that one check holds records to as they were; then they have no new
version. When they are others, the check looks again by itself at the records that were made for the old ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core.strict_json import JsonValue
from apps.specs.models import Project, Spec, VersionStatus
from apps.task_types import task_type_of
from apps.task_types.base import SpecView
from apps.validation.checks import REGISTRY, Batch, Check

NAMED = 6
"""Changed definitions that are named in a sentence; the rest is counted."""


@dataclass(frozen=True)
class DefinitionVersion:
    """``number`` counts the versions that were published; ``changes`` says what is other than in the one before."""

    number: int
    spec_version: int
    published_at: datetime | None
    changes: str


def versions_by_check(project: Project) -> dict[str, list[DefinitionVersion]]:
    """The versions of what each check holds records to, the oldest first; checks without definitions are left out."""
    specs = list(project.specs.filter(status=VersionStatus.PUBLISHED).order_by("version"))
    found = {}
    for name in task_type_of(project.task_type).check_ids:
        versions = list(_versions(REGISTRY[name], project, specs))
        if versions:
            found[name] = versions
    return found


def changed_definitions(*, spec: Spec, before: Spec | None) -> dict[str, str]:
    """Check → what is other than in ``before``, of the checks that run under ``spec``.

    Nothing for a first spec: its records were made for none before it.
    """
    if before is None:
        return {}
    project = spec.project
    changed = {}
    for name in task_type_of(project.task_type).check_ids:
        check = REGISTRY[name]
        old, new = (_defined(check, project, each) for each in (before, spec))
        if old != new and check.is_enabled(_batch(project, spec).options(name)):
            changed[name] = changes_in_words(old, new)
    return changed


def changes_in_words(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> str:
    """``get_weather changed, book_table is new``; names only, the definitions stand in the spec."""
    said = [
        *(f"{name} changed" for name in after if name in before and before[name] != after[name]),
        *(f"{name} is new" for name in after if name not in before),
        *(f"{name} is gone" for name in before if name not in after),
    ]
    rest = len(said) - NAMED
    return ", ".join([*said[:NAMED], *([f"and {rest} more"] if rest > 0 else [])])


def _versions(check: Check, project: Project, specs: Sequence[Spec]) -> Iterator[DefinitionVersion]:
    before: Mapping[str, JsonValue] = {}
    number = 0
    for spec in specs:
        after = _defined(check, project, spec)
        if after != before:
            number += 1
            yield DefinitionVersion(
                number, spec.version, spec.published_at, changes_in_words(before, after) if number > 1 else ""
            )
        before = after


def _defined(check: Check, project: Project, spec: Spec) -> Mapping[str, JsonValue]:
    return check.definitions(_batch(project, spec))


def _batch(project: Project, spec: Spec) -> Batch:
    """Labels play no part: the guide has versions of its own."""
    view = SpecView(output_schema=spec.output_schema or None)
    return Batch(project, spec, view, task_type_of(project.task_type), [])
