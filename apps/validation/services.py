"""Checking generated records and edits, and letting through what passed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, StaleStateError
from apps.core.wake import wake
from apps.records.models import Record
from apps.records.services import canonical_hash, move_records
from apps.records.states import RecordStatus
from apps.similarity.services import Near, find_near, index_records, keep_neighbours
from apps.specs.models import Project
from apps.task_types import task_type_of
from apps.validation.checks import Batch, FindingData, Item, final_checks
from apps.validation.later_copies import take_back_later_copies
from apps.validation.models import Finding, Outcome
from apps.validation.pipeline import STOPS, checks_of, make_batch, portion_of, run_checks

SLICE = 1000
REAL_SLICE = 2000
CLAIM = timedelta(minutes=5)


def check_slice(*, size: int = SLICE) -> int:
    """Claims up to ``size`` due records, checks them and moves each on; returns how many were claimed.

    1. Claim: push ``due_at`` forward, so that a second worker takes others and a killed worker's come back. What
       would take longer than the claim holds is given back at once.
    2. Index and commit, before anybody looks for near-duplicates (the race rule of apps.similarity).
    3. Check, oldest first; findings and move in one transaction. Whoever lost a record to another worker finds
       it stale and leaves it alone.
    """
    records = _claim(RecordStatus.GENERATED, size=size)
    by_project: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        by_project[record.project_id].append(record)
    for group in by_project.values():
        batch = make_batch(group[0].project, [item_of(record) for record in group])
        size = portion_of(batch, checks_of(batch))
        _give_back(group[size:])
        _check_records(replace(batch, items=batch.items[:size]), group[:size])
    if records:
        wake("validation")
    return len(records)


def index_real_slice() -> int:
    """Puts new real rows into the near-duplicate index; returns how many."""
    records = _claim(RecordStatus.REAL, size=REAL_SLICE)
    by_project: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        by_project[record.project_id].append(record)
    for project_id, group in by_project.items():
        text_of = task_type_of(group[0].project.task_type).text_of
        index_records(project_id=project_id, texts=[(r.pk, text_of(r.current_input)) for r in group])
        Record.objects.filter(pk__in=[r.pk for r in group]).update(due_at=None)
    return len(records)


def check_payload(
    *,
    project: Project,
    input_: dict[str, Any],
    output: dict[str, Any],
    ignore_record: Record | None = None,
    is_draft: bool = False,
) -> list[FindingData]:
    """What the checks say of an edit that is not saved yet. ``ignore_record`` is the record being edited.

    ``is_draft``: it is still being typed, and code in it is not run at every pause.
    """
    item = replace(_item(project, ignore_record.pk if ignore_record else 0, input_, output), is_edit=True)
    return run_checks(make_batch(project, [item]), is_draft=is_draft)[0]


def check_copies(
    *, project: Project, payloads: Sequence[Mapping[str, Any]], but: Collection[str]
) -> list[list[FindingData]]:
    """What the checks, ``but`` those named, say of payloads that are no candidates. Code in them is not run."""
    items = [_item(project, 0, payload["input"], payload["output"]) for payload in payloads]
    return run_checks(make_batch(project, items), is_draft=True, left_out=but)


@transaction.atomic
def keep_findings(*, record: Record, found: Sequence[FindingData]) -> None:
    """Replaces what the checks said of ``record``: they have looked at the payload that stands now."""
    Finding.objects.filter(record=record).delete()
    Finding.objects.bulk_create(finding_row(record, each) for each in found)


def undrop(*, record: Record, reason: str, actor: User) -> None:
    """Sends a dropped record to review against the checks' word. What a final check dropped stays out.

    The checks that never saw it, because it was dropped before their turn, look first: what they find is kept, and
    refused as a DomainError until it is overruled as well.
    """
    if not reason.strip():
        raise DomainError("Say why this record should be reviewed although the checks dropped it.")
    stopped_by = set(record.findings.blocking().values_list("check_name", flat=True))
    if names := sorted(stopped_by.intersection(final_checks())):
        raise DomainError(f"What {', '.join(names)} dropped cannot be sent to review.")
    to = RecordStatus.GENERATED
    if record.status == RecordStatus.FAILED_CHECKS:
        _ask_the_later_checks(record, stopped_by)
        to = RecordStatus.AWAITING_REVIEW
    move_records(records=[record], to=to, actor=actor, reason=reason[:200], due_at=timezone.now())
    wake("validation")


def _ask_the_later_checks(record: Record, overruled: Collection[str]) -> None:
    """DomainError when one that is not in ``overruled`` stops the record too."""
    (found,) = run_checks(make_batch(record.project, [item_of(record)]), overruled=overruled)
    keep_findings(record=record, found=found)
    if more := [each for each in found if each.outcome in STOPS and each.check_name not in overruled]:
        said = " ".join(dict.fromkeys(finding.message for finding in more))
        raise DomainError(f"The checks after it had not seen this record, and would drop it too: {said}")


def _claim(status: RecordStatus, *, size: int = SLICE) -> list[Record]:
    now = timezone.now()
    due = Record.objects.due(status, now).order_by("due_at", "id")
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        chosen = list(due.values_list("id", flat=True)[:size])
        Record.objects.due(status, now).filter(id__in=chosen).update(due_at=now + CLAIM)
    return list(Record.objects.filter(id__in=chosen, status=status).select_related("project").order_by("id"))


def _give_back(records: Sequence[Record]) -> None:
    if records:
        waiting = Record.objects.filter(
            pk__in=[record.pk for record in records], status=RecordStatus.GENERATED
        )
        waiting.update(due_at=timezone.now())


def _check_records(batch: Batch, records: Sequence[Record]) -> None:
    project, items = batch.project, batch.items
    index_records(project_id=project.pk, texts=[(item.record_id, item.text) for item in items])
    near = _look_near(project, items)
    batch = replace(batch, near=near)
    results = run_checks(batch)
    take_back_later_copies(batch, results)
    _settle(records, results)
    keep_neighbours(found=near.items())


def _settle(records: Sequence[Record], results: Sequence[Sequence[FindingData]]) -> None:
    """Moves records in groups of one outcome. A group that lost a record to another worker goes one by one."""
    groups: dict[tuple[RecordStatus, str], list[tuple[Record, Sequence[FindingData]]]] = defaultdict(list)
    for record, found in zip(records, results, strict=True):
        groups[_outcome_of(found)].append((record, found))
    for (to, reason), group in groups.items():
        try:
            _move_on(group, to, reason)
        except StaleStateError:
            for record, found in group:
                with suppress(StaleStateError):
                    _move_on([(Record.objects.get(pk=record.pk), found)], to, reason)


def _outcome_of(found: Sequence[FindingData]) -> tuple[RecordStatus, str]:
    stopping = [f for f in found if f.outcome in STOPS]
    if not stopping:
        return RecordStatus.AWAITING_REVIEW, ""
    reason = ", ".join(sorted({f.check_name for f in stopping}))[:200]
    is_blocked = any(f.outcome == Outcome.BLOCK for f in stopping)
    return RecordStatus.FAILED_CHECKS if is_blocked else RecordStatus.NOT_CHECKED, reason


@transaction.atomic
def _move_on(group: Sequence[tuple[Record, Sequence[FindingData]]], to: RecordStatus, reason: str) -> None:
    records = [record for record, _ in group]
    if any(record.status != RecordStatus.GENERATED for record in records):
        raise StaleStateError("Another worker has checked it.")
    due_at = timezone.now() if to == RecordStatus.AWAITING_REVIEW else None
    move_records(records=records, to=to, actor=None, reason=reason, due_at=due_at)
    Finding.objects.filter(record__in=records).delete()
    rows = [finding_row(record, f) for record, found in group for f in found]
    Finding.objects.bulk_create(rows, batch_size=500)


def finding_row(record: Record, found: FindingData) -> Finding:
    """Cut to what the columns hold; not saved."""
    return Finding(
        record=record,
        check_name=found.check_name,
        check_version=found.check_version,
        outcome=found.outcome,
        code=found.code[:60],
        message=found.message[:400],
        pointer=found.pointer[:200],
        start=found.start,
        end=found.end,
    )


def _look_near(project: Project, items: Sequence[Item]) -> dict[int, list[Near]]:
    """Once for the near-duplicate check and for the neighbours that a reviewer sees; after the commit of the index."""
    near_of = find_near(
        project_id=project.pk,
        task_type=project.task_type,
        texts=[item.text for item in items],
        record_ids=[item.record_id for item in items],
    )
    return {item.record_id: near for item, near in zip(items, near_of, strict=True)}


def item_of(record: Record) -> Item:
    """``record`` as the checks see it, with what a person has made of it. ``record.project`` is read."""
    return _item(record.project, record.pk, record.current_input, record.current_output, record.axes)


def _item(
    project: Project, record_id: int, input_: Any, output: Any, axes: dict[str, Any] | None = None
) -> Item:
    text = task_type_of(project.task_type).text_of(input_)
    return Item(record_id, input_, output, text, canonical_hash(text), axes or {})
