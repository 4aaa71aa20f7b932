"""Checkpoints of the ledger: so that a record shows that was removed with everything about it, or rewritten whole.

The chain of a record speaks for its events, and for nothing once the record is gone; and whoever may write any row can
compute a chain anew. A checkpoint says where every chain of a project stood: a Merkle root over their heads, signed
under the secret key together with the checkpoint before. The maintenance worker makes one a day, a release one more,
whose number and signature stand in its manifest. Deciding pays nothing for it.

Shown is what was changed between a checkpoint and now. Not shown: what was changed before the next checkpoint came; and
anything at all, if somebody has the database *and* the secret key, unless a signature was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef

from apps.core.clock import database_now
from apps.records import chain
from apps.records.models import Record
from apps.review.checkpoint_models import CheckpointPart, LedgerCheckpoint
from apps.review.models import Decision, Undo
from apps.specs.models import Project

EVERY = timedelta(days=1)
WIDTH = 1024
"""Keys in a part: how much is written again because one record of it moved."""
SHOWN = 12
"""Characters of a hash that are kept for each head: enough to name the row that differs; the root holds all of it."""


@dataclass(frozen=True)
class Part:
    """Heads of one range of keys: [record, number of the last event, beginning of its hash], and their root."""

    heads: list[list[Any]]
    root: str


def make_checkpoint(*, project: Project) -> LedgerCheckpoint:
    """Where the ledger of ``project`` stands. When two are made at once, the first is the answer of both.

    Heads are read without a lock, part by part: each part is what stood in one moment, which is all it says.
    """
    last = last_checkpoint(project)
    before = standing_roots(project)
    roots = dict(before)
    changed: dict[int, Part] = {}
    records = events = 0
    for number, part in _parts(project):
        records += len(part.heads)
        events += sum(seq for _, seq, _ in part.heads)
        roots[number] = part.root
        if before.get(number) != part.root:
            changed[number] = part
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        newest = last_checkpoint(project)
        if newest is not None and newest != last:
            return newest
        checkpoint = LedgerCheckpoint(
            project=project,
            number=(last.number if last else 0) + 1,
            records=records,
            events=events,
            root=root_of_parts(roots),
            previous=last.signature if last else "",
            made_at=database_now(),
            **_decided(project),
        )
        checkpoint.signature = signature_of(checkpoint)
        checkpoint.save(force_insert=True)
        CheckpointPart.objects.bulk_create(
            CheckpointPart(checkpoint=checkpoint, part=number, heads=part.heads, root=part.root)
            for number, part in sorted(changed.items())
        )
    return checkpoint


def projects_due() -> list[int]:
    """Projects with records whose last checkpoint is older than EVERY."""
    fresh = LedgerCheckpoint.objects.filter(project=OuterRef("pk"), made_at__gt=database_now() - EVERY)
    records = Record.objects.filter(project=OuterRef("pk"))
    due = Project.objects.filter(Exists(records)).exclude(Exists(fresh))
    return list(due.order_by("pk").values_list("pk", flat=True))


def last_checkpoint(project: Project) -> LedgerCheckpoint | None:
    return project.ledger_checkpoints.order_by("-number").first()


def standing_roots(project: Project) -> dict[int, str]:
    """Part → its root by the latest checkpoint that wrote it."""
    parts = CheckpointPart.objects.filter(checkpoint__project=project).order_by("checkpoint__number")
    return dict(parts.values_list("part", "root"))


def root_of_parts(roots: Mapping[int, str]) -> str:
    return merkle_root([chain.digest(str(number), root) for number, root in sorted(roots.items())])


def merkle_root(leaves: Sequence[str]) -> str:
    """Of hexadecimal digests: each level hashes neighbours together, and one left over goes up as it is."""
    level = list(leaves) or [chain.digest("")]
    while len(level) > 1:
        pairs = [chain.digest("node", *level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = pairs + (level[-1:] if len(level) % 2 else [])
    return level[0]


def leaf_of(uuid: object, seq: int, event_hash: str) -> str:
    return chain.digest("head", str(uuid), str(seq), event_hash)


def signature_of(checkpoint: LedgerCheckpoint, *, secret: str = "") -> str:
    """``secret``: a key other than the one of today."""
    said = chain.digest(
        str(checkpoint.project.uuid),
        *(
            str(getattr(checkpoint, name))
            for name in ("number", "records", "events", "decisions", "last_decision", "undos", "last_undo")
        ),
        checkpoint.root,
        checkpoint.previous,
        chain.moment(checkpoint.made_at),
    )
    return hmac.new((secret or settings.SECRET_KEY).encode(), said.encode(), hashlib.sha256).hexdigest()


def _parts(project: Project) -> Iterator[tuple[int, Part]]:
    """Every part that has records, in order; one statement each."""
    records = Record.objects.filter(project=project).order_by("pk")
    after = -1
    while (pk := records.filter(pk__gt=after).values_list("pk", flat=True).first()) is not None:
        number = pk // WIDTH
        after = (number + 1) * WIDTH - 1
        rows = list(
            records.filter(pk__gte=pk, pk__lte=after).values_list("pk", "uuid", "event_seq", "event_hash")
        )
        yield (
            number,
            Part(
                heads=[[pk, seq, head[:SHOWN]] for pk, _, seq, head in rows],
                root=merkle_root([leaf_of(uuid, seq, head) for _, uuid, seq, head in rows]),
            ),
        )


def _decided(project: Project) -> dict[str, int]:
    decisions = Decision.objects.filter(project=project).aggregate(n=Count("pk"), last=Max("pk"))
    undos = Undo.objects.filter(decision__project=project).aggregate(n=Count("pk"), last=Max("pk"))
    return {
        "decisions": decisions["n"],
        "last_decision": decisions["last"] or 0,
        "undos": undos["n"],
        "last_undo": undos["last"] or 0,
    }
