"""Taking answers in, exactly once, whatever dies on the way.

The result file is read in slices. A slice is prepared without locks: lines parsed, answers compared with what
was asked, rows made. It is committed in one transaction that first moves ``ingest_offset`` from where the
slice begins to where it ends. Of two workers that prepared the same slice, one finds the offset moved and
rolls back; and because everything a slice reads is written under that same offset, a slice whose move
succeeds was read fresh.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

from django.db import transaction
from django.db.models import F

from apps.core.bulk import update_rows
from apps.core.clock import database_now
from apps.core.crashpoints import crash_point
from apps.core.errors import StaleStateError
from apps.core.strict_json import Line, StrictJsonError, iter_lines, loads_line, sha256_of
from apps.providers import Provider, provider_of
from apps.providers.base import Answer, AnswerStatus, UnreadableAnswerError, Usage
from apps.submissions.claims import claim, move, put_off
from apps.submissions.models import (
    QuarantinedLine,
    RequestOutcome,
    Submission,
    SubmissionRequest,
    SubmissionStatus,
)
from apps.submissions.request_files import path_of
from apps.submissions.sinks import Row, Sink, UnusableAnswerError
from apps.submissions.synchronous import read_refusal

logger = logging.getLogger(__name__)

# A slice is one transaction: larger ones save little, and all of one is in memory, several times over.
SLICE_LINES = 400
SLICE_BYTES = 1_000_000
# A task ends within this many seconds or little more, so that a stopped worker loses little.
TASK_SECONDS = 10.0
S = SubmissionStatus


def ingest_submission(submission_id: int, sink: Sink[Row]) -> None:
    """Slice after slice until all is in or the task's time is over; the sweep brings the next task."""
    submission = claim(submission_id, S.INGESTING)
    if submission is None:
        return
    end = time.monotonic() + TASK_SECONDS
    try:
        while ingest_slice(submission, sink):
            if time.monotonic() > end:
                _release(submission)
                return
    except StaleStateError:
        logger.info("Another worker is taking in submission %s", submission_id)
    except Exception as error:  # noqa: BLE001  nothing of the slice is in; the next try begins where it began
        put_off(submission, error)


def ingest_slice(submission: Submission, sink: Sink[Row]) -> bool:
    """Takes one slice in; returns whether there is more. StaleStateError when a rival was faster."""
    submission.refresh_from_db(fields=["ingest_offset", "status", "cancel_requested_at", "attempts"])
    if submission.status != S.INGESTING:
        return False
    if submission.cancel_requested_at:
        _finish(submission, S.CANCELLED)
        return False
    with _without_collecting():
        prepared = prepare_slice(submission, sink)
        commit_slice(submission, prepared, sink)
    return not prepared.is_last


@contextmanager
def _without_collecting() -> Iterator[None]:
    """What a slice makes refers to nothing that refers back, so that counting frees it; looking for circles among a
    hundred thousand new objects takes a tenth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass
class Slice(Generic[Row]):
    """What a stretch of the result file amounts to, before anything is written."""

    start: int
    end: int
    is_last: bool
    rows: list[Row] = field(default_factory=list)
    requests: dict[str, SubmissionRequest] = field(default_factory=dict)
    """Those whose outcome changes, by custom id."""
    quarantine: list[QuarantinedLine] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def count(self, usage: Usage) -> None:
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cached_tokens += usage.cached_tokens


def prepare_slice(submission: Submission, sink: Sink[Row]) -> Slice[Row]:
    """Reads from the checkpoint on. Looks at the database, changes nothing."""
    provider = provider_of(submission.connection.provider)
    path, start = path_of(submission.result_file), submission.ingest_offset
    lines = read_lines(path, start)
    end = lines[-1].end if lines else start
    prepared: Slice[Row] = Slice(start, end, is_last=end >= path.stat().st_size)
    return _SliceReader(submission, provider, sink, prepared).read(lines)


def read_lines(path: Path, start: int) -> list[Line]:
    """As many lines as a slice takes, from byte ``start`` of ``path`` on."""
    lines: list[Line] = []
    with path.open("rb") as stream:
        stream.seek(start)
        for line in iter_lines(stream, start=start):
            lines.append(line)
            if len(lines) >= SLICE_LINES or line.end - start >= SLICE_BYTES:
                break
    return lines


def commit_slice(submission: Submission, prepared: Slice[Row], sink: Sink[Row]) -> None:
    """Checkpoint, rows, outcomes and quarantine, all or nothing."""
    with transaction.atomic():
        advance(submission, prepared)
        sink.write(prepared.rows)
        update_rows(list(prepared.requests.values()), ["outcome", "reason", "message", "answer_sha256"])
        QuarantinedLine.objects.bulk_create(prepared.quarantine)
        crash_point("mid_ingest_before_commit")
        if prepared.is_last:
            _finish(submission, submission.ended_as)
    crash_point("after_ingest_commit")


def advance(submission: Submission, prepared: Slice[Any]) -> None:
    """Moves the checkpoint by compare-and-swap; the loser of two rivals gets StaleStateError."""
    moved = Submission.objects.filter(
        pk=submission.pk, status=S.INGESTING, ingest_offset=prepared.start
    ).update(
        ingest_offset=prepared.end,
        records_made=F("records_made") + len(prepared.rows),
        lines_quarantined=F("lines_quarantined") + len(prepared.quarantine),
        input_tokens=F("input_tokens") + prepared.input_tokens,
        output_tokens=F("output_tokens") + prepared.output_tokens,
        cached_tokens=F("cached_tokens") + prepared.cached_tokens,
        attempts=0,
        last_error="",
    )
    if moved != 1:
        raise StaleStateError(f"Another worker has taken in {submission} from byte {prepared.start} on.")


def _finish(submission: Submission, ended_as: str) -> None:
    """Everything that came back is in: what is still pending did not come back."""
    with transaction.atomic():
        missing = submission.requests.filter(outcome=RequestOutcome.PENDING).update(
            outcome=RequestOutcome.MISSING
        )
        is_incomplete = missing and ended_as == S.DONE
        move(submission, S.INCOMPLETE if is_incomplete else ended_as)


def _release(submission: Submission) -> None:
    Submission.objects.filter(pk=submission.pk, status=S.INGESTING).update(next_attempt_at=database_now())


class _SliceReader(Generic[Row]):
    """Turns lines into rows, outcomes and quarantine. A bad line never touches its neighbours."""

    def __init__(self, submission: Submission, provider: Provider, sink: Sink[Row], into: Slice[Row]) -> None:
        self.submission, self.provider, self.sink, self.slice = submission, provider, sink, into

    def read(self, lines: Sequence[Line]) -> Slice[Row]:
        answers = [(line, answer) for line in lines if (answer := self._answer_on(line)) is not None]
        known = {
            request.custom_id: request
            for request in self.submission.requests.filter(
                custom_id__in={answer.custom_id for _, answer in answers}
            )
        }
        for line, answer in answers:
            request = known.get(answer.custom_id)
            if request is None:
                self._quarantine(line, "unknown_id", "This id was never asked.")
            else:
                self._take(line, request, answer)
        return self.slice

    def _answer_on(self, line: Line) -> Answer | None:
        if not line.data.strip() and not line.too_long:
            return None
        try:
            value = loads_line(line.data)
            return read_refusal(value) or self.provider.read_answer(value)
        except StrictJsonError as error:
            self._quarantine(line, error.reason_code, error.message)
        except UnreadableAnswerError as error:
            self._quarantine(line, "not_a_result", str(error))
        return None

    def _take(self, line: Line, request: SubmissionRequest, answer: Answer) -> None:
        digest = sha256_of([answer.status, answer.reason, answer.value])
        if request.outcome != RequestOutcome.PENDING:
            if request.answer_sha256 != digest:
                self._quarantine(line, "conflict", "This id was answered before, differently.")
            return
        request.answer_sha256 = digest
        self.slice.requests[request.custom_id] = request
        self.slice.count(answer.usage)
        if answer.status == AnswerStatus.UNREADABLE:
            request.outcome, request.reason = RequestOutcome.QUARANTINED, answer.reason[:40]
            self._quarantine(line, answer.reason, answer.message)
            return
        if answer.status != AnswerStatus.OK:
            request.outcome, request.reason = RequestOutcome.FAILED, answer.status
            request.message = answer.message[:300]
            return
        try:
            rows = self.sink.read(request, answer.value)
        except UnusableAnswerError as error:
            request.outcome, request.reason = RequestOutcome.QUARANTINED, error.reason
            self._quarantine(line, error.reason, str(error))
        else:
            request.outcome = RequestOutcome.ANSWERED
            self.slice.rows.extend(rows)

    def _quarantine(self, line: Line, reason: str, message: str) -> None:
        self.slice.quarantine.append(
            QuarantinedLine(
                submission=self.submission,
                offset=line.offset,
                sha256=line.sha256,
                reason=reason[:40],
                message=message[:300],
            )
        )
