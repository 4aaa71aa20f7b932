"""How far people agree who decided about the same records without knowing of each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from apps.core.charts.format import MIN_TO_RATE, level, level_interval, percent, rate
from apps.core.statistics.agreement import Agreement, AgreementIntervals, bootstrap
from apps.core.statistics.dawid_skene import Reliability, estimate
from apps.core.statistics.intervals import Interval
from apps.review.models import Action, Decision, TaskKind
from apps.specs.models import Project

LATEST = 20_000
"""Decisions that count, newest first."""
MIN_PEOPLE, MIN_RECORDS, MIN_REJECTS = 3, 50, 5
"""With fewer, AC1 and alpha may be anything: at 50 records the 95% range of alpha still almost holds zero."""


@dataclass(frozen=True)
class Answer:
    """What one of the people who share a record said of it. Edited counts as kept: so does the record."""

    person: int
    is_kept: bool


@dataclass(frozen=True)
class Shared:
    """One record (in one round) that several people decided."""

    label: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class AgreementRow:
    """``counts``: pairs of answers by kept and rejected. ``intervals``: None while there are too few."""

    name: str
    counts: Agreement
    intervals: AgreementIntervals | None

    @property
    def rejects(self) -> int:
        return self.counts.n - self.counts.both

    @property
    def raw_words(self) -> str:
        return rate(self.counts.agreed, self.counts.n)

    @property
    def ac1_words(self) -> str:
        return _words(self.counts.ac1, self.intervals.ac1) if self.intervals else "too few"

    @property
    def alpha_words(self) -> str:
        return _words(self.counts.alpha, self.intervals.alpha) if self.intervals else "too few"


@dataclass(frozen=True)
class ReliabilityRow:
    """Estimated from who agrees with whom (Dawid and Skene), with no answer known."""

    name: str
    shared: int
    estimated: Reliability | None
    """None for a person with fewer than MIN_TO_RATE shared records."""

    @property
    def kept_words(self) -> str:
        return percent(self.estimated.clears) if self.estimated else "too few"

    @property
    def caught_words(self) -> str:
        return percent(self.estimated.hits) if self.estimated else "too few"


@dataclass(frozen=True)
class AgreementReport:
    overall: AgreementRow
    by_label: list[AgreementRow]
    by_pair: list[AgreementRow]
    reliability: list[ReliabilityRow]
    """Empty unless MIN_PEOPLE share MIN_RECORDS: with fewer, the estimate follows whoever decided most."""


def shared_records(project: Project) -> list[Shared]:
    """Records that two or more people decided, all of whose answers are in. One query. Flags are no answer."""
    decisions = (
        Decision.objects.standing()
        .disclosed()
        .filter(project=project, task__kind=TaskKind.OVERLAP)
        .exclude(action=Action.FLAGGED)
        .order_by("-id")
    )
    columns = ("record_id", "task__round", "reviewer_id", "action", "record__label")
    answers: dict[tuple[int, int], list[Answer]] = defaultdict(list)
    labels: dict[tuple[int, int], str] = {}
    for record, round_, person, action, label in decisions.values_list(*columns)[:LATEST]:
        answers[record, round_].append(Answer(person, is_kept=action != Action.REJECTED))
        labels[record, round_] = label
    return [
        Shared(labels[key], tuple(sorted(given, key=lambda answer: answer.person)))
        for key, given in answers.items()
        if len(given) > 1
    ]


def agreement_report(project: Project, names: dict[int, str]) -> AgreementReport:
    """Overall, by label (the most shared first) and by pair of people; ``names``: user id → name."""
    shared = shared_records(project)
    by_label: dict[str, list[tuple[Answer, Answer]]] = defaultdict(list)
    by_pair: dict[tuple[int, int], list[tuple[Answer, Answer]]] = defaultdict(list)
    for one in shared:
        for first, second in combinations(one.answers, 2):
            by_label[one.label].append((first, second))
            by_pair[first.person, second.person].append((first, second))
    return AgreementReport(
        overall=_row("All", [pair for pairs in by_label.values() for pair in pairs]),
        by_label=_rows((label or "no label", pairs) for label, pairs in by_label.items()),
        by_pair=_rows(
            (f"{names.get(one, 'somebody')} and {names.get(other, 'somebody')}", pairs)
            for (one, other), pairs in by_pair.items()
        ),
        reliability=_reliability(shared, names),
    )


def agreement_of(project: Project, person: int) -> AgreementRow:
    """One person against all who shared records with them."""
    pairs = [
        (first, second) if first.person == person else (second, first)
        for one in shared_records(project)
        for first, second in combinations(one.answers, 2)
        if person in (first.person, second.person)
    ]
    return _row("You and the others", pairs)


def _reliability(shared: Sequence[Shared], names: dict[int, str]) -> list[ReliabilityRow]:
    counts = Counter(answer.person for one in shared for answer in one.answers)
    if len(counts) < MIN_PEOPLE or len(shared) < MIN_RECORDS:
        return []
    votes = [
        (number, answer.person, not answer.is_kept)
        for number, one in enumerate(shared)
        for answer in one.answers
    ]
    people = estimate(votes).people
    rows = [
        ReliabilityRow(names.get(person, "somebody"), n, people[person] if n >= MIN_TO_RATE else None)
        for person, n in counts.items()
    ]
    return sorted(rows, key=lambda row: row.name)


def _rows(groups: Iterable[tuple[str, Sequence[tuple[Answer, Answer]]]]) -> list[AgreementRow]:
    return sorted((_row(name, pairs) for name, pairs in groups), key=lambda row: (-row.counts.n, row.name))


def _row(name: str, pairs: Sequence[tuple[Answer, Answer]]) -> AgreementRow:
    kept = [(first.is_kept, second.is_kept) for first, second in pairs]
    counts = Agreement(
        both=kept.count((True, True)),
        first_only=kept.count((True, False)),
        second_only=kept.count((False, True)),
        neither=kept.count((False, False)),
    )
    is_enough = counts.n >= MIN_RECORDS and counts.n - counts.both >= MIN_REJECTS
    return AgreementRow(name, counts, bootstrap(counts) if is_enough else None)


def _words(value: float, interval: Interval) -> str:
    return f"{level(value)} ({level_interval(interval.low, interval.high)})"
