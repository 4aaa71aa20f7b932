"""Batches as OpenAI and Azure OpenAI run them: a file goes up, a batch is made of it, files come down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.providers.base import (
    AmbiguousError,
    Batch,
    BatchState,
    Created,
    DefiniteRefusalError,
    Found,
    Poll,
    RetryLaterError,
)
from apps.providers.openai_chat import CHAT_PATH, ChatCompletions
from apps.providers.openai_errors import TOKEN_LIMIT
from apps.providers.result_lines import own_lines, split_lines

# What we call ours in a batch's metadata.
NONCE = "synthreview_nonce"
PAGE = 100
# The longest that either vendor lets one say. Unsaid, results stay for ever, and Azure holds 500 files, not 10,000.
FILES_KEPT = timedelta(days=30)
EXPIRY = {"anchor": "created_at", "seconds": int(FILES_KEPT.total_seconds())}
STATES = {
    "validating": BatchState.WAITING,
    "in_progress": BatchState.RUNNING,
    "finalizing": BatchState.RUNNING,
    "cancelling": BatchState.RUNNING,
    "completed": BatchState.ENDED,
    "expired": BatchState.EXPIRED,
    "cancelled": BatchState.CANCELLED,
    "failed": BatchState.FAILED,
}


class Batches(ChatCompletions):
    """Chat completions in batches. A file is named by its id; what there is not may be ``None`` or ``""``."""

    window: timedelta | None = timedelta(hours=24)
    results_kept: timedelta | None = FILES_KEPT

    def upload(self, batch: Batch) -> str:
        with (
            batch.request_file.open("rb") as file,
            self.client(batch.endpoint, timeout=self.call_within) as client,
        ):
            uploaded = client.files.create(
                file=(f"{batch.nonce}.jsonl", file), purpose="batch", expires_after=EXPIRY
            )
        return str(uploaded.id)

    def create(self, batch: Batch) -> Created:
        with self.client(batch.endpoint, timeout=self.call_within) as client:
            made = client.batches.create(
                input_file_id=batch.upload,
                endpoint=CHAT_PATH,
                completion_window="24h",
                metadata={NONCE: batch.nonce},
                output_expires_after=EXPIRY,
            )
        if not made.id:
            raise AmbiguousError(f"{self.title} answered without the id of a batch.")
        return Created(made.id)

    def find(self, batch: Batch) -> list[Found]:
        """A batch that failed did nothing: it is named only where no other is.

        One that failed for the token limit is never named. The same file is sent again under the same nonce;
        were the old one taken for the new one while the list lags, it would be sent a third time.
        """
        with self.client(batch.endpoint, timeout=self.call_within) as client:
            listed = [
                (_state_of(each), each) for each in client.batches.list(limit=PAGE) if _is_ours(each, batch)
            ]
        ours = [(state, each) for state, each in listed if state != BatchState.DEFERRED]
        live = [(state, each) for state, each in ours if state != BatchState.FAILED]
        return [Found(each.id, datetime.fromtimestamp(each.created_at, UTC)) for _, each in live or ours]

    def poll(self, batch: Batch) -> Poll:
        found = self._retrieve(batch)
        message = " ".join(_reason(error) for error in _errors_of(found))[:1000]
        ended = found.completed_at or found.expired_at or found.cancelled_at
        expires_at = datetime.fromtimestamp(ended, UTC) + FILES_KEPT if ended else None
        return Poll(_state_of(found), message, expires_at)

    def results(self, batch: Batch) -> Iterator[bytes]:
        """Output file, error file, both or neither."""
        found = self._retrieve(batch)
        files = [file_id for file_id in (found.output_file_id, found.error_file_id) if file_id]
        lines = (line for file_id in files for line in self._lines(batch, file_id))
        return own_lines(lines, batch.nonce)

    def cancel(self, batch: Batch) -> None:
        try:
            with self.client(batch.endpoint, timeout=self.call_within) as client:
                client.batches.cancel(batch.batch_id)
        except (AmbiguousError, DefiniteRefusalError, RetryLaterError):
            if _state_of(self._retrieve(batch)) in {BatchState.WAITING, BatchState.RUNNING}:
                raise

    def _retrieve(self, batch: Batch) -> Any:
        with self.client(batch.endpoint, timeout=self.call_within) as client:
            return client.batches.retrieve(batch.batch_id)

    def _lines(self, batch: Batch, file_id: str) -> Iterator[bytes]:
        with (
            self.client(batch.endpoint, timeout=self.call_within) as client,
            client.files.with_streaming_response.content(file_id) as response,
        ):
            yield from split_lines(response.iter_bytes())


def _is_ours(listed: Any, batch: Batch) -> bool:
    tag = (listed.metadata or {}).get(NONCE)
    return tag == batch.nonce or bool(batch.upload and listed.input_file_id == batch.upload)


def _state_of(found: Any) -> BatchState:
    """A state that we do not know is no end: whoever took it for one would lose what was paid for."""
    state = STATES.get(found.status, BatchState.RUNNING)
    errors = _errors_of(found)
    if state == BatchState.FAILED and errors and all(error.code == TOKEN_LIMIT for error in errors):
        return BatchState.DEFERRED
    return state


def _errors_of(found: Any) -> list[Any]:
    return list((found.errors.data if found.errors else None) or ())


def _reason(error: Any) -> str:
    place = f" (line {error.line})" if error.line else ""
    return f"{error.code}: {error.message}{place}"
