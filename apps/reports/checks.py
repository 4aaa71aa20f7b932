"""The checks of a project: what they are set to, what they drop, and which drops more than it used to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from apps.core.charts.format import rate
from apps.generation.models import RepairOrder
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.reports.rechecks import latest_rechecks, open_rechecks, spoken_by_older
from apps.specs.models import Project
from apps.validation.checks import REGISTRY, Batch, Check, final_checks, repairable_checks
from apps.validation.definitions import DefinitionVersion, versions_by_check
from apps.validation.drops import (
    NotChecked,
    SourceDrops,
    Unusual,
    dropped_counts,
    drops_by_source,
    not_checked,
    unusual_checks,
)
from apps.validation.models import Outcome, Recheck
from apps.validation.pipeline import checks_of, make_batch
from apps.validation.selectors import Dropped, dropped_by_check
from apps.validation.settings_of_checks import option_schema

SAMPLES = 3


@dataclass(frozen=True)
class Option:
    """One switch or threshold as it stands; ``is_own`` where the spec says something else than the default."""

    name: str
    value: Any
    is_own: bool
    about: str

    @property
    def shown(self) -> str:
        """As the spec would write it."""
        return "–" if self.value is None else json.dumps(self.value, ensure_ascii=False)


@dataclass(frozen=True)
class CheckEntry:
    """One check of the project's task type. ``severity`` is the strongest thing it says here."""

    name: str
    title: str
    version: int
    severity: Outcome
    is_on: bool
    is_switched_off: bool
    """Off although it would run by itself."""
    is_final: bool
    options: list[Option]
    dropped: int
    dropped_in_a_week: int
    spoken_by_older: int
    """Records of which an earlier version of it speaks."""
    recheck: Recheck | None
    """A look again that is under way or waits for a decision."""
    definitions: list[DefinitionVersion]
    """Versions of what it holds records to, the oldest first."""

    @property
    def own_options(self) -> list[Option]:
        return [option for option in self.options if option.is_own]


@dataclass(frozen=True)
class Sample:
    """A dropped record, and what a lead may do with it. Words where an action is not open."""

    record: Record
    messages: list[str]
    final: list[str]
    can_be_repaired: bool

    @property
    def can_be_undropped(self) -> bool:
        return not self.final


@dataclass(frozen=True)
class DroppedGroup:
    """What one check dropped, with a few to look at."""

    check_name: str
    title: str
    count: int
    samples: list[Sample]


@dataclass(frozen=True)
class ChecksPage:
    checks: list[CheckEntry]
    unusual: list[Unusual]
    sources: list[tuple[SourceDrops, str]]
    not_checked: list[NotChecked]
    groups: list[DroppedGroup]
    rechecks: list[tuple[Recheck, str]]


def checks_page(project: Project) -> ChecksPage:
    batch = make_batch(project, [])
    on = {check.name for check in checks_of(batch)}
    counts = dropped_counts(project)
    definitions = versions_by_check(project)
    older, open_ = spoken_by_older(project), open_rechecks(project)
    return ChecksPage(
        checks=[
            _entry(
                REGISTRY[name],
                batch,
                is_on=name in on,
                dropped=counts.get(name, (0, 0)),
                spoken_by_older=older.get(name, 0),
                recheck=open_.get(name),
                definitions=definitions.get(name, []),
            )
            for name in batch.task_type.check_ids
        ],
        unusual=unusual_checks(project),
        sources=[(each, rate(each.dropped, each.made)) for each in drops_by_source(project)],
        not_checked=not_checked(project),
        groups=dropped_groups(project, samples=SAMPLES),
        rechecks=latest_rechecks(project),
    )


def dropped_groups(project: Project, *, samples: int) -> list[DroppedGroup]:
    """Dropped records by check. One query more than ``dropped_by_check``: which were sent to be mended before."""
    groups = dropped_by_check(project, samples=samples)
    shown = {record.pk for group in groups for record in group.samples}
    origins = {
        record.derived_from_id for group in groups for record in group.samples if record.derived_from_id
    }
    ordered = set(RepairOrder.objects.filter(record__in=shown | origins).values_list("record_id", flat=True))
    return [
        DroppedGroup(
            group.check_name,
            group.title,
            group.count,
            [_sample(record, group, ordered) for record in group.samples],
        )
        for group in groups
    ]


def _sample(record: Record, group: Dropped, ordered: set[int]) -> Sample:
    findings = list(record.findings.all())
    stopped_by = {
        each.check_name for each in findings if each.outcome in (Outcome.BLOCK, Outcome.NOT_CHECKED)
    }
    return Sample(
        record=record,
        messages=[each.message for each in findings if each.check_name == group.check_name],
        final=sorted(stopped_by.intersection(final_checks())),
        can_be_repaired=(
            record.status == RecordStatus.FAILED_CHECKS
            and stopped_by.issubset(repairable_checks())
            and ordered.isdisjoint({record.pk, record.derived_from_id})
        ),
    )


def _entry(
    check: Check,
    batch: Batch,
    *,
    is_on: bool,
    dropped: tuple[int, int],
    spoken_by_older: int,
    recheck: Recheck | None,
    definitions: list[DefinitionVersion],
) -> CheckEntry:
    written = batch.options(check.name)
    options = [
        Option(
            name,
            written.get(name, schema.get("default")),
            name in written and written[name] != schema.get("default"),
            schema.get("description", ""),
        )
        for name, schema in option_schema(check)["properties"].items()
        if name not in ("enabled", "severity")
    ]
    return CheckEntry(
        name=check.name,
        title=check.title,
        version=check.version,
        severity=batch.severity(check),
        is_on=is_on,
        is_switched_off=check.is_on and not is_on,
        is_final=check.is_final,
        options=options,
        dropped=dropped[0],
        dropped_in_a_week=dropped[1],
        spoken_by_older=spoken_by_older,
        recheck=recheck,
        definitions=definitions,
    )
