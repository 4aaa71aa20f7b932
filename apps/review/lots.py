"""Lots: which one a record belongs to, which one to draw from next, and counts without a hot row."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, OuterRef, QuerySet, Subquery, Sum, Value

from apps.accounts.models import User
from apps.core.prepared import Prepared, Slot
from apps.review.models import Lot, LotDelta, LotQuerySet, LotStatus, ReviewTask
from apps.specs.models import Gap, Project

FOLD_AT_ONCE = 2000
COUNTS = (
    "opened",
    "accepted",
    "edited",
    "rejected",
    "flagged",
    "extra_opened",
    "extra_decided",
    "gold_decided",
)
NEARLY_FULL = 0.9
"""Share of a gap's target from which its lots are drawn after all others."""
SAMPLED = 10
"""Priority of a random sample: after what a person asked for again, before everything else."""


@dataclass(frozen=True, order=True)
class LotKey:
    """What makes records one lot. Two records with equal keys are reviewed together."""

    project_id: int
    gap_id: int
    prompt_version: str
    generator_model: str


def open_lots(keys: Iterable[LotKey]) -> dict[LotKey, Lot]:
    """The open lot of each key, made where there is none (in one order: two workers cannot deadlock)."""
    return {
        key: Lot.objects.get_or_create(
            project_id=key.project_id,
            gap_id=key.gap_id,
            prompt_version=key.prompt_version,
            generator_model=key.generator_model,
            status=LotStatus.OPEN,
        )[0]
        for key in sorted(set(keys))
    }


def lots_in_turn(project: Project, user: User, now: datetime) -> list[int]:
    """Keys of the lots that ``user`` may be handed and that have a free task, as a claim should try them.

    By the priority of what is at their head, so that a random sample or a doubted record of a small lot does not
    wait for a large one. Lots of a gap that is nearly full come last, but for what was asked for again and random
    samples, on which verdicts wait. Among equals it is drawn at random, weighted by what is left (Efraimidis and
    Spirakis, 2006): prompts and models come mixed in proportion, and reviewers do not all stand at the head of one
    index.
    """
    heads = _HEADS.rows(project=project.pk, user=user.pk, now=now)
    lots = [each for each in heads if each[2] is not None]
    full = _nearly_full_gaps(project) if len({gap for _, gap, *_ in lots}) > 1 else frozenset()
    draw = {lot: random.random() ** (1 / max(left, 1)) for lot, _, _, left in lots}  # noqa: S311  no secret hangs on it
    in_turn = sorted(lots, key=lambda each: (each[2] > SAMPLED and each[1] in full, each[2], -draw[each[0]]))
    return [lot for lot, *_ in in_turn]


def fold_lots() -> int:
    """Adds waiting deltas to their lots and removes them, in one transaction; returns how many it folded."""
    with transaction.atomic():
        chosen = list(LotDelta.objects.select_for_update(skip_locked=True).order_by("id")[:FOLD_AT_ONCE])
        totals: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
        for delta in chosen:
            for name in COUNTS:
                totals[delta.lot_id][name] += getattr(delta, name)
        for lot_id in sorted(totals):
            changes = {name: F(name) + total for name, total in totals[lot_id].items() if total}
            if changes:
                Lot.objects.filter(pk=lot_id).update(**changes)
        LotDelta.objects.filter(pk__in=[delta.pk for delta in chosen]).delete()
    return len(chosen)


@dataclass(frozen=True)
class LotCounts:
    """Records of a project or lot: ever put up for review, and how those that are decided ended.

    ``extra``: tasks beside the one that each record has (second opinions, adjudication). Gold items are apart.
    """

    opened: int = 0
    accepted: int = 0
    edited: int = 0
    rejected: int = 0
    flagged: int = 0
    extra_opened: int = 0
    extra_decided: int = 0
    gold_decided: int = 0

    def progress(self, gold_share: float) -> tuple[int, int]:
        """Cards decided, and of how many, where ``gold_share`` of what is handed out are gold items.

        A total that grew with each of them would tell them, so those to be expected are counted from the start.
        """
        expected = round(self.tasks * gold_share / (1 - gold_share)) if gold_share < 1 else 0
        return self.tasks_decided + self.gold_decided, self.tasks + max(expected, self.gold_decided)

    @property
    def tasks(self) -> int:
        return self.opened + self.extra_opened

    @property
    def tasks_decided(self) -> int:
        return self.decided + self.extra_decided

    @property
    def decided(self) -> int:
        return self.accepted + self.edited + self.rejected + self.flagged

    @property
    def left(self) -> int:
        return max(self.opened - self.decided, 0)


def counts_of(project: Project, *, lots: LotQuerySet | None = None) -> LotCounts:
    """Exact counts of ``lots``, or of all: what is folded and what waits to be. Two queries over small tables."""
    if lots is None:
        folded, waiting = (sums.row(project=project.pk) for sums in (_FOLDED, _WAITING))
    else:
        lots = lots.filter(project=project)
        both = (_sums(lots), _sums(LotDelta.objects.filter(lot__in=lots)))
        folded, waiting = (next(iter(sums), None) for sums in both)
    nothing = (0,) * len(COUNTS)
    counts = zip(COUNTS, folded or nothing, waiting or nothing, strict=True)
    return LotCounts(**{name: (done or 0) + (more or 0) for name, done, more in counts})


def _sums(rows: QuerySet[Any]) -> QuerySet[Any, Any]:
    """One row: the sum of each count; none where there are no rows."""
    sums = {f"{name}_sum": Sum(name) for name in COUNTS}
    together: QuerySet[Any, Any] = rows.order_by().annotate(all=Value(1)).values("all")
    summed: QuerySet[Any, Any] = together.annotate(**sums).values_list(*sums)
    return summed


_FOLDED = Prepared(lambda: _sums(Lot.objects.filter(project=Slot("project"))))
_WAITING = Prepared(lambda: _sums(LotDelta.objects.filter(lot__project=Slot("project"))))


def counts_of_lots(lots: Iterable[Lot]) -> dict[int, LotCounts]:
    """Exact counts of each of ``lots``, which must be freshly read. One query."""
    found = {lot.pk: {name: getattr(lot, name) for name in COUNTS} for lot in lots}
    sums = {name: Sum(name) for name in COUNTS}
    waiting = LotDelta.objects.filter(lot__in=found).order_by().values_list("lot")
    for lot_id, *more in waiting.annotate(**{f"{name}_sum": total for name, total in sums.items()}):
        for name, count in zip(COUNTS, more, strict=True):
            found[lot_id][name] += count
    return {pk: LotCounts(**counts) for pk, counts in found.items()}


def _heads() -> QuerySet[Any, Any]:
    """(lot, gap, priority of its first free task or null, records left)."""
    user, now = Slot("user"), Slot("now", DateTimeField())
    free = ReviewTask.objects.obtainable(now).filter(lot=OuterRef("pk")).handed_to(user)
    first = Subquery(free.in_queue_order().values("priority")[:1])
    left = F("opened") - F("accepted") - F("edited") - F("rejected") - F("flagged")
    return Lot.objects.handed_to(user).filter(project=Slot("project")).values_list("pk", "gap", first, left)


_HEADS = Prepared(_heads)
_KEPT_OF_GAPS = Prepared(
    lambda: (
        Gap.objects.filter(project=Slot("project"))
        .annotate(kept=Sum(F("lots__accepted") + F("lots__edited")))
        .values_list("pk", "kept", "target_count")
    )
)


def _nearly_full_gaps(project: Project) -> frozenset[int]:
    gaps = _KEPT_OF_GAPS.rows(project=project.pk)
    return frozenset(pk for pk, kept, target in gaps if (kept or 0) >= NEARLY_FULL * target)
