"""People who decide without a pause, each over a connection of their own. Started by ``benchmarks.review_load``.

Prints one JSON object: what they were answered, how long it took, and what the server's processes used meanwhile.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

TOKEN = "t" * 32
AHEAD = 3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Annotator:
    """Holds four cards, as the page does. ``cards``: (task, fence), the first one in view."""

    plan: dict[str, Any]
    session: str
    cards: list[tuple[int, int]] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = HTTPConnection("127.0.0.1", self.plan["port"], timeout=120)

    def claim(self) -> None:
        self.take(self.post("claim", [("want", AHEAD + 1)]))

    def work(self, count: int) -> None:
        for number in range(count):
            if not self.cards:
                self.claim()
            self.decide(is_accepted=number % 3 > 0)

    def decide(self, *, is_accepted: bool) -> None:
        (task, fence), *ahead = self.cards
        key = str(uuid4())
        words = [("action", "accepted")] if is_accepted else [("action", "rejected"), ("reason", "unclear")]
        fields = [("task", task), ("fence", fence), ("key", key), ("milliseconds", 900), ("want", 1), *words]
        started = time.perf_counter()
        answer = self.post("decide", [*fields, *(("have", each) for each, _ in ahead)])
        self.seconds.append(time.perf_counter() - started)
        self.keys.append(answer["decision"])
        self.cards = ahead
        self.take(answer)

    def take(self, answer: dict[str, Any]) -> None:
        new = [(card["task"], card["fence"]) for card in answer["cards"]]
        self.cards += new
        self.seen += new

    def release(self) -> None:
        """Leaves as a page does that is closed, so that the next measurement finds the queue as it was."""
        fields = [pair for task, fence in self.cards for pair in (("task", task), ("fence", fence))]
        self.post("release", fields)

    def post(self, action: str, fields: list[tuple[str, Any]]) -> Any:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"sessionid={self.session}; csrftoken={TOKEN}",
            "X-CSRFToken": TOKEN,
        }
        address, sent = f"{self.plan['room']}/{action}/", urlencode(fields)
        try:
            self.connection.request("POST", address, sent, headers)
            response = self.connection.getresponse()
        except ConnectionError:
            # The server ends connections that were idle. Sent again under its key, as the page does, it is done once.
            self.connection.close()
            self.connection.request("POST", address, sent, headers)
            response = self.connection.getresponse()
        body = response.read()
        if response.status not in (200, 204):
            raise RuntimeError(f"{action}: {response.status} {body[:300]!r}")
        return json.loads(body) if body else None


def cpu_seconds(roots: list[int]) -> float:
    """Of these processes, what they started and what has ended under them."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended while we looked.
        pid = int(path.parent.name)
        parents[pid] = int(fields[1])
        used[pid] = sum(map(int, fields[11:15])) / TICKS
    return sum(seconds for pid, seconds in used.items() if _is_under(pid, roots, parents))


def _is_under(pid: int, roots: list[int], parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid in roots:
            return True
        pid = parents[pid]
    return False


def main() -> int:
    plan = json.loads(Path(sys.argv[1]).read_text())
    people = [Annotator(plan, session) for session in plan["sessions"]]
    for person in people:
        person.claim()
        # The first answers of a process compile templates and open connections.
        person.work(3)
        person.seconds.clear()
    warm = sum(len(person.keys) for person in people)
    share = max(plan["decisions"] // len(people), 1)
    threads = [threading.Thread(target=person.work, args=(share,)) for person in people]
    before, started = cpu_seconds(plan["processors"]), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, used = time.perf_counter() - started, cpu_seconds(plan["processors"]) - before
    for person in people:
        person.release()
    keys = [key for person in people for key in person.keys]
    grants = Counter(grant for person in people for grant in set(person.seen))
    made = len(keys) - warm
    seconds = sorted(each for person in people for each in person.seconds)
    print(
        json.dumps(
            {
                "decisions": made,
                "decisions_per_s": round(made / elapsed, 1),
                "cpu_ms_per_decision": round(1000 * used / made, 2),
                "pair_p50_ms": round(1000 * statistics.median(seconds), 1),
                "pair_p95_ms": round(1000 * seconds[int(0.95 * (len(seconds) - 1))], 1),
                "double_leases": sum(count - 1 for count in grants.values()),
                "keys": keys,
            }
        )
    )
    return 0 if made == share * len(people) else 1


if __name__ == "__main__":
    sys.exit(main())
