"""Taking results in: how fast, in how much memory, and what the walls cost beside a bare prototype.

    python -m benchmarks.ingest [--records N] [--database sqlite|postgres] [--per-line N …] [--json]

Results in the form of a network provider (chat completions) lie on disk; a process of its own, with everything that
a generation worker loads, takes them in by the tasks' own function into the sink of runs. Every row, event, hash,
constraint and trigger is included, and the counts are checked afterwards.

The bare prototype reads the same file in the same process afterwards: ``json.loads``, and COPY (SQLite:
``executemany``) into one table without index, key, event or comparison.

Memory is the process's own peak (VmHWM). "database" is the processor time of the PostgreSQL process that serves the
connection; SQLite's is in the worker's own.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.databases import (
    DATABASES,
    Stopwatch,
    child,
    database_seconds,
    environment_of,
    peak_mb,
    set_up_django,
)

MODULE = "benchmarks.ingest"
TEXT = (
    "the card was charged twice and i want my money back please help with this order it never came i sent it in "
    "may thanks how do i dispute a payment that is not mine café größe señor"
)
WORDS_PER_TEXT = 25
STEPS = {
    "parse": "reading lines, strict JSON twice (the line, the model's answer)",
    "match": "answers against what was asked, digests, the sink's reading",
    "hash": "records and events made: canonical text, payload digest, chain",
    "sql": "COPY, UPDATE, checkpoint, commit, and waiting for them",
}
BUYS = (
    "What the difference buys: a line that two readers could read differently is set aside with its place and hash; "
    "each answer is compared with what was asked and counted once; a record has provenance, a canonical hash, a "
    "chained event, thirteen indexes and its constraints; and a worker killed anywhere goes on to exact counts."
)


def main() -> int:
    options = parse()
    if options.step:
        print(json.dumps(step(options)))
        return 0
    found: list[dict[str, Any]] = []
    for database in [options.database] if options.database else DATABASES:
        found += measure(options, database)
    print(json.dumps({"measurements": found}, indent=2) if options.json else as_text(found))
    return 0 if all(each["exact"] for each in found) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument(
        "--per-line", type=int, action="append", default=[], help="Records a request: 5 and 1."
    )
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", choices=["make", "take"], help=argparse.SUPPRESS)
    parser.add_argument("--submission", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(options: argparse.Namespace, database: str) -> Iterator[dict[str, Any]]:
    """One measurement for each number of records a line, each by processes that have the addresses."""
    with environment_of(database) as environment:
        for per_line in options.per_line or (5, 1):
            arguments = ["--records", str(options.records), "--per-line", str(per_line)]
            made = child(MODULE, ["--step", "make", *arguments], environment)
            taken = child(
                MODULE, ["--step", "take", "--submission", str(made["submission"]), *arguments], environment
            )
            yield {"database": database, "per_line": per_line} | taken


def step(options: argparse.Namespace) -> dict[str, Any]:
    set_up_django()
    if options.step == "make":
        return {"submission": make(options.records, options.per_line[0])}
    return take(options.submission, options.records)


def make(records: int, per_line: int) -> int:
    """A submission of a run whose results are on disk, in no order; returns its key."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from apps.submissions.models import Submission, SubmissionStatus  # noqa: PLC0415
    from apps.submissions.request_files import write_results  # noqa: PLC0415

    call_command("prepare", verbosity=0, stdout=sys.stderr)
    submission = planned(records, per_line)
    ids = list(submission.requests.values_list("custom_id", flat=True))
    random.Random(7).shuffle(ids)
    now = timezone.now()
    Submission.objects.filter(pk=submission.pk).update(
        status=SubmissionStatus.INGESTING,
        screened_at=now,
        sent_at=now,
        next_attempt_at=now,
        result_file=write_results(submission, result_lines(ids, per_line)),
    )
    return int(submission.pk)


def planned(records: int, per_line: int) -> Any:
    """What a run of ``records`` would have written down: a row for each request, with its axes and seeds."""
    from uuid import uuid4  # noqa: PLC0415

    from apps.generation.models import PromptLanguage  # noqa: PLC0415
    from apps.generation.prompts import create_prompt  # noqa: PLC0415
    from apps.generation.services import draft_run  # noqa: PLC0415
    from apps.submissions.families import family_of  # noqa: PLC0415
    from apps.submissions.models import Connection  # noqa: PLC0415
    from apps.submissions.request_files import FrozenRequests, custom_id_of  # noqa: PLC0415
    from apps.submissions.services import plan_submission  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415

    project = factories.make_project(name=f"{per_line} a line")
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing")
    connection, _ = Connection.objects.get_or_create(
        name="chat",
        defaults={"provider": "openai", "model": "gpt-4.1-mini", "family": family_of("gpt-4.1-mini")},
    )
    run = draft_run(
        gap=factories.make_gap(project),
        prompt_version=create_prompt(
            project=project,
            name="write",
            template="{{ label }}",
            language=PromptLanguage.JINJA,
            actor=None,
        ),
        connection=connection,
        count=records,
        actor=None,
    )
    frozen = FrozenRequests(uuid=uuid4(), nonce=uuid4().hex)
    seeds = [str(uuid4()) for _ in range(12)]
    for number in range(1, records // per_line + 1):
        frozen.contexts[custom_id_of(frozen.nonce, number)] = {
            "label": "refund",
            "axes": {"tone": "angry", "length": "short"},
            "count": per_line,
            "first": (number - 1) * per_line,
            "seed_uuids": seeds,
        }
    return plan_submission(
        frozen=frozen, project=project, connection=connection, purpose="generate", run_uuid=run.uuid
    )


def result_lines(ids: list[str], per_line: int) -> Iterator[bytes]:
    dice, words = random.Random(11), TEXT.split()
    for custom_id in ids:
        records = [
            {
                "input": {"text": " ".join(dice.choices(words, k=WORDS_PER_TEXT))},
                "output": {"label": "refund"},
            }
            for _ in range(per_line)
        ]
        message = {
            "role": "assistant",
            "content": json.dumps({"records": records}, ensure_ascii=False),
            "refusal": None,
        }
        body = {
            "id": f"chatcmpl-{custom_id[-6:]}",
            "object": "chat.completion",
            "model": "gpt-4.1-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 420, "completion_tokens": 60 * per_line, "total_tokens": 480},
        }
        response = {"status_code": 200, "request_id": "req", "body": body}
        yield json.dumps(
            {"id": "batch_req", "custom_id": custom_id, "response": response, "error": None}
        ).encode()


def take(pk: int, records: int) -> dict[str, Any]:
    """Takes the submission in and then the same file bare; returns figures."""
    from django.db import connection  # noqa: PLC0415

    import apps.operations.sweeps  # noqa: F401, PLC0415  what a worker has in memory
    from apps.generation.sinks import sink_of  # noqa: PLC0415
    from apps.submissions.ingest import ingest_submission  # noqa: PLC0415
    from apps.submissions.models import Submission, SubmissionStatus  # noqa: PLC0415
    from apps.submissions.request_files import path_of  # noqa: PLC0415

    watch = Stopwatch()
    instrument(watch)
    begin = peak_mb()
    worker, database, wall = time.process_time(), database_seconds(), time.perf_counter()
    with connection.execute_wrapper(lambda execute, *rest: watch.timed("sql", execute)(*rest)):
        while Submission.objects.get(pk=pk).status == SubmissionStatus.INGESTING:
            ingest_submission(pk, sink_of(pk))
    wall, worker = time.perf_counter() - wall, time.process_time() - worker
    database, peak = database_seconds() - database, peak_mb()
    submission = Submission.objects.get(pk=pk)
    bare = take_bare(path_of(submission.result_file))
    return {
        "records": submission.records_made,
        "exact": is_exact(submission, records),
        "seconds": round(wall, 2),
        "records_per_second": round(submission.records_made / wall),
        "worker_cpu_seconds": round(worker, 2),
        "database_cpu_seconds": round(database, 2),
        "peak_mb": round(peak),
        "peak_mb_before": round(begin),
        "shares": {name: round(watch.seconds[name] / wall, 3) for name in STEPS},
        "bare_records_per_second": round(submission.records_made / bare),
        "ratio": round(wall / bare, 1),
    }


def instrument(watch: Stopwatch) -> None:
    """Puts the stopwatch around each step of this process."""
    from django.db import connection  # noqa: PLC0415

    from apps.generation import record_sink  # noqa: PLC0415
    from apps.providers import provider_of  # noqa: PLC0415
    from apps.records import services  # noqa: PLC0415
    from apps.submissions import ingest  # noqa: PLC0415

    provider = provider_of("openai")
    places: tuple[tuple[str, Any, str], ...] = (
        ("parse", ingest, "read_lines"),
        ("parse", ingest, "loads_line"),
        ("parse", provider, "read_answer"),
        ("match", ingest, "prepare_slice"),
        ("hash", record_sink, "create_records"),
        ("sql", services, "insert_rows"),
        ("sql", ingest, "update_rows"),
        ("sql", connection, "commit"),
    )
    for name, owner, function in places:
        setattr(owner, function, watch.timed(name, getattr(owner, function)))


def is_exact(submission: Any, records: int) -> bool:
    from apps.records.models import Record, RecordEvent  # noqa: PLC0415

    made = Record.objects.filter(submission_uuid=submission.uuid)
    return (
        submission.status == "done"
        and submission.requests.exclude(outcome="answered").count() == 0
        and made.count() == made.exclude(event_hash="").count() == submission.records_made == records
        and RecordEvent.objects.filter(record__submission_uuid=submission.uuid, seq=1).count() == records
    )


def take_bare(path: Path) -> float:
    """Seconds for the prototype: no check, no comparison, no event; one table without index or key."""
    from django.db import connection, transaction  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE bare (request text, place integer, input text, output text)")
    start = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor, path.open("rb") as file:
        if connection.vendor == "postgresql":
            with cursor.copy("COPY bare FROM STDIN") as copy:
                for row in bare_rows(file):
                    copy.write_row(row)
        else:
            cursor.executemany("INSERT INTO bare VALUES (%s, %s, %s, %s)", bare_rows(file))  # type: ignore[arg-type]
    return time.perf_counter() - start


def bare_rows(file: Any) -> Iterator[tuple[str, int, str, str]]:
    for line in file:
        value = json.loads(line)
        answer = json.loads(value["response"]["body"]["choices"][0]["message"]["content"])
        for place, record in enumerate(answer["records"]):
            yield value["custom_id"], place, json.dumps(record["input"]), json.dumps(record["output"])


def as_text(found: list[dict[str, Any]]) -> str:
    head = (
        "database", "a line", "records", "records/s", "s", "CPU s worker", "CPU s database", "peak MB",
        *STEPS, "rest", "bare/s", "ratio", "exact",
    )  # fmt: skip
    rows = [head, ("---",) * len(head)]
    for each in found:
        shares = [each["shares"][name] for name in STEPS]
        rows.append(
            (
                each["database"], each["per_line"], f"{each['records']:,}", f"{each['records_per_second']:,}",
                each["seconds"], each["worker_cpu_seconds"], each["database_cpu_seconds"], each["peak_mb"],
                *(f"{share:.0%}" for share in [*shares, 1 - sum(shares)]),
                f"{each['bare_records_per_second']:,}", each["ratio"], "yes" if each["exact"] else "NO",
            )
        )  # fmt: skip
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, "", *(f"{name}: {words}." for name, words in STEPS.items()), "", BUYS])


if __name__ == "__main__":
    sys.exit(main())
