"""Request and result files: ``FILES_DIR/submissions/<uuid>/``. Written once; a row keeps the hash."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from apps.core.atomic_files import atomic_file
from apps.core.errors import DomainError
from apps.core.strict_json import canonical_dumps
from apps.providers import Provider, provider_of
from apps.providers.base import Ask, Batch
from apps.submissions.models import Connection, Submission

# Read-only: from here on the file is what was planned, screened and sent.
FROZEN = 0o440


@dataclass(frozen=True)
class PlannedRequest:
    """What to ask, and what the sink will need to know when the answer comes (JSON)."""

    ask: Ask
    context: dict[str, Any]


@dataclass
class FrozenRequests:
    """A request file on disk that no row knows yet."""

    uuid: uuid.UUID
    nonce: str
    sha256: str = ""
    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By custom id, in file order."""

    @property
    def name(self) -> str:
        return f"submissions/{self.uuid}/requests.jsonl"

    def discard(self) -> None:
        shutil.rmtree(path_of(self.name).parent, ignore_errors=True)


def path_of(name: str) -> Path:
    return Path(settings.FILES_DIR) / name


def batch_of(submission: Submission) -> Batch:
    return Batch(
        nonce=submission.nonce,
        model=submission.connection.model,
        request_file=path_of(submission.request_file),
        request_count=submission.request_count,
        batch_id=submission.batch_id,
        sent_at=submission.sent_at,
    )


def freeze(connection: Connection, requests: Iterable[PlannedRequest]) -> Iterator[FrozenRequests]:
    """Writes ``requests`` to as many files as the provider's limits ask for, one after the other.

    DomainError when a single request is beyond the limits, or when the provider cannot ask it.
    """
    provider = provider_of(connection.provider)
    pending = iter(requests)
    request = next(pending, None)
    while request is not None:
        frozen = FrozenRequests(uuid=uuid.uuid4(), nonce=uuid.uuid4().hex)
        with atomic_file(path_of(frozen.name), mode=FROZEN) as file:
            writer = _Writer(file, provider, frozen)
            while request is not None and writer.takes(request, model=connection.model):
                request = next(pending, None)
        frozen.sha256 = writer.hash.hexdigest()
        yield frozen


class _Writer:
    """Fills one file up to the provider's limits."""

    def __init__(self, file: BinaryIO, provider: Provider, frozen: FrozenRequests) -> None:
        self.file, self.provider, self.frozen = file, provider, frozen
        self.hash = hashlib.sha256()
        self.size = 0

    def takes(self, request: PlannedRequest, *, model: str) -> bool:
        """Writes ``request``, or says that it has to go into the next file."""
        limits, contexts = self.provider.limits, self.frozen.contexts
        # The nonce in every id: the only tag that comes back from a provider without batch names.
        custom_id = f"{self.frozen.nonce}-{len(contexts) + 1:06}"
        line = canonical_dumps(self.provider.request_line(custom_id, request.ask, model=model)) + b"\n"
        if len(line) > limits.bytes:
            raise DomainError(
                f"A request for {request.ask.label!r} takes {len(line):,} bytes, more than the "
                f"{limits.bytes:,} that {self.provider.title} allows: shorten the prompt."
            )
        if contexts and (len(contexts) == limits.requests or self.size + len(line) > limits.bytes):
            return False
        self.file.write(line)
        self.hash.update(line)
        self.size += len(line)
        contexts[custom_id] = request.context
        return True


def is_as_frozen(submission: Submission) -> bool:
    """Whether the request file still has the SHA-256 under which it was planned."""
    path = path_of(submission.request_file)
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == submission.request_sha256


def write_results(submission: Submission, lines: Iterable[bytes]) -> str:
    """Streams raw result lines to disk; returns the name of the file, which is there whole or not at all."""
    name = f"submissions/{submission.uuid}/results.jsonl"
    with atomic_file(path_of(name)) as file:
        for line in lines:
            file.write(line if line.endswith(b"\n") else line + b"\n")
    return name
