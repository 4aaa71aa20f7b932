"""What goes into a release: reviewed records that the policy admits, and the real rows beside them."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.batches import batched
from apps.datasets.leaks import leaking
from apps.datasets.models import ReleaseItem, ReleaseStatus
from apps.datasets.policy import MixPolicy
from apps.datasets.splits import NEAR, SplitPlan, plan_splits
from apps.records.models import Record, RecordQuerySet, Use
from apps.similarity.services import near_pairs
from apps.specs.models import Project
from apps.task_types import task_type_of

CHUNK = 500
COLUMNS = ("id", "uuid", "status", "review_method", "decision_uuid", "event_hash", "derived_from_id", "label")


@dataclass(frozen=True)
class LeftOut:
    """Accepted records that stay out, and why. ``records`` is empty where the policy says it of a whole kind."""

    reason: str
    count: int
    records: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"reason": self.reason, "count": self.count, "records": list(self.records)}


@dataclass(frozen=True)
class Screening:
    """What was looked at for leakage, by the head of each record's chain: any later event makes it another one."""

    clean: frozenset[str]
    leaking: frozenset[str]
    near: Sequence[tuple[int, int]]
    """Ids of records that are near to each other; empty where they could only go into one split."""


@dataclass(frozen=True)
class Choice:
    """Records in the order of the file (real rows first, each by id), their splits, and who stays out."""

    records: list[Record]
    split_of: dict[int, str]
    left_out: list[LeftOut]
    real_not_mixed: int


def screen_candidates(project: Project, policy: MixPolicy) -> Screening:
    """Looks again for protected texts among what would be released, and for near copies.

    The holdout may have changed since they were checked. Takes time and reads the leakage database, so it runs before
    the transaction that freezes the list, not inside it.
    """
    clean: set[str] = set()
    dirty: set[str] = set()
    rows = _admitted(project, policy).only("id", "event_hash", "input", "edited_input").order_by("id")
    for chunk in batched(rows.iterator(chunk_size=CHUNK), CHUNK):
        leaks = leaking(project.uuid, [record.current_input for record in chunk])
        for record, is_leak in zip(chunk, leaks, strict=True):
            (dirty if is_leak else clean).add(record.event_hash)
    return Screening(frozenset(clean), frozenset(dirty), list(_near_pairs(project, policy)))


def choose(project: Project, policy: MixPolicy, screening: Screening) -> Choice:
    """Settles the list. Called in the transaction that freezes it: the rows it reads are locked."""
    locked = (
        _admitted(project, policy).select_for_update(of=("self",), no_key=True).only(*COLUMNS).order_by("id")
    )
    admitted = list(locked)
    candidates = [record for record in admitted if record.event_hash in screening.clean]
    leaks = [record for record in admitted if record.event_hash in screening.leaking]
    changed = len(admitted) - len(candidates) - len(leaks)
    real, real_not_mixed = _real_rows(project, policy)
    plan = _split_plan(project, [*real, *candidates], policy, screening.near)
    bridging = set(plan.bridging)
    left_out = [
        *_not_admitted(project, policy),
        _named("the text leaks from protected data", leaks),
        _named(
            "would bridge two splits of earlier releases",
            [record for record in [*real, *candidates] if record.pk in bridging],
        ),
        LeftOut("was decided anew while the release was made", changed),
    ]
    return Choice(
        records=[record for record in [*real, *candidates] if record.pk not in bridging],
        split_of=plan.split_of,
        left_out=[group for group in left_out if group.count],
        real_not_mixed=real_not_mixed,
    )


def share_of_each_label(records: Sequence[Record], share: float) -> list[Record]:
    """``share`` of each label's rows, rounded up so that no label vanishes; the same rows every time."""
    if share <= 0:
        return []
    by_label: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_label[record.label].append(record)
    chosen = []
    for rows in by_label.values():
        # In the order of a hash: a larger share contains the smaller one, and file order plays no part.
        rows.sort(key=lambda record: hashlib.sha256(record.uuid.bytes).digest())
        chosen += rows[: math.ceil(share * len(rows))]
    return sorted(chosen, key=lambda record: record.pk)


def _admitted(project: Project, policy: MixPolicy) -> RecordQuerySet:
    return project.records.candidates().releasable().filter(review_method__in=policy.admit)


def _real_rows(project: Project, policy: MixPolicy) -> tuple[list[Record], int]:
    """The real rows that are mixed in, and how many are not."""
    rows = list(project.records.real().only(*COLUMNS, "use").order_by("id"))
    train = [record for record in rows if record.use == Use.TRAIN]
    seeds = [record for record in rows if record.use == Use.SEED] if policy.include_seeds else []
    chosen = sorted([*share_of_each_label(train, policy.real), *seeds], key=lambda record: record.pk)
    return chosen, len(rows) - len(chosen)


def _not_admitted(project: Project, policy: MixPolicy) -> list[LeftOut]:
    others = project.records.candidates().releasable().exclude(review_method__in=policy.admit)
    counts: dict[str, int] = defaultdict(int)
    for method in others.values_list("review_method", flat=True):
        counts[method] += 1
    return [
        LeftOut(f"the policy does not admit the review method {method}", count)
        for method, count in sorted(counts.items())
    ]


def _split_plan(
    project: Project, records: Sequence[Record], policy: MixPolicy, near: Sequence[tuple[int, int]]
) -> SplitPlan:
    return plan_splits(
        uuids={record.pk: record.uuid for record in records},
        edges=[*near, *_shared_parents(records)],
        earlier=_earlier_splits(project),
        shares=policy.splits,
    )


def _near_pairs(project: Project, policy: MixPolicy) -> Iterator[tuple[int, int]]:
    """By the index, real rows too; the neighbours that reviewers see are only the nearest few of candidates."""
    if len({*dict(policy.splits), *_earlier_splits(project).values()}) < 2:
        return
    text_of = task_type_of(project.task_type).text_of
    real, _ = _real_rows(project, policy)
    admitted = _admitted(project, policy).only("id", "input", "edited_input").order_by("id")
    for records in (real, admitted.iterator(chunk_size=CHUNK)):
        yield from near_pairs(
            project_id=project.pk,
            task_type=project.task_type,
            texts=((record.pk, text_of(record.current_input)) for record in records),
            at_least=NEAR,
        )


def _shared_parents(records: Sequence[Record]) -> Iterable[tuple[int, int]]:
    """Each derivative with its parent, and with the first of its siblings where the parent is not in."""
    first_of: dict[int, int] = {}
    for record in records:
        if record.derived_from_id is not None:
            yield record.pk, record.derived_from_id
            yield record.pk, first_of.setdefault(record.derived_from_id, record.pk)


def _earlier_splits(project: Project) -> dict[int, str]:
    rows = ReleaseItem.objects.filter(release__project=project, release__status=ReleaseStatus.READY)
    return dict(rows.order_by("release__number").values_list("record_id", "eval_split"))


def _named(reason: str, records: Sequence[Record]) -> LeftOut:
    return LeftOut(reason, len(records), tuple(str(record.uuid) for record in records))
