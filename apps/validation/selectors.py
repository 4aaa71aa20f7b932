"""What the checks said, for the pages that show it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count

from apps.core.prepared import Among, PreparedModels
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Project
from apps.validation.checks import REGISTRY
from apps.validation.models import JUDGE_CHECK, Finding, Outcome
from apps.validation.pipeline import checks_of, make_batch


@dataclass(frozen=True)
class CheckLine:
    """One line of the checks panel: a finding, or a check that had nothing to say."""

    name: str
    title: str
    outcome: str
    message: str = ""
    code: str = ""
    pointer: str = ""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True)
class Dropped:
    """How many records a check dropped, and a few of them to look at."""

    check_name: str
    title: str
    count: int
    samples: list[Record]


def check_titles(project: Project) -> list[tuple[str, str]]:
    """(name, title) of the project's checks in the order they run; the same for every record of a page."""
    return [(check.name, check.title) for check in checks_of(make_batch(project, []))]


def findings_for_review(project: Project, records: Collection[int]) -> dict[int, list[Finding]]:
    """What whoever decides may see of each record: under blind review no judge speaks before them."""
    shown: dict[int, list[Finding]] = {pk: [] for pk in records}
    for finding in _FINDINGS.all(records=list(records)):
        if not (project.blind_review and finding.check_name == JUDGE_CHECK):
            shown[finding.record_id].append(finding)
    return shown


_FINDINGS = PreparedModels(lambda: Finding.objects.filter(Among("record", "records")))


def check_lines(
    record: Record, findings: Sequence[Finding], titles: list[tuple[str, str]]
) -> list[CheckLine]:
    """What ``findings`` say of the record, then the checks that passed."""
    lines = [
        CheckLine(f.check_name, _title(f.check_name), f.outcome, f.message, f.code, f.pointer, f.start, f.end)
        for f in findings
    ]
    spoken = {f.check_name for f in findings}
    if record.status in (RecordStatus.GENERATED, RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED):
        # A stopped record was not shown to the later checks: they have not passed.
        return lines
    return lines + [CheckLine(name, title, Outcome.PASS) for name, title in titles if name not in spoken]


def dropped_by_check(project: Project, *, run_uuid: UUID | None = None, samples: int = 3) -> list[Dropped]:
    """Dropped records by the check that dropped them, most first."""
    dropped = Record.objects.filter(project=project).dropped()
    if run_uuid is not None:
        dropped = dropped.filter(run_uuid=run_uuid)
    blocking = Finding.objects.blocking().filter(record__in=dropped)
    counts = (
        blocking.values("check_name").annotate(records=Count("record", distinct=True)).order_by("-records")
    )
    return [
        Dropped(
            row["check_name"],
            _title(row["check_name"]),
            row["records"],
            list(
                dropped.filter(findings__in=blocking.filter(check_name=row["check_name"]))
                .prefetch_related("findings")
                .distinct()
                .order_by("id")[:samples]
            ),
        )
        for row in counts
    ]


def _title(name: str) -> str:
    return REGISTRY[name].title if name in REGISTRY else name.capitalize()
