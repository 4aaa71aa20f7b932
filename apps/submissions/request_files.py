"""Request and result files: ``FILES_DIR/submissions/<uuid>/``. Written once; a row keeps the hash."""

from __future__ import annotations

import errno
import hashlib
import secrets
import shutil
import uuid
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from apps.core.atomic_files import atomic_file
from apps.core.errors import DomainError
from apps.core.strict_json import canonical_dumps, loads_line
from apps.providers import Provider, provider_of
from apps.providers.base import Ask, Batch, Endpoint, JsonObject
from apps.submissions.models import Connection, Submission

# Read-only: from here on the file is what was planned, screened and sent.
FROZEN = 0o440
RESULTS, ANSWERS = "results-", "answers"
MAX_REQUEST_BYTES = 8_000_000
LEAST_FREE_BYTES = 100_000_000


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
    """Streams raw result lines to disk; returns the name of the file, which is there whole or not at all.

    The name is new each time: of two workers that fetch the same results, the one that moves the row says which
    file counts, and the other cannot write over it.
    """
    name = f"{_folder(submission)}/{RESULTS}{secrets.token_hex(4)}.jsonl"
    with atomic_file(path_of(name)) as file:
        for line in lines:
            file.write(line if line.endswith(b"\n") else line + b"\n")
    return name


def answer_path(submission: Submission, custom_id: str) -> Path:
    """Where the answer to a request that was posted by itself waits for the others."""
    return path_of(f"{_folder(submission)}/{ANSWERS}/{custom_id}.json")


def tidy(submission: Submission, *, kept: str) -> None:
    """Removes what the results file ``kept`` replaces: single answers, and files that lost the race or were never
    named because their writer died."""
    folder = path_of(_folder(submission))
    shutil.rmtree(folder / ANSWERS, ignore_errors=True)
    for path in (*folder.glob(f"{RESULTS}*"), *folder.glob(f".{RESULTS}*")):
        if path != path_of(kept):
            path.unlink(missing_ok=True)


def refuse_full_disk() -> None:
    """OSError when there is no room for answers that are going to be paid for."""
    free = shutil.disk_usage(settings.FILES_DIR).free
    if free < LEAST_FREE_BYTES:
        raise OSError(
            errno.ENOSPC,
            f"Only {free:,} bytes are free where files are kept: nothing is posted before there is room for answers",
        )


class RequestLines:
    """The lines of a frozen file, each read when it is asked for. Remembers where they begin: eight bytes a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.starts = array("Q")
        start = 0
        with path.open("rb") as file:
            for line in file:
                self.starts.append(start)
                start += len(line)

    def of(self, custom_id: str) -> JsonObject:
        """The request of that id, as the provider wrote it."""
        with self.path.open("rb") as file:
            file.seek(self.starts[line_number_of(custom_id) - 1])
            value = loads_line(file.readline().rstrip(b"\n"), max_bytes=MAX_REQUEST_BYTES)
        if not isinstance(value, dict):
            raise TypeError(f"The line of {custom_id} in {self.path.name} is not an object.")
        return value


def _folder(submission: Submission) -> str:
    return f"submissions/{submission.uuid}"
