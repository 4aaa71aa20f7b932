"""A check looks again at everything, and shows what would change before it does.

For a new version of a check, or new settings of the spec. ``look_slice`` and ``apply_slice`` each take the next
records of a run and commit how far they came together with what they found, so a killed worker loses one slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, StaleStateError
from apps.core.wake import wake
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import DECIDED, RecordStatus
from apps.specs.models import Project, Spec
from apps.validation.checks import REGISTRY, Batch, Check, FindingData
from apps.validation.checks.base import STRENGTH
from apps.validation.definitions import changed_definitions
from apps.validation.models import (
    RECHECK_MACHINE,
    ChangeFate,
    ChangeKind,
    Finding,
    Outcome,
    Recheck,
    RecheckChange,
    RecheckStatus,
)
from apps.validation.pipeline import STOPS, checks_of, make_batch, portion_of, run_one
from apps.validation.services import finding_row, item_of

SLICE = 300
CLAIM = timedelta(minutes=10)

STOPPED = (RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED)
MOVABLE = (
    RecordStatus.AWAITING_REVIEW,
    RecordStatus.SAMPLED_OUT,
    RecordStatus.ACCEPTED,
    RecordStatus.EDITED,
)
DISCARDABLE = (RecheckStatus.LOOKING, RecheckStatus.READY)
STANDING = (*MOVABLE, RecordStatus.FLAGGED)


def start_recheck(*, project: Project, check_name: str, actor: User | None, because: str = "") -> Recheck:
    """DomainError when the project does not run this check, or it is being looked at already.

    ``because`` names the definitions that are others now: then one that waits under the old ones is discarded.
    """
    batch = make_batch(project, [])
    on = {check.name: check for check in checks_of(batch)}
    if check_name not in on:
        raise DomainError(f"{check_name!r} does not run in {project}; there runs {', '.join(on)}.")
    if because:
        for old in Recheck.objects.filter(project=project, check_name=check_name, status__in=DISCARDABLE):
            discard_recheck(recheck=old, actor=actor)
    newest = Record.objects.filter(project=project).candidates().order_by("-id").first()
    try:
        with transaction.atomic():
            recheck = Recheck.objects.create(
                project=project,
                check_name=check_name,
                check_version=on[check_name].version,
                spec=batch.spec,
                last_record=newest.pk if newest else 0,
                because=because[:400],
                by_itself=bool(because),
                started_by=actor,
                next_attempt_at=timezone.now(),
            )
    except IntegrityError:
        raise StaleStateError(
            f"{on[check_name].title} looks again already: apply or discard that one first."
        ) from None
    wake("validation")
    return recheck


def look_again_at_changed(*, spec: Spec, before: Spec | None, actor: User | None) -> list[Recheck]:
    """Starts each check whose definitions are others in ``spec`` than in ``before``."""
    started = []
    for name, changes in changed_definitions(spec=spec, before=before).items():
        because = f"spec v{spec.version}: {changes}"
        try:
            started.append(start_recheck(project=spec.project, check_name=name, actor=actor, because=because))
        except StaleStateError:
            # One is being applied this moment: it starts the next when it is through.
            continue
    return started


def apply_recheck(*, recheck: Recheck, actor: User | None, with_decided: bool) -> None:
    """Lets what was found happen. StaleStateError when the check or the spec is another one by now."""
    spec = recheck.project.published_spec()
    if REGISTRY[recheck.check_name].version != recheck.check_version or spec != recheck.spec:
        raise StaleStateError("The check or the spec has changed since it looked: discard this, look again.")
    _move(
        recheck,
        RecheckStatus.APPLYING,
        decided_by=actor,
        with_decided=with_decided,
        by_itself=False,
        done_up_to=0,
        next_attempt_at=timezone.now(),
    )
    wake("validation")


def discard_recheck(*, recheck: Recheck, actor: User | None) -> None:
    _move(
        recheck,
        RecheckStatus.DISCARDED,
        decided_by=actor,
        finished_at=timezone.now(),
        next_attempt_at=None,
    )


def advance(recheck_id: int, *, size: int = SLICE) -> None:
    """The next slice of a run that is due; idempotent."""
    recheck = _claimed(recheck_id)
    if recheck is None:
        return
    stage = _look if recheck.status == RecheckStatus.LOOKING else _apply
    stage(recheck, size)
    wake("validation")


def _claimed(recheck_id: int) -> Recheck | None:
    now = timezone.now()
    if not Recheck.objects.due(now).filter(pk=recheck_id).update(next_attempt_at=now + CLAIM):
        return None
    return Recheck.objects.select_related("project", "spec").get(pk=recheck_id)


def _look(recheck: Recheck, size: int) -> None:
    check = REGISTRY[recheck.check_name]
    records = list(_to_look_at(recheck)[:size])
    is_last = len(records) < size
    seen = [record for record in records if not _stopped_by_another(record, check.name)]
    batch = make_batch(recheck.project, [item_of(record) for record in seen])
    portion = portion_of(batch, [check])
    if portion < len(seen):
        seen, batch, is_last = seen[:portion], replace(batch, items=batch.items[:portion]), False
        records = seen
    changes = list(_changes(recheck, check, seen, batch)) if seen else []
    with transaction.atomic():
        RecheckChange.objects.bulk_create(changes, ignore_conflicts=True, batch_size=500)
        if is_last:
            _move(recheck, RecheckStatus.READY, looked_at=recheck.looked_at + len(seen), next_attempt_at=None)
            if recheck.by_itself:
                _go_on_by_itself(recheck)
        else:
            _advance(recheck, records[-1].pk, looked_at=recheck.looked_at + len(seen))


def _go_on_by_itself(recheck: Recheck) -> None:
    """Applies what was found; begins anew when another spec was published while it looked."""
    if recheck.project.published_spec() == recheck.spec:
        now = timezone.now()
        _move(recheck, RecheckStatus.APPLYING, done_up_to=0, next_attempt_at=now)
        return
    start_recheck(
        project=recheck.project,
        check_name=recheck.check_name,
        actor=recheck.started_by,
        because=recheck.because,
    )


def _to_look_at(recheck: Recheck) -> QuerySet[Record]:
    return (
        Record.objects.filter(
            project=recheck.project_id,
            status__in=[*STOPPED, *STANDING],
            pk__gt=recheck.done_up_to,
            pk__lte=recheck.last_record,
        )
        .candidates()
        .select_related("project")
        .prefetch_related("findings")
        .order_by("pk")
    )


def _stopped_by_another(record: Record, check_name: str) -> bool:
    """It was never shown to this check, or stays out whatever it says."""
    return record.status in STOPPED and any(
        finding.outcome in STOPS and finding.check_name != check_name for finding in record.findings.all()
    )


def _changes(
    recheck: Recheck, check: Check, records: Sequence[Record], batch: Batch
) -> Iterator[RecheckChange]:
    found = run_one(check, batch)
    for position, record in enumerate(records):
        now = found.get(position, [])
        kind = _kind(record, check, now)
        if kind is not None:
            yield RecheckChange(
                recheck=recheck,
                record=record,
                event_seq=record.event_seq,
                status_before=record.status,
                kind=kind,
                findings=[asdict(finding) for finding in now],
            )


def _kind(record: Record, check: Check, found: Sequence[FindingData]) -> ChangeKind | None:
    said = [finding for finding in record.findings.all() if finding.check_name == check.name]
    before, after = _strongest(said), _strongest(found)
    if after == Outcome.NOT_CHECKED:
        return None if before == Outcome.NOT_CHECKED else ChangeKind.NOT_CHECKED
    if record.status in STOPPED and before in STOPS and after not in STOPS:
        return ChangeKind.RELEASES
    # What a person has sent on against this check's word is not dropped again for the same.
    if record.status in STANDING and after == Outcome.BLOCK and before not in STOPS:
        return ChangeKind.DROPS
    return ChangeKind.WORDS if _words(said) != _words(found) else None


def _strongest(findings: Iterable[Finding | FindingData]) -> Outcome:
    outcomes = [Outcome(finding.outcome) for finding in findings]
    if Outcome.NOT_CHECKED in outcomes:
        return Outcome.NOT_CHECKED
    return max(outcomes, key=STRENGTH.__getitem__, default=Outcome.PASS)


def _words(findings: Iterable[Finding | FindingData]) -> set[tuple[Any, ...]]:
    return {(f.outcome, f.code, f.message, f.pointer, f.start, f.end) for f in findings}


def _apply(recheck: Recheck, size: int) -> None:
    pending = recheck.changes.filter(fate=ChangeFate.PENDING).exclude(kind=ChangeKind.NOT_CHECKED)
    left_to_people = recheck.changes.none()
    if recheck.by_itself:
        left_to_people = pending.takes_back()
        pending = pending.exclude(pk__in=left_to_people.values("pk"))
    changes = list(
        pending.filter(record_id__gt=recheck.done_up_to)
        .select_related("record__project")
        .order_by("record_id")[:size]
    )
    for change in changes:
        _apply_one(recheck, change)
    if len(changes) == size:
        _advance(recheck, changes[-1].record_id)
    elif left_to_people.exists():
        _move(recheck, RecheckStatus.READY, next_attempt_at=None)
    else:
        _finish(recheck)


def _finish(recheck: Recheck) -> None:
    """What was defined otherwise while it was being applied is looked at next."""
    with transaction.atomic():
        _move(recheck, RecheckStatus.APPLIED, finished_at=timezone.now(), next_attempt_at=None)
        spec = recheck.project.published_spec()
        if spec is not None and spec != recheck.spec:
            look_again_at_changed(spec=spec, before=recheck.spec, actor=recheck.started_by)


def _apply_one(recheck: Recheck, change: RecheckChange) -> None:
    try:
        with transaction.atomic():
            fate = _happen(recheck, change)
            RecheckChange.objects.filter(pk=change.pk).update(fate=fate)
    except StaleStateError:
        RecheckChange.objects.filter(pk=change.pk).update(fate=ChangeFate.OVERTAKEN)


def _happen(recheck: Recheck, change: RecheckChange) -> ChangeFate:
    record = change.record
    if record.event_seq != change.event_seq:
        return ChangeFate.OVERTAKEN
    reason = f"{recheck.check_name} v{recheck.check_version} looked again"
    fate = ChangeFate.APPLIED
    if change.kind == ChangeKind.RELEASES:
        # To the start: what an earlier check stops is not shown to the later ones.
        now = timezone.now()
        move_records(
            records=[record], to=RecordStatus.GENERATED, actor=recheck.decided_by, reason=reason, due_at=now
        )
    elif change.kind == ChangeKind.DROPS:
        if record.status in MOVABLE and (recheck.with_decided or record.status not in DECIDED):
            move_records(
                records=[record], to=RecordStatus.FAILED_CHECKS, actor=recheck.decided_by, reason=reason
            )
        else:
            fate = ChangeFate.KEPT
    _replace_findings(record, recheck.check_name, change.findings)
    return fate


def _replace_findings(record: Record, check_name: str, findings: Sequence[dict[str, Any]]) -> None:
    record.findings.filter(check_name=check_name).delete()
    Finding.objects.bulk_create(finding_row(record, FindingData(**finding)) for finding in findings)


def _advance(recheck: Recheck, done_up_to: int, **changes: Any) -> None:
    """StaleStateError when another worker has done this slice: then ours is rolled back."""
    moved = Recheck.objects.filter(
        pk=recheck.pk, status=recheck.status, done_up_to=recheck.done_up_to
    ).update(done_up_to=done_up_to, next_attempt_at=timezone.now(), **changes)
    if moved != 1:
        raise StaleStateError("Another worker has done this slice.")


def _move(recheck: Recheck, to: RecheckStatus, **changes: Any) -> None:
    RECHECK_MACHINE.swap(Recheck.objects.filter(pk=recheck.pk), old=recheck.status, new=to, **changes)
    recheck.refresh_from_db()
