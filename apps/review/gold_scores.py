"""How reliably people decide, by the gold items they were handed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from apps.core.charts.format import MIN_TO_RATE, rate
from apps.core.statistics.intervals import wilson
from apps.review.gold import is_right
from apps.review.models import Action, Decision, GoldItem, GoldKind, TaskKind
from apps.review.rules import ReviewRules
from apps.specs.models import Project

LATEST = 20_000
ENOUGH = 3
"""Answers to one item, from which on it may be the item that is wrong."""
MOST_CONTESTED = 20


@dataclass(frozen=True)
class GoldScore:
    """Right answers of all that were given; a flag is none."""

    right: int = 0
    answered: int = 0

    @property
    def words(self) -> str:
        return rate(self.right, self.answered)

    def is_below(self, bar: float) -> bool:
        """Whether the whole 95% interval (Wilson) lies below ``bar``; never of fewer than MIN_TO_RATE answers."""
        return self.answered >= MIN_TO_RATE and wilson(self.right, self.answered).high < bar


@dataclass(frozen=True)
class GoldStock:
    """How many items of each kind are handed out, and how often each kind was answered rightly."""

    rows: list[tuple[str, int, GoldScore]]

    @property
    def total(self) -> int:
        return sum(count for _, count, _ in self.rows)


def gold_scores(project: Project, *, person: int | None = None) -> dict[int, GoldScore]:
    """By user id. One query. Where people are told at once, only their first answer to an item counts."""
    right: dict[int, list[bool]] = defaultdict(list)
    for decision, is_good in _answers(project, person):
        right[decision.reviewer_id].append(is_good)
    return {reviewer: _score(given) for reviewer, given in right.items()}


def gold_stock(project: Project) -> GoldStock:
    counts = Counter(GoldItem.objects.filter(project=project, is_on=True).values_list("kind", flat=True))
    right: dict[str, list[bool]] = defaultdict(list)
    for decision, is_good in _answers(project, None):
        right[decision.record.gold_item.kind].append(is_good)
    return GoldStock([(kind.label, counts[kind], _score(right[kind])) for kind in GoldKind])


@dataclass(frozen=True)
class ContestedGold:
    """An item of which people doubt that it tests anything. ``questions``: what they asked the lead about it."""

    item: GoldItem
    score: GoldScore
    questions: list[str]


def contested_gold(project: Project) -> list[ContestedGold]:
    """Items that somebody asked about, or that most of at least ENOUGH people answered otherwise. Two queries."""
    right: dict[int, list[bool]] = defaultdict(list)
    items: dict[int, GoldItem] = {}
    for decision, is_good in _answers(project, None):
        right[decision.record_id].append(is_good)
        items[decision.record_id] = decision.record.gold_item
    asked: dict[int, list[str]] = defaultdict(list)
    flags = Decision.objects.standing().filter(
        project=project, task__kind=TaskKind.GOLD, action=Action.FLAGGED, record__gold_item__is_on=True
    )
    for flag in flags.select_related("record__gold_item").order_by("-id")[:MOST_CONTESTED]:
        asked[flag.record_id].append(flag.note)
        items[flag.record_id] = flag.record.gold_item
    doubted = [pk for pk, given in right.items() if len(given) >= ENOUGH and sum(given) * 2 < len(given)]
    return [
        ContestedGold(items[pk], _score(right[pk]), asked[pk])
        for pk in list(dict.fromkeys([*asked, *doubted]))[:MOST_CONTESTED]
    ]


def _answers(project: Project, person: int | None) -> Iterable[tuple[Decision, bool]]:
    decisions = Decision.objects.filter(
        project=project, task__kind=TaskKind.GOLD, record__gold_item__is_on=True
    )
    if person is not None:
        decisions = decisions.filter(reviewer=person)
    if not ReviewRules.of(project).gold_feedback:
        decisions = decisions.standing()
    first: dict[tuple[int, int], Decision] = {}
    newest = list(decisions.select_related("record__gold_item").order_by("-id")[:LATEST])
    for decision in reversed(newest):
        first.setdefault((decision.reviewer_id, decision.record_id), decision)
    for decision in first.values():
        is_good = is_right(decision.record.gold_item, decision)
        if is_good is not None:
            yield decision, is_good


def _score(given: list[bool]) -> GoldScore:
    return GoldScore(sum(given), len(given))
