"""What every stand-in is: a threaded HTTP server on 127.0.0.1 with routes, a count of its POSTs and faults."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, ClassVar, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from tests.providers.standins.answers import answer_for, count_in

__all__ = [
    "DROP",
    "HANG",
    "Behaviour",
    "EndAs",
    "Outcome",
    "Reply",
    "Request",
    "Route",
    "StandIn",
    "answer_for",
    "count_in",
]

# How long a hanging answer hangs unless the server stops: longer than any client of a test waits.
HANGS_FOR_SECONDS = 60
# A client that says nothing on an open connection for this long is gone.
IDLE_SECONDS = 30


class EndAs(StrEnum):
    """How a batch ends, in no vendor's words."""

    COMPLETED = "completed"
    FAILED = "failed"
    """In validation: nothing ran."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    PARTIALLY_SUCCEEDED = "partially_succeeded"


class Outcome(StrEnum):
    """What becomes of one request."""

    OK = "ok"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    ERROR = "error"


def always_ok(number: int, request: dict[str, Any]) -> Outcome:
    return Outcome.OK


@dataclass(kw_only=True)
class Behaviour:
    """How a stand-in misbehaves. The faults of create meet the next create alone, or each with ``every_time``."""

    refuse: tuple[int, Mapping[str, Any], Mapping[str, str]] | None = None
    """Status, body and headers: create says no and makes nothing."""
    drop_before_accept: bool = False
    """The connection goes before anything was made."""
    drop_after_accept: bool = False
    """The batch is made; the connection goes without an answer."""
    hang_after_accept: bool = False
    """The batch is made; no answer comes until the client gives up."""
    status_after_accept: int = 0
    """The batch is made; the answer has this status."""
    every_time: bool = False

    listing_lag: int = 0
    """How many list calls do not show a batch yet, counted from its creation."""
    list_down: bool = False
    """Listing answers 503."""

    end_as: EndAs = EndAs.COMPLETED
    answered: int | None = None
    """How many requests get a result line; None: all."""
    shuffle: bool = False
    duplicate: bool = False
    """The first result line comes twice."""
    poison_lines: list[bytes] = field(default_factory=list)
    """Raw lines, without line feed, among the results."""
    error_file_only: bool = False
    """Where the vendor has an error file: every request fails and there is no output file."""
    empty_ids: bool = False
    """Where the vendor names files: "" stands for a file that there is not."""
    per_request: Callable[[int, dict[str, Any]], Outcome] = always_ok
    """From a request's place in its file (from 0) and its line to what becomes of it."""

    def arranged(self, lines: list[bytes]) -> list[bytes]:
        """Result lines as the fault wants them: one twice, poison between them, in another order."""
        lines = list(lines)
        if self.duplicate and lines:
            lines.insert(1, lines[0])
        for number, poison in enumerate(self.poison_lines):
            lines.insert(min(2 * number + 1, len(lines)), poison)
        if self.shuffle:
            Random(len(lines)).shuffle(lines)
        return lines


@dataclass(frozen=True)
class Request:
    """One call as it arrived. ``headers`` have lower-case names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; {} when it is empty."""
        value = json.loads(self.body or b"{}")
        if not isinstance(value, dict):
            raise TypeError("The body is not an object.")
        return value


@dataclass(frozen=True)
class Reply:
    """An answer: an object is sent as JSON, bytes as they are."""

    status: int = 200
    body: Mapping[str, Any] | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_dropped: bool = False
    is_held: bool = False


DROP = Reply(is_dropped=True)
HANG = Reply(is_held=True)

Route: TypeAlias = tuple[str, str, Callable[..., Reply]]


class StandIn:
    """A server that runs from construction to ``close`` (or the end of ``with``); each test has its own.

    A subclass names its ``routes``: method, a pattern of the whole path, and a method that gets the Request and
    the pattern's groups. One request is answered at a time, so state needs no lock of its own.
    """

    name: ClassVar[str] = ""
    base_path: ClassVar[str] = ""
    """What a base URL ends with."""
    list_pattern: ClassVar[str] = r"(?!)"
    """Path of a GET that lists batches: ``list_down`` meets it."""

    def __init__(self, *, port: int = 0) -> None:
        self.calls: list[Request] = []
        self.creates = 0
        """POSTs of create that arrived, answered or not."""
        self._behaviour = Behaviour()
        self._is_fault_spent = False
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Without a path: ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        return self.url + self.base_path

    @property
    def behaviour(self) -> Behaviour:
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._is_fault_spent = False

    def routes(self) -> list[Route]:
        raise NotImplementedError

    def error_body(self, status: int, message: str) -> dict[str, Any]:
        """An error in the vendor's shape."""
        return {"error": {"message": message, "code": status}}

    def refusal(self, status: int, message: str) -> Reply:
        return Reply(status, self.error_body(status, message))

    def posts(self, pattern: str) -> int:
        """How many POSTs came whose whole path matches."""
        return sum(call.method == "POST" and bool(re.fullmatch(pattern, call.path)) for call in self.calls)

    def on_create(self, make: Callable[[], Reply]) -> Reply:
        """Answers a create: ``make`` makes the batch, unless the fault of this create comes before."""
        self.creates += 1
        behaviour, is_due = self._behaviour, self._behaviour.every_time or not self._is_fault_spent
        self._is_fault_spent = True
        if not is_due:
            return make()
        if behaviour.refuse:
            return Reply(*behaviour.refuse)
        if behaviour.drop_before_accept:
            return DROP
        reply = make()
        if behaviour.drop_after_accept:
            return DROP
        if behaviour.hang_after_accept:
            return HANG
        if behaviour.status_after_accept:
            return self.refusal(behaviour.status_after_accept, "Something went wrong.")
        return reply

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.calls.append(request)
            is_list = request.method == "GET" and re.fullmatch(self.list_pattern, request.path)
            if is_list and self._behaviour.list_down:
                return self.refusal(503, "The list is down.")
            for method, pattern, handler in self.routes():
                if method == request.method and (match := re.fullmatch(pattern, request.path)):
                    return handler(request, *match.groups())
            return self.refusal(404, f"No route for {request.method} {request.path}.")

    def hold(self) -> None:
        """Waits as a server does that never answers."""
        self._closing.wait(HANGS_FOR_SECONDS)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], stand_in: StandIn) -> None:
        super().__init__(address, _Handler)
        self.stand_in = stand_in

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what many tests are about: nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    # A reply is one packet: without it, Nagle's algorithm and delayed acknowledgement cost 40 ms each.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def _respond(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        stand_in = self.server.stand_in
        reply = stand_in.answer(Request(self.command, parts.path, query, headers, self._body()))
        if reply.is_held:
            stand_in.hold()
        if reply.is_held or reply.is_dropped:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        kind = "application/octet-stream" if isinstance(reply.body, bytes) else "application/json"
        self.send_response(reply.status)
        for name, value in {"Content-Type": kind, **reply.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _respond  # noqa: N815 - names of http.server

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: requests carry keys."""
