"""Background work of the validation queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from celery import shared_task
from django.utils import timezone

from apps.core.sweep import Sweep
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.submissions.selectors import to_screen
from apps.validation import rechecks, screening, services
from apps.validation.models import Recheck

# Slices handed out per sweep: enough to keep a few workers busy until the next one.
SLICES_PER_SWEEP = 4


def _slices_due(status: RecordStatus, size: int) -> Callable[[], Iterable[int]]:
    def due() -> Iterable[int]:
        waiting = Record.objects.due(status, timezone.now()).order_by()[: size * SLICES_PER_SWEEP].count()
        return range(-(-waiting // size))

    return due


@shared_task(name="validation.check_records")
def check_records(slice_number: int) -> None:
    services.check_slice()


@shared_task(name="validation.index_real_records")
def index_real_records(slice_number: int) -> None:
    services.index_real_slice()


@shared_task(name="validation.screen_submission")
def screen_submission(submission_id: int) -> None:
    screening.screen_submission(submission_id)


@shared_task(name="validation.advance_recheck")
def advance_recheck(recheck_id: int) -> None:
    rechecks.advance(recheck_id)


def _rechecks_due() -> Iterable[int]:
    return Recheck.objects.due(timezone.now()).order_by("next_attempt_at").values_list("pk", flat=True)


SWEEPS: tuple[Sweep, ...] = (
    # A person waits for the run behind it.
    Sweep("screen submissions", "validation", to_screen, screen_submission),
    # Real rows first: a candidate that copies one must meet it in the index.
    Sweep(
        "index real records",
        "validation",
        _slices_due(RecordStatus.REAL, services.REAL_SLICE),
        index_real_records,
    ),
    Sweep("check records", "validation", _slices_due(RecordStatus.GENERATED, services.SLICE), check_records),
    Sweep("look again", "validation", _rechecks_due, advance_recheck),
)
