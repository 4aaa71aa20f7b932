"""Request and result files: ``FILES_DIR/submissions/<uuid>/``. Written once; a row keeps the hash."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from apps.core.atomic_files import atomic_file
from apps.core.errors import DomainError
from apps.core.strict_json import canonical_dumps
from apps.providers import Provider, provider_of
from apps.providers.base import Ask, Batch, Endpoint
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
        endpoint=submission.connection.endpoint,
        request_file=path_of(submission.request_file),
        request_count=submission.request_count,
        upload=submission.upload,
        batch_id=submission.batch_id,
        sent_at=submission.sent_at,
    )


def freeze(
    connection: Connection, requests: Iterable[PlannedRequest], *, total: int, is_batch: bool = True
) -> Iterator[FrozenRequests]:
    """Writes ``requests``, ``total`` of them, to as many files as the provider's limits ask for, one after the other.

    DomainError when a single request is beyond the limits, when the provider cannot ask it, or when a file
    would hold fewer requests than a batch takes.
    """
    provider, endpoint = provider_of(connection.provider), connection.endpoint
    limits = provider.limits(endpoint)
    most = evenly(total, limits.requests)
    pending = iter(requests)
    request = next(pending, None)
    while request is not None:
        frozen = _new_file()
        with atomic_file(path_of(frozen.name), mode=FROZEN) as file:
            writer = _Writer(file, provider, endpoint, frozen, most=most)
            while request is not None and writer.takes(request):
                request = next(pending, None)
        frozen.sha256 = writer.hash.hexdigest()
        yield frozen
        if is_batch and len(frozen.contexts) < limits.minimum_requests:
            raise DomainError(
                f"{provider.title} takes no batch of fewer than {limits.minimum_requests:,} requests, and this "
                f"would be one of {len(frozen.contexts):,}: ask for more records, or send them one by one."
            )


def evenly(total: int, most: int) -> int:
    """The size of files when ``total`` requests go into as few as ``most`` allows, all about as large.

    Cut any other way, the last one may fall below what a provider takes.
    """
    return -(-total // -(-total // most)) if total else most


def freeze_again(submission: Submission, contexts: Mapping[str, dict[str, Any]]) -> FrozenRequests:
    """A new file with the requests of ``submission`` that ``contexts`` names by custom id, word for word.

    Only the ids are new. An id is 39 characters that stand nowhere else, so they are exchanged in the bytes
    and nobody has to know where a provider puts them.
    """
    frozen = _new_file()
    digest = hashlib.sha256()
    with (
        path_of(submission.request_file).open("rb") as old,
        atomic_file(path_of(frozen.name), mode=FROZEN) as file,
    ):
        for number, line in enumerate(old, 1):
            old_id = custom_id_of(submission.nonce, number)
            if old_id not in contexts:
                continue
            new_id = custom_id_of(frozen.nonce, len(frozen.contexts) + 1)
            renamed = line.replace(old_id.encode(), new_id.encode())
            file.write(renamed)
            digest.update(renamed)
            frozen.contexts[new_id] = contexts[old_id]
    frozen.sha256 = digest.hexdigest()
    return frozen


def custom_id_of(nonce: str, number: int) -> str:
    """The id of the request in line ``number`` (from 1). The nonce in it is the only tag that comes back from a
    provider without batch names."""
    return f"{nonce}-{number:06}"


def line_number_of(custom_id: str) -> int:
    """The line (from 1) of the request file that ``custom_id_of`` named so."""
    return int(custom_id.rpartition("-")[2])


def _new_file() -> FrozenRequests:
    return FrozenRequests(uuid=uuid.uuid4(), nonce=uuid.uuid4().hex)


class _Writer:
    """Fills one file up to the provider's limits."""

    def __init__(
        self, file: BinaryIO, provider: Provider, endpoint: Endpoint, frozen: FrozenRequests, *, most: int
    ) -> None:
        self.file, self.provider, self.endpoint, self.frozen = file, provider, endpoint, frozen
        self.most, self.most_bytes = most, provider.limits(endpoint).bytes
        self.hash = hashlib.sha256()
        self.size = 0

    def takes(self, request: PlannedRequest) -> bool:
        """Writes ``request``, or says that it has to go into the next file."""
        contexts = self.frozen.contexts
        custom_id = custom_id_of(self.frozen.nonce, len(contexts) + 1)
        value = self.provider.request_line(custom_id, request.ask, endpoint=self.endpoint)
        line = canonical_dumps(value) + b"\n"
        if len(line) > self.most_bytes:
            raise DomainError(
                f"A request for {request.ask.label!r} takes {len(line):,} bytes, more than the "
                f"{self.most_bytes:,} that {self.provider.title} allows: shorten the prompt."
            )
        if contexts and (len(contexts) == self.most or self.size + len(line) > self.most_bytes):
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
