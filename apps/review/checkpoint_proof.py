"""Whether the ledger still is what its checkpoints say it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from apps.records.models import Record, RecordEvent
from apps.review.checkpoint_models import CheckpointPart, LedgerCheckpoint
from apps.review.checkpoints import SHOWN, WIDTH, leaf_of, merkle_root, root_of_parts, signature_of
from apps.review.ledger import Fault
from apps.review.models import Decision, Undo
from apps.specs.models import Project

CHECKPOINT = "review_ledgercheckpoint"


def verify_checkpoints(
    *, project: Project, old_keys: Sequence[str] = (), kept: Mapping[int, str] | None = None
) -> Iterator[Fault]:
    """Every fault that the checkpoints of ``project`` show. Memory does not grow with the ledger.

    ``kept``: number → signature of checkpoints as somebody wrote them down elsewhere.
    """
    checkpoints = list(project.ledger_checkpoints.order_by("number").select_related("project"))
    yield from _signatures(checkpoints, ("", *old_keys))
    yield from _kept(checkpoints, kept or {})
    yield from _roots(checkpoints)
    yield from _counts(project, checkpoints)
    parts = CheckpointPart.objects.filter(checkpoint__in=checkpoints)
    for number in parts.order_by("part").values_list("part", flat=True).distinct():
        of_part = parts.filter(part=number).select_related("checkpoint").order_by("checkpoint__number")
        yield from _heads(project, list(of_part))


def _signatures(checkpoints: Sequence[LedgerCheckpoint], secrets: Sequence[str]) -> Iterator[Fault]:
    previous = ""
    for number, checkpoint in enumerate(checkpoints, start=1):
        if checkpoint.number != number:
            yield Fault(CHECKPOINT, checkpoint.pk, f"one is missing before number {checkpoint.number}")
            return
        if checkpoint.previous != previous:
            yield Fault(CHECKPOINT, checkpoint.pk, "does not follow the checkpoint before it")
        elif checkpoint.signature not in (signature_of(checkpoint, secret=secret) for secret in secrets):
            yield Fault(CHECKPOINT, checkpoint.pk, "was changed after it was signed")
        previous = checkpoint.signature


def _kept(checkpoints: Sequence[LedgerCheckpoint], kept: Mapping[int, str]) -> Iterator[Fault]:
    there = {checkpoint.number: checkpoint for checkpoint in checkpoints}
    for number, signature in sorted(kept.items()):
        if number not in there:
            yield Fault(CHECKPOINT, 0, f"checkpoint {number}, which was kept elsewhere, is gone")
        elif there[number].signature != signature:
            yield Fault(
                CHECKPOINT, there[number].pk, f"is not the checkpoint {number} that was kept elsewhere"
            )


def _roots(checkpoints: Sequence[LedgerCheckpoint]) -> Iterator[Fault]:
    standing: dict[int, str] = {}
    for checkpoint in checkpoints:
        standing.update(checkpoint.parts.values_list("part", "root"))
        if root_of_parts(standing) != checkpoint.root:
            yield Fault(CHECKPOINT, checkpoint.pk, "its parts do not come to its root")


def _counts(project: Project, checkpoints: Sequence[LedgerCheckpoint]) -> Iterator[Fault]:
    """A transaction that was under way may have added to what was counted; nothing takes away."""
    for checkpoint in checkpoints:
        decisions = Decision.objects.filter(project=project, pk__lte=checkpoint.last_decision).count()
        undos = Undo.objects.filter(decision__project=project, pk__lte=checkpoint.last_undo).count()
        for what, counted, left in (
            ("decisions", checkpoint.decisions, decisions),
            ("undos", checkpoint.undos, undos),
        ):
            if left < counted:
                yield Fault(CHECKPOINT, checkpoint.pk, f"counted {counted} {what}, {left} of them are left")


def _heads(project: Project, parts: Sequence[CheckpointPart]) -> Iterator[Fault]:
    """All that was ever said of one range of keys, against its events now. A record is named once."""
    first = parts[0].part * WIDTH
    records = Record.objects.filter(project=project, pk__gte=first, pk__lt=first + WIDTH)
    uuids: dict[int, UUID] = dict(records.values_list("pk", "uuid"))
    hashes: dict[int, dict[int, str]] = defaultdict(dict)
    events = RecordEvent.objects.filter(record_id__gte=first, record_id__lt=first + WIDTH)
    for pk, seq, digest in events.values_list("record_id", "seq", "hash"):
        hashes[pk][seq] = digest
    named: set[int] = set()
    for part in parts:
        leaves, is_whole = [], True
        for pk, seq, shown in part.heads:
            digest = hashes[pk].get(seq, "")
            leaves.append(leaf_of(uuids.get(pk), seq, digest))
            if pk in uuids and digest[:SHOWN] == shown:
                continue
            is_whole = False
            if pk not in named:
                named.add(pk)
                yield Fault(
                    "records_record", pk, _what(part.checkpoint, seq, hashes[pk], is_there=pk in uuids)
                )
        if is_whole and merkle_root(leaves) != part.root:
            yield Fault("review_checkpointpart", part.pk, "the heads of its records do not come to its root")


def _what(checkpoint: LedgerCheckpoint, seq: int, hashes: Mapping[int, str], *, is_there: bool) -> str:
    if not is_there:
        return f"is gone; {checkpoint} counted {seq} events of it"
    if seq not in hashes:
        return f"has {len(hashes)} events, {checkpoint} counted {seq}"
    return f"its event {seq} is not the one that {checkpoint} counted"
