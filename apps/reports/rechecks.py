"""What a lead sees of a check that looked again: how many records would move where, with a few to read."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count

from apps.specs.models import Project
from apps.task_types import task_type_of
from apps.validation.checks import REGISTRY
from apps.validation.models import (
    OPEN_RECHECK,
    ChangeFate,
    ChangeKind,
    Finding,
    Recheck,
    RecheckChange,
    RecheckStatus,
)

SAMPLES = 20
LATEST = 5


@dataclass(frozen=True)
class ChangedRecord:
    """One record whose findings of this check would be others."""

    change: RecheckChange
    text: str
    said: list[str]
    says: list[str]


@dataclass(frozen=True)
class ChangeGroup:
    kind: ChangeKind
    count: int
    samples: list[ChangedRecord]


@dataclass(frozen=True)
class RecheckPage:
    recheck: Recheck
    title: str
    groups: list[ChangeGroup]
    decided: int
    """Records that a person has decided and that would be dropped."""
    fates: list[tuple[str, int]]

    @property
    def is_live(self) -> bool:
        return self.recheck.status in (RecheckStatus.LOOKING, RecheckStatus.APPLYING)

    @property
    def is_ready(self) -> bool:
        return self.recheck.status == RecheckStatus.READY

    @property
    def changes_anything(self) -> bool:
        return any(group.kind != ChangeKind.NOT_CHECKED for group in self.groups)


def recheck_page(recheck: Recheck) -> RecheckPage:
    """Seven queries at most, whatever the number of records."""
    counts = dict(recheck.changes.values_list("kind").annotate(n=Count("id")).order_by("kind"))
    drops = recheck.changes.filter(fate=ChangeFate.PENDING).takes_back()
    fates = recheck.changes.exclude(fate=ChangeFate.PENDING)
    counted = fates.values_list("fate").annotate(n=Count("id")).order_by("fate")
    return RecheckPage(
        recheck=recheck,
        title=title_of(recheck),
        groups=[
            ChangeGroup(kind, counts[kind], list(_samples(recheck, kind)))
            for kind in ChangeKind
            if kind in counts
        ],
        decided=drops.count(),
        fates=[(ChangeFate(fate).label, n) for fate, n in counted],
    )


def _samples(recheck: Recheck, kind: ChangeKind) -> list[ChangedRecord]:
    text_of = task_type_of(recheck.project.task_type).text_of
    changes = recheck.changes.filter(kind=kind).select_related("record").order_by("record_id")[:SAMPLES]
    said: dict[int, list[str]] = {}
    findings = Finding.objects.filter(
        record__in=[change.record_id for change in changes], check_name=recheck.check_name
    )
    for finding in findings:
        said.setdefault(finding.record_id, []).append(finding.message)
    return [
        ChangedRecord(
            change=change,
            text=text_of(change.record.current_input),
            said=said.get(change.record_id, []),
            says=[finding["message"] for finding in change.findings],
        )
        for change in changes
    ]


def title_of(recheck: Recheck) -> str:
    check = REGISTRY.get(recheck.check_name)
    return check.title if check else recheck.check_name


def latest_rechecks(project: Project) -> list[tuple[Recheck, str]]:
    """The latest, each with the title of its check."""
    rows = project.rechecks.select_related("started_by").order_by("-id")[:LATEST]
    return [(recheck, title_of(recheck)) for recheck in rows]


def open_rechecks(project: Project) -> dict[str, Recheck]:
    """By check: what a lead has to wait for or to decide."""
    rows = project.rechecks.filter(status__in=OPEN_RECHECK)
    return {recheck.check_name: recheck for recheck in rows}


def spoken_by_older(project: Project) -> dict[str, int]:
    """Check → records of which an earlier version of it speaks."""
    rows = (
        Finding.objects.filter(record__project=project)
        .values("check_name", "check_version")
        .annotate(n=Count("record", distinct=True))
        .order_by()
    )
    older: dict[str, int] = {}
    for row in rows:
        check = REGISTRY.get(row["check_name"])
        if check is not None and row["check_version"] < check.version:
            older[check.name] = older.get(check.name, 0) + row["n"]
    return older
