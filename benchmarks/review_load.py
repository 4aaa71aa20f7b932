"""Deciding under load: how many decisions a second, what one costs, and how long a person waits for the next card.

    python -m benchmarks.review_load [--records N,…] [--annotators N,…] [--database sqlite|postgres] [--json]

A gunicorn as docs/operations.md starts it (2 workers of 4 threads) serves a queue of N waiting records. Each annotator
is a signed-in person with a connection of their own who holds four cards, as the page does, and decides without a
pause; one POST decides and brings the next card. Decisions, events, hashes, seals, checks of rights and of the
lease, the rendered card: nothing is left out.

decisions_per_s      answered decisions by the time they took together
cpu_ms_per_decision  processor time of the server and of PostgreSQL (SQLite works inside the server)
pair_p50_ms, _p95    from sending a decision to having the next card
double_leases        cards that were in the hands of two people under one fence
lost                 decisions that were answered and are not in the ledger, or the other way round

The annotators run on the same machine as a process of their own; its processor time is not counted, but it takes its
share of the cores.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from benchmarks.databases import DATABASES, ROOT, child, environment_of, set_up_django

MODULE = "benchmarks.review_load"
BATCH = 2_000
TEXT = (
    "card charged twice money back please order never came sent may thanks dispute payment refund year plan"
)
COLUMNS = ("decisions_per_s", "cpu_ms_per_decision", "pair_p50_ms", "pair_p95_ms", "double_leases", "lost")


def main() -> int:
    options = parse()
    if options.step:
        set_up_django()
        print(json.dumps(STEPS[options.step](options)))
        return 0
    found = [
        measurement
        for database in ([options.database] if options.database else DATABASES)
        for measurement in measure(options, database)
    ]
    print(json.dumps({"measurements": found}, indent=2) if options.json else as_text(found))
    return 0 if all(each["double_leases"] == each["lost"] == 0 for each in found) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=numbers, default=[10_000, 100_000], metavar="N,…")
    parser.add_argument("--annotators", type=numbers, default=[1, 8, 32], metavar="N,…")
    parser.add_argument("--decisions", type=int, default=1_000, help="In each measurement.")
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", choices=["fill", "check"], help=argparse.SUPPRESS)
    parser.add_argument("--since", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",")]


def measure(options: argparse.Namespace, database: str) -> Iterator[dict[str, Any]]:
    """One database that grows from the smallest queue to the largest; at each size every number of annotators."""
    people = max(options.annotators)
    with environment_of(database) as environment:
        for records in sorted(options.records):
            sizes = ["--records", str(records), "--annotators", str(people)]
            filled = child(MODULE, ["--step", "fill", *sizes], environment)
            with served(environment) as (port, server):
                for annotators in options.annotators:
                    measured = under_load(options, environment, filled, port, server, annotators)
                    yield {"database": database, "records": records, "annotators": annotators} | measured


def under_load(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    filled: dict[str, Any],
    port: int,
    server: int,
    annotators: int,
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="synthreview-annotators-") as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(
            json.dumps(
                {
                    "port": port,
                    "room": filled["room"],
                    "sessions": filled["sessions"][:annotators],
                    "decisions": options.decisions,
                    "processors": [server, *postmaster(environment)],
                }
            )
        )
        command = [sys.executable, "-m", "benchmarks.annotators", str(plan)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    answered: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    kept = child(MODULE, ["--step", "check", "--since", str(filled["decisions"])], environment)
    filled["decisions"] = kept["last"]
    keys = set(answered.pop("keys"))
    return answered | {"lost": len(keys ^ set(kept["keys"]))}


@contextmanager
def served(environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """A gunicorn on a free port; yields the port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "synthreview.wsgi:application",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    command += ["--workers", "2", "--threads", "4", "--worker-class", "gthread", "--log-level", "error"]
    given = dict(environment) | {"SYNTHREVIEW_PROCESS": "web", "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen(command, cwd=ROOT, env=given)
    try:
        wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("gunicorn does not listen")


def postmaster(environment: Mapping[str, str]) -> list[int]:
    """The process above all of PostgreSQL's; none with SQLite."""
    folder = unquote(urlsplit(environment.get("DATABASE_URL", "")).netloc.rpartition("@")[2])
    return [int((Path(folder) / "postmaster.pid").read_text().split()[0])] if folder else []


def fill(options: argparse.Namespace) -> dict[str, Any]:
    """Brings the queue to ``options.records`` waiting records, by the services that runs and checks use."""
    from django.core.management import call_command  # noqa: PLC0415

    from apps.review.models import Decision, ReviewTask  # noqa: PLC0415
    from apps.specs.models import Project  # noqa: PLC0415

    call_command("prepare", verbosity=0, stdout=sys.stderr)
    project = Project.objects.first() or new_project()
    missing = options.records[0] - ReviewTask.objects.open().count()
    while missing > 0:
        add_waiting(project, min(missing, BATCH))
        missing -= BATCH
    last = Decision.objects.order_by("-pk").values_list("pk", flat=True).first()
    return {
        "room": f"/p/{project.slug}/review",
        "sessions": sessions_of(project, options.annotators[0]),
        "decisions": last or 0,
    }


def new_project() -> Any:
    from tests import factories  # noqa: PLC0415

    project = factories.make_project(name="Load")
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing", "abuse")
    factories.make_gap(project)
    return project


def add_waiting(project: Any, count: int) -> None:
    """Records of four prompts, so four lots, a tenth of them with a warning."""
    import random  # noqa: PLC0415

    from django.db import transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from apps.records.models import SourceType  # noqa: PLC0415
    from apps.records.services import NewRecord, create_records, move_records  # noqa: PLC0415
    from apps.records.states import RecordStatus  # noqa: PLC0415
    from apps.review.lots import fold_lots  # noqa: PLC0415
    from apps.review.opening import open_tasks  # noqa: PLC0415
    from apps.validation.models import Finding, Outcome  # noqa: PLC0415

    dice, words, gap = random.Random(), TEXT.split(), project.gaps.get()
    rows = [
        NewRecord(
            source_type=SourceType.SYNTHETIC,
            input={"text": " ".join(dice.choices(words, k=25))},
            output={"label": "refund"},
            gap=gap,
            generator_provider="openai",
            generator_model="gpt-4.1-mini",
            prompt_version=f"write v{dice.randint(1, 4)}",
            axes={"tone": "angry", "length": "short"},
        )
        for _ in range(count)
    ]
    with transaction.atomic():
        records = create_records(project=project, rows=rows, actor=None)
        move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
        Finding.objects.bulk_create(
            Finding(
                record=record,
                check_name="personal_data",
                check_version=1,
                outcome=Outcome.WARN,
                code="phone",
                message="Looks like a phone number.",
                pointer="/input/text",
                start=0,
                end=6,
            )
            for record in records[::10]
        )
    open_tasks(project=project)
    fold_lots()


def sessions_of(project: Any, count: int) -> list[str]:
    """Signed-in reviewers: the key of a session for each, the same ones at every size."""
    from importlib import import_module  # noqa: PLC0415

    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: PLC0415

    from apps.specs.models import Role  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    store = import_module(settings.SESSION_ENGINE).SessionStore
    people = [membership.user for membership in project.memberships.select_related("user")]
    while len(people) < count:
        people.append(factories.make_member(project, Role.REVIEWER, name=f"annotator{len(people)}"))
    keys = []
    for person in people[:count]:
        session = store()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "apps.accounts.backends.Backend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
        keys.append(session.session_key)
    return keys


def check(options: argparse.Namespace) -> dict[str, Any]:
    """The decisions since the last measurement, each with its event."""
    from apps.records.models import RecordEvent  # noqa: PLC0415
    from apps.review.models import Decision, ReviewTask, TaskStatus  # noqa: PLC0415

    made = Decision.objects.filter(pk__gt=options.since)
    records = made.values_list("record", flat=True)
    events = RecordEvent.objects.filter(record__in=records, status_to__in=["accepted", "rejected"]).count()
    done = ReviewTask.objects.filter(decision__in=made, status=TaskStatus.DONE).count()
    found = list(made.order_by("pk").values_list("pk", "uuid"))
    if not len(found) == events == done == len(set(records)):
        raise AssertionError(
            f"{len(found)} decisions, {events} events, {done} tasks done: the ledger is not whole"
        )
    return {"last": found[-1][0] if found else options.since, "keys": [str(key) for _, key in found]}


def as_text(found: list[dict[str, Any]]) -> str:
    head = f"{'database':<9} {'records':>9} {'people':>6}" + "".join(f" {name:>20}" for name in COLUMNS)
    lines = [
        f"{each['database']:<9} {each['records']:>9,} {each['annotators']:>6}"
        + "".join(f" {each[name]:>20,}" for name in COLUMNS)
        for each in found
    ]
    return "\n".join([head, *lines])


STEPS = {"fill": fill, "check": check}


if __name__ == "__main__":
    sys.exit(main())
