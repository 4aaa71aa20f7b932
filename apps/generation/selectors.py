"""What is due, and what the pages of prompts and runs show."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, QuerySet

from apps.core.charts.format import rate
from apps.core.clock import database_now
from apps.generation.gates import PilotState, pilot_states
from apps.generation.models import Prompt, PromptVersion, Run
from apps.providers import REGISTRY
from apps.records.models import Record, RecordEvent
from apps.records.states import RecordStatus
from apps.specs.models import Project

CONTEXT_LINES = 2
MOST_DUE = 200
DROPPED = (RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED)


def to_plan() -> list[int]:
    return list(Run.objects.to_submit(database_now()).order_by("id").values_list("pk", flat=True)[:MOST_DUE])


def to_finish() -> list[int]:
    """Running runs none of whose submissions has anything left to do."""
    return list(Run.objects.to_finish().order_by("id").values_list("pk", flat=True)[:MOST_DUE])


def readable_languages() -> set[str]:
    """Prompt languages that a provider of this installation reads."""
    return {provider.prompt_language for provider in REGISTRY.values()}


def prompts_of(project: Project) -> QuerySet[Prompt]:
    """With ``newest`` (version number), ``runs`` and ``last_used_at``."""
    return project.prompts.annotate(
        newest=Max("versions__version"),
        run_count=Count("versions__runs", distinct=True),
        last_used_at=Max("versions__runs__started_at"),
    ).order_by("name")


def runs_of(project: Project) -> QuerySet[Run]:
    return project.runs.select_related("gap", "prompt_version__prompt", "connection", "created_by").order_by(
        "-id"
    )


@dataclass(frozen=True)
class DiffLine:
    """``op`` is same, added, removed or skip (``text`` then says how many lines are left out)."""

    op: str
    text: str


@dataclass(frozen=True)
class VersionOutcome:
    """What became of the records that one version made."""

    made: int = 0
    dropped: int = 0
    accepted: int = 0
    edited: int = 0
    rejected: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    """Checks that dropped some, the busiest first."""

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.rejected

    @property
    def acceptance(self) -> str:
        """What reviewers kept, edited or not."""
        return rate(self.accepted + self.edited, self.decided)


@dataclass(frozen=True)
class VersionEntry:
    version: PromptVersion
    outcome: VersionOutcome
    run_count: int
    diff: list[DiffLine]
    """Against the version before; empty for the first."""
    pilots: list[PilotState]
    """With each model over the network whose records people have reviewed."""


def version_entries(prompt: Prompt) -> list[VersionEntry]:
    """Newest first. Four queries."""
    versions = list(
        prompt.versions.select_related("created_by", "prompt")
        .annotate(run_count=Count("runs"))
        .order_by("-version")
    )
    older = [*versions[1:], None]
    labels = [version.label for version in versions]
    outcomes, pilots = version_outcomes(prompt.project, labels), pilot_states(prompt.project, labels)
    return [
        VersionEntry(
            version,
            outcomes.get(version.label, VersionOutcome()),
            version.run_count,
            diff_lines(before.template, version.template) if before else [],
            pilots.get(version.label, []),
        )
        for version, before in zip(versions, older, strict=True)
    ]


def version_outcomes(project: Project, labels: Sequence[str]) -> dict[str, VersionOutcome]:
    """By the label of the version. Two queries."""
    records = Record.objects.filter(project=project, prompt_version__in=labels).candidates()
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    for label, status, number in (
        records.values_list("prompt_version", "status").annotate(n=Count("pk")).order_by()
    ):
        statuses[label][status] += number
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    drops = RecordEvent.objects.filter(record__in=records, status_to__in=DROPPED)
    for label, names, number in (
        drops.values_list("record__prompt_version", "reason").annotate(n=Count("pk")).order_by()
    ):
        for name in filter(None, names.split(", ")):
            reasons[label][name.replace("_", " ")] += number
    return {
        label: VersionOutcome(
            made=counts.total(),
            dropped=sum(counts[status] for status in DROPPED),
            accepted=counts[RecordStatus.ACCEPTED],
            edited=counts[RecordStatus.EDITED],
            rejected=counts[RecordStatus.REJECTED],
            reasons=tuple(reasons[label].most_common(3)),
        )
        for label, counts in statuses.items()
    }


def diff_lines(before: str, after: str) -> list[DiffLine]:
    """What changed, line by line, with two unchanged lines around each change."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[DiffLine] = []
    reached = 0
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        start = group[0][1]
        if start > reached:
            lines.append(DiffLine("skip", f"{start - reached} unchanged"))
        for op, old_from, old_to, new_from, new_to in group:
            if op == "equal":
                lines += [DiffLine("same", text) for text in old[old_from:old_to]]
            else:
                lines += [DiffLine("removed", text) for text in old[old_from:old_to]]
                lines += [DiffLine("added", text) for text in new[new_from:new_to]]
        reached = group[-1][2]
    if lines and reached < len(old):
        lines.append(DiffLine("skip", f"{len(old) - reached} unchanged"))
    return lines
