"""Freezing a holdout: two databases, no common transaction, so every step can be done again, sealed last.

    begin       terms fixed on the set, status ``freezing``
    continue    commonness on the rows → missing fingerprints → count and hash compared → overlaps with seeds
                and train rows → content hash → seal in ``default`` → status ``frozen``

``continue_freeze`` called again after a crash anywhere goes on to the same end; the evaluation worker calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.core.batches import batched
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.wake import wake
from apps.holdout.contents import content_hash
from apps.holdout.fingerprinting import fingerprints_match, rewrite_fingerprints, write_missing_fingerprints
from apps.holdout.models import MACHINE, HoldoutImport, HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.holdout.rules import FreezeTerms, label_counts, require_freezable
from apps.leakage.services import remove_fingerprints
from apps.records.models import Record
from apps.records.real_rows import difference_of, real_records_by_hash
from apps.specs.models import HoldoutSeal, Project
from apps.task_types import task_type_of

DATABASE = "holdout"
BATCH = 500
MAX_PROBLEMS = 20
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(minutes=10)


def begin_freeze(*, project: Project, terms: FreezeTerms, actor: User | None) -> HoldoutSet:
    """Fixes the terms; from here on no row comes in or goes. Continue with ``continue_freeze``.

    Raises RefusedError that lists all that is missing, StaleStateError when it is freezing or frozen already.
    """
    holdout = current_holdout(project)
    guide = require_freezable(project=project, holdout=holdout, terms=terms)
    labels = guide.labels.filter(is_rejected=False).values_list("name", flat=True)
    MACHINE.swap(
        HoldoutSet.objects.filter(pk=holdout.pk),
        old=HoldoutStatus.COLLECTING,
        new=HoldoutStatus.FREEZING,
        commonness=terms.commonness_of(labels),
        production_shares=dict(terms.production_shares),
        guide_version=guide.version,
        guide_hash=guide.content_hash,
        delta=terms.delta,
        alpha=terms.alpha,
        looks=terms.looks,
        frozen_by_uuid=actor.uuid if actor else None,
        attempts=0,
        next_attempt_at=None,
        last_error="",
    )
    wake("evaluation")
    holdout.refresh_from_db()
    return holdout


def continue_freeze(*, holdout: HoldoutSet) -> HoldoutSet:
    """Takes a freezing holdout to ``frozen``; does nothing to one that is.

    Raises RefusedError, with the set back in ``collecting``, when rows were found that also stand among the
    seeds or train rows. Any other error leaves it ``freezing``, to be continued.
    """
    holdout.refresh_from_db()
    if holdout.status == HoldoutStatus.FROZEN:
        return holdout
    if holdout.status != HoldoutStatus.FREEZING:
        raise StaleStateError(f"The holdout is {holdout.status}: begin its freezing first.")
    project = Project.objects.get(uuid=holdout.project_uuid)
    seal = HoldoutSeal.objects.filter(holdout_uuid=holdout.uuid).first()
    if seal is None:
        set_commonness(holdout)
        write_missing_fingerprints(holdout=holdout, project=project)
        compare_fingerprints(holdout=holdout, project=project)
        refuse_overlaps(holdout=holdout, project=project)
        seal = seal_holdout(holdout=holdout, project=project)
    finish(holdout=holdout, seal=seal)
    holdout.refresh_from_db()
    return holdout


def resume_freeze(*, holdout: HoldoutSet) -> None:
    """``continue_freeze`` for a worker: an error is written on the set, with when to come back."""
    try:
        continue_freeze(holdout=holdout)
    except DomainError as error:
        # Refused rows have moved the set back already; then nothing is due any more.
        _postpone(holdout, HoldoutStatus.FREEZING, str(error))
    except Exception as error:
        _postpone(holdout, HoldoutStatus.FREEZING, f"{type(error).__name__}: freezing stopped half-way.")
        raise


def resume_fingerprints(*, holdout: HoldoutSet) -> None:
    """Writes what an interrupted import left out."""
    try:
        project = Project.objects.get(uuid=holdout.project_uuid)
        write_missing_fingerprints(holdout=holdout, project=project)
    except Exception as error:
        _postpone(holdout, HoldoutStatus.COLLECTING, f"{type(error).__name__}: fingerprints are missing.")
        raise


def _postpone(holdout: HoldoutSet, status: HoldoutStatus, reason: str) -> None:
    wait = min(FIRST_RETRY * 2 ** min(holdout.attempts, 10), LONGEST_RETRY)
    HoldoutSet.objects.filter(pk=holdout.pk, status=status).update(
        attempts=holdout.attempts + 1, next_attempt_at=timezone.now() + wait, last_error=reason
    )


def drop_overlaps(*, project: Project, actor: User | None) -> int:
    """Takes out of a collecting holdout every row that is also a seed or train row; returns how many."""
    holdout = current_holdout(project)
    doubles = list(overlapping_rows(holdout=holdout, project=project))
    with transaction.atomic(using=DATABASE):
        collecting = HoldoutSet.objects.filter(pk=holdout.pk, status=HoldoutStatus.COLLECTING)
        if collecting.update(row_count=F("row_count") - len(doubles), last_error="") != 1:
            raise StaleStateError(f"The holdout is {holdout.status}: its rows stay as they are.")
        HoldoutRecord.objects.filter(pk__in=[row.pk for row, _ in doubles]).delete()
    remove_fingerprints(corpus_uuid=holdout.uuid, item_uuids=[row.uuid for row, _ in doubles])
    return len(doubles)


def current_holdout(project: Project) -> HoldoutSet:
    """The holdout that is collected, freezing or frozen; DomainError when there is none."""
    holdout = HoldoutSet.objects.current_of(project.uuid).first()
    if holdout is None:
        raise DomainError(f"{project} has no holdout yet: import real rows as its holdout first.")
    return holdout


# --- The steps of continue_freeze. Each may be done again at any time while the set is freezing.


def set_commonness(holdout: HoldoutSet) -> None:
    for label, commonness in holdout.commonness.items():
        rows = HoldoutRecord.objects.filter(holdout=holdout, label=label)
        rows.exclude(commonness=commonness).update(commonness=commonness)


def compare_fingerprints(*, holdout: HoldoutSet, project: Project) -> None:
    """One fresh start is made when they differ: a restored backup or a changed key explains that."""
    if fingerprints_match(holdout=holdout, project=project):
        return
    rewrite_fingerprints(holdout=holdout, project=project)
    if not fingerprints_match(holdout=holdout, project=project):
        raise RuntimeError(f"The fingerprints of holdout {holdout.uuid} do not match its rows.")


def refuse_overlaps(*, holdout: HoldoutSet, project: Project) -> None:
    doubles = overlapping_rows(holdout=holdout, project=project)
    if not doubles:
        return
    text_of = task_type_of(project.task_type).text_of
    problems = [
        f"{row.source_id} (line {row.source_line} of its file): the same text is {record.use} row "
        f"#{record.pk} {difference_of(text_of(row.input), text_of(record.input))}"
        for row, record in doubles
    ]
    message = (
        f"{len(doubles)} rows of the holdout are seeds or train rows as well: take them out and freeze again."
    )
    MACHINE.swap(
        HoldoutSet.objects.filter(pk=holdout.pk),
        old=HoldoutStatus.FREEZING,
        new=HoldoutStatus.COLLECTING,
        last_error="\n".join([message, *problems[:MAX_PROBLEMS]]),
    )
    raise RefusedError(message, problems[:MAX_PROBLEMS])


def overlapping_rows(*, holdout: HoldoutSet, project: Project) -> Sequence[tuple[HoldoutRecord, Record]]:
    """Rows whose text a seed or train row has, with that record, in the order of their import."""
    rows = HoldoutRecord.objects.filter(holdout=holdout)
    hashes = rows.values_list("canonical_hash", flat=True).distinct()
    known = real_records_by_hash(project, hashes.iterator())
    doubles = [
        (row, known[row.canonical_hash])
        for chunk in batched(known, BATCH)
        for row in rows.filter(canonical_hash__in=chunk)
    ]
    return sorted(doubles, key=lambda double: double[0].pk)


def seal_holdout(*, holdout: HoldoutSet, project: Project) -> HoldoutSeal:
    """What everybody may know, in ``default``."""
    values: dict[str, Any] = {
        "project": project,
        "content_hash": content_hash(holdout),
        "row_count": HoldoutRecord.objects.filter(holdout=holdout).count(),
        "commonness": holdout.commonness,
        "label_counts": dict(label_counts(holdout)),
        "guide_version": holdout.guide_version,
        "guide_hash": holdout.guide_hash,
        "delta": holdout.delta,
        "alpha": holdout.alpha,
        "looks": holdout.looks,
        "sealed_at": timezone.now(),
        "sealed_by": _frozen_by(holdout),
    }
    seal, _ = HoldoutSeal.objects.get_or_create(holdout_uuid=holdout.uuid, defaults=values)
    return seal


def _frozen_by(holdout: HoldoutSet) -> User | None:
    return User.objects.filter(uuid=holdout.frozen_by_uuid).first() if holdout.frozen_by_uuid else None


def finish(*, holdout: HoldoutSet, seal: HoldoutSeal) -> None:
    with transaction.atomic(using=DATABASE):
        # Staged files that nobody will import any more hold real texts.
        HoldoutImport.objects.filter(project_uuid=holdout.project_uuid, committed_at=None).delete()
        MACHINE.swap(
            HoldoutSet.objects.filter(pk=holdout.pk),
            old=HoldoutStatus.FREEZING,
            new=HoldoutStatus.FROZEN,
            content_hash=seal.content_hash,
            row_count=seal.row_count,
            frozen_at=seal.sealed_at,
            next_attempt_at=None,
            last_error="",
        )
