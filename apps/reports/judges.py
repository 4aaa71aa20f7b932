"""The judges of a project: whom they ask, what is left to ask, what it cost, and whether people agree with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, Count, F, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce

from apps.core.charts.format import MIN_TO_RATE, dollars, level, rate
from apps.core.errors import DomainError
from apps.core.statistics.agreement import Agreement
from apps.critic.asking import PURPOSE, Portion, portion_of
from apps.critic.choosing import Waiting, waiting
from apps.critic.models import Asking, Judge, JudgeVersion, Occasion, Question, QuestionState, Verdict
from apps.records.models import ReviewMethod
from apps.records.states import DECIDED
from apps.review.models import Action, Decision
from apps.specs.models import Project
from apps.submissions.models import Submission, SubmissionStatus
from apps.task_types import task_type_of

LATEST_ASKINGS = 20
MOST_DOUBTS = 50


@dataclass(frozen=True)
class Agreed:
    """Verdicts of one version beside what a person then decided. ``counts``: (doubt, action, seen) → records.

    A person accepts, edits or rejects; only an accepted record was as good as it stood. "Seen" are decisions made with
    the judge's doubt on the card, which pulls people towards it.
    """

    counts: dict[tuple[bool, str, bool], int] = field(default_factory=dict)

    def count(self, *, doubt: bool, actions: Iterable[str], seen: bool | None = None) -> int:
        wanted = frozenset(actions)
        return sum(
            number
            for (is_doubt, action, was_seen), number in self.counts.items()
            if is_doubt == doubt and action in wanted and seen in (None, was_seen)
        )

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """What the judge said → records that people then accepted, edited, rejected."""
        actions = (Action.ACCEPTED, Action.EDITED, Action.REJECTED)
        return [
            (words, [self.count(doubt=doubt, actions=[action]) for action in actions])
            for words, doubt in (("Would take it", False), ("Doubts it", True))
        ]

    def table(self, *, seen: bool | None = None) -> Agreement:
        taken, changed = [Action.ACCEPTED], [Action.EDITED, Action.REJECTED]
        return Agreement(
            both=self.count(doubt=False, actions=taken, seen=seen),
            first_only=self.count(doubt=False, actions=changed, seen=seen),
            second_only=self.count(doubt=True, actions=taken, seen=seen),
            neither=self.count(doubt=True, actions=changed, seen=seen),
        )

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @property
    def seen(self) -> int:
        return sum(number for (_, _, was_seen), number in self.counts.items() if was_seen)

    @property
    def raw_words(self) -> str:
        table = self.table()
        return rate(table.agreed, table.n)

    @property
    def unseen_words(self) -> str:
        """Without those that saw it; "" where they saw every doubt, since what is left is what it did not doubt."""
        table = self.table(seen=False)
        return rate(table.agreed, table.n) if table.second_only + table.neither else ""

    @property
    def chance_words(self) -> str:
        """Of fewer than twenty such a figure would say more than it knows."""
        table = self.table()
        if table.n < MIN_TO_RATE:
            return ""
        return f"AC1 {level(table.ac1)}, kappa {level(table.kappa)}"

    @property
    def false_alarm_words(self) -> str:
        """Of what it doubted, what people took as it was."""
        table = self.table()
        return rate(table.second_only, table.second_only + table.neither)

    @property
    def missed_words(self) -> str:
        """Of what it would take, what people changed or rejected."""
        table = self.table()
        return rate(table.first_only, table.both + table.first_only)


@dataclass(frozen=True)
class Cost:
    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    is_guess: bool = False

    @property
    def words(self) -> str:
        about = "about " if self.is_guess else ""
        more = f", {dollars(self.reserved)} set aside" if self.reserved else ""
        return f"{about}{dollars(self.spent)}{more}"


@dataclass(frozen=True)
class AskingRow:
    """One portion, and how its questions ended."""

    asking: Asking
    states: dict[str, int]
    reasons: dict[str, int]
    cost: Cost
    lost: int
    """Submissions of which nobody knows what became."""
    problem: str

    @property
    def judged(self) -> int:
        return self.states.get(QuestionState.JUDGED, 0)

    @property
    def not_judged(self) -> list[tuple[str, int]]:
        return [
            (QuestionState(state).label, number)
            for state, number in sorted(self.states.items())
            if state not in (QuestionState.JUDGED, QuestionState.ASKED)
        ]


@dataclass(frozen=True)
class Doubt:
    verdict: Verdict
    text: str
    scores: list[tuple[str, int, str]]


@dataclass(frozen=True)
class JudgeEntry:
    judge: Judge
    version: JudgeVersion
    review: Waiting
    audit: Waiting
    agreed: Agreed
    cost: Cost
    doubts: int


@dataclass(frozen=True)
class JudgePage:
    entry: JudgeEntry
    versions: list[tuple[JudgeVersion, Agreed]]
    askings: list[AskingRow]
    doubts: list[Doubt]


def judge_entries(project: Project, judges: Sequence[Judge] | None = None) -> list[JudgeEntry]:
    """Every judge (or these) with its newest version. Two queries for each, and four for all: a project has a few."""
    judges = list(project.judges.order_by("name")) if judges is None else judges
    versions = _newest(judges)
    agreed = agreement_of(versions.values())
    costs, doubts = _costs(project), open_doubts_by_judge(project)
    return [
        JudgeEntry(
            judge=judge,
            version=(version := versions[judge.pk]),
            review=waiting(version, Occasion.REVIEW),
            audit=waiting(version, Occasion.AUDIT),
            agreed=agreed.get(version.pk, Agreed()),
            cost=costs.get(judge.pk, Cost()),
            doubts=doubts.get(judge.pk, 0),
        )
        for judge in judges
    ]


def judge_page(project: Project, judge: Judge) -> JudgePage:
    (entry,) = judge_entries(project, [judge])
    versions = list(judge.versions.select_related("connection__family", "created_by"))
    agreed = agreement_of(versions)
    return JudgePage(
        entry=entry,
        versions=[(version, agreed.get(version.pk, Agreed())) for version in versions],
        askings=_asking_rows(judge),
        doubts=_doubts(project, judge),
    )


def portion_or_reason(
    version: JudgeVersion, occasion: str, *, most: int, delivery: str
) -> tuple[Portion | None, str]:
    """What would be asked, or why there is nothing to ask."""
    try:
        return portion_of(version, occasion, most=most, delivery=delivery), ""
    except DomainError as error:
        return None, str(error)


def agreement_of(versions: Iterable[JudgeVersion]) -> dict[int, Agreed]:
    """By version: its verdicts on records in review, beside the first decision that a person made afterwards.

    Decisions of scripts and decisions taken back do not count, nor do audits: what is accepted already says nothing of
    the rest. One query.
    """
    decided = Decision.objects.standing().filter(
        record=OuterRef("record"),
        action__in=DECIDED,
        method=ReviewMethod.PERSON,
        decided_at__gte=OuterRef("question__asking__created_at"),
    )
    first = decided.order_by("id")
    rows = (
        Verdict.objects.filter(version__in=list(versions), question__asking__occasion=Occasion.REVIEW)
        .annotate(
            action=Subquery(first.values("action")[:1]), decided_at=Subquery(first.values("decided_at")[:1])
        )
        .exclude(action=None)
        .annotate(
            was_seen=Case(
                When(is_shown=True, heard_at__lte=F("decided_at"), then=True),
                default=False,
                output_field=BooleanField(),
            )
        )
        .order_by()
        .values_list("version", "is_doubt", "action", "was_seen")
        .annotate(n=Count("pk"))
    )
    found: dict[int, Agreed] = {}
    for version, is_doubt, action, was_seen, number in rows:
        found.setdefault(version, Agreed()).counts[is_doubt, action, was_seen] = number
    return found


def open_doubts_by_judge(project: Project) -> dict[int, int]:
    rows = (
        Verdict.objects.open_doubts()
        .filter(version__judge__project=project)
        .order_by()
        .values_list("version__judge")
        .annotate(n=Count("pk"))
    )
    return dict(rows)


def _newest(judges: Iterable[Judge]) -> dict[int, JudgeVersion]:
    versions = JudgeVersion.objects.filter(judge__in=list(judges)).order_by("judge", "version")
    return {
        version.judge_id: version
        for version in versions.select_related("judge__project", "connection__family")
    }


def _costs(project: Project) -> dict[int, Cost]:
    askings = Asking.objects.filter(uuid=OuterRef("run_uuid"))
    rows = (
        Submission.objects.filter(project=project, purpose=PURPOSE)
        .annotate(judge=Subquery(askings.values("version__judge")[:1]))
        .order_by()
        .values("judge")
        .annotate(
            spent=Coalesce(Sum("cost"), Decimal(0)),
            set_aside=Coalesce(Sum("reserved", filter=Q(settled_at=None)), Decimal(0)),
            guesses=Count("pk", filter=Q(cost_is_guess=True)),
        )
    )
    return {row["judge"]: Cost(row["spent"], row["set_aside"], bool(row["guesses"])) for row in rows}


def _asking_rows(judge: Judge) -> list[AskingRow]:
    askings = list(
        Asking.objects.filter(version__judge=judge)
        .select_related("version", "created_by")
        .order_by("-id")[:LATEST_ASKINGS]
    )
    states: dict[int, Counter[str]] = {asking.pk: Counter() for asking in askings}
    reasons: dict[int, Counter[str]] = {asking.pk: Counter() for asking in askings}
    counted = Question.objects.filter(asking__in=askings).order_by().values_list("asking", "state", "reason")
    for asking, state, reason, number in counted.annotate(n=Count("pk")):
        states[asking][state] += number
        if reason:
            reasons[asking][reason.replace("_", " ")] += number
    by_uuid: dict[Any, list[Submission]] = {asking.uuid: [] for asking in askings}
    for submission in Submission.objects.filter(run_uuid__in=list(by_uuid)).order_by("id"):
        by_uuid[submission.run_uuid].append(submission)
    return [
        _asking_row(asking, dict(states[asking.pk]), dict(reasons[asking.pk]), by_uuid[asking.uuid])
        for asking in askings
    ]


def _asking_row(
    asking: Asking, states: dict[str, int], reasons: dict[str, int], submissions: list[Submission]
) -> AskingRow:
    return AskingRow(
        asking=asking,
        states=states,
        reasons=reasons,
        cost=Cost(
            sum((each.cost or Decimal(0) for each in submissions), Decimal(0)),
            sum((each.reserved for each in submissions if each.settled_at is None), Decimal(0)),
            any(each.cost_is_guess for each in submissions),
        ),
        lost=sum(each.status == SubmissionStatus.UNKNOWN for each in submissions),
        problem=next((each.last_error for each in submissions if each.last_error), ""),
    )


def _doubts(project: Project, judge: Judge) -> list[Doubt]:
    """Doubts about what was accepted that no lead has looked into, the gravest first."""
    text_of = task_type_of(project.task_type).text_of
    rows = (
        Verdict.objects.open_doubts()
        .filter(version__judge=judge)
        .select_related("record", "version__judge")
        .order_by("-doubt", "id")[:MOST_DOUBTS]
    )
    return [Doubt(verdict, text_of(verdict.record.current_input), scores_of(verdict)) for verdict in rows]


def scores_of(verdict: Verdict) -> list[tuple[str, int, str]]:
    """(criterion, score, reason); no word of a stranger before it was screened."""
    reasons = verdict.reasons if verdict.heard_at else {}
    names = ("relevance", "correctness", "policy", "realism")
    return [(name, getattr(verdict, name), str(reasons.get(name, ""))) for name in names]
