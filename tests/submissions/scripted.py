"""A provider whose every answer a test can script; what it was asked is kept for looking at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from apps.providers.base import Batch, BatchState, Created, Endpoint, Found, Limits, Poll
from apps.providers.rules import Rules


class Scripted(Rules):
    """Speaks the request and result lines of ``rules``; creates, lists and ends as it is told."""

    key = "scripted"
    title = "Scripted"
    offline_model = "scripted-1"

    def __init__(self) -> None:
        self.posts: list[str] = []
        """Nonces, one for each POST that reached us."""
        self.batches: dict[str, Found] = {}
        self.nonces: dict[str, str] = {}
        self.cancelled: list[str] = []
        self.on_create: BaseException | None = None
        """Raised after the batch was made: the answer is lost on its way."""
        self.refusal: BaseException | None = None
        """Raised before anything was made."""
        self.on_find: BaseException | None = None
        self.on_cancel: BaseException | None = None
        self.on_poll: BaseException | None = None
        self.on_results: Exception | None = None
        self.on_upload: Exception | None = None
        self.state = BatchState.ENDED
        self.lines: list[bytes] = []
        self.clock = timezone.now()

    def limits(self, endpoint: Endpoint) -> Limits:
        return Limits(requests=3, bytes=20_000, records_per_request=2)

    def upload(self, batch: Batch) -> str:
        if self.on_upload:
            raise self.on_upload
        return ""

    def create(self, batch: Batch) -> Created:
        self.posts.append(batch.nonce)
        if self.refusal:
            raise self.refusal
        batch_id = self.make(batch.nonce)
        if self.on_create:
            raise self.on_create
        return Created(batch_id)

    def make(self, nonce: str) -> str:
        batch_id = f"batch-{len(self.batches) + 1}"
        self.batches[batch_id] = Found(batch_id, self._tick())
        self.nonces[batch_id] = nonce
        return batch_id

    def find(self, batch: Batch) -> list[Found]:
        if self.on_find:
            raise self.on_find
        # Newest first: nobody promised an order.
        return [found for key, found in reversed(self.batches.items()) if self.nonces[key] == batch.nonce]

    def poll(self, batch: Batch) -> Poll:
        if self.on_poll:
            raise self.on_poll
        return Poll(self.state, "said the provider" if self.state == BatchState.FAILED else "")

    def results(self, batch: Batch) -> Iterator[bytes]:
        if self.on_results:
            raise self.on_results
        yield from self.lines

    def cancel(self, batch: Batch) -> None:
        if self.on_cancel:
            raise self.on_cancel
        self.cancelled.append(batch.batch_id)

    def _tick(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock


def answer(custom_id: str, *texts: str, **fields: object) -> bytes:
    """A result line with one record for each of ``texts``."""
    records = [{"input": {"text": text}, "output": {"label": "refund"}} for text in texts]
    line = {"custom_id": custom_id, "status": "ok", "answer": {"records": records}} | fields
    return json.dumps(line, ensure_ascii=False).encode()
