"""How many records a second pass the checks, beside how large an index, and which check takes how much of it.

    python -m benchmarks.checks_speed [--index N] [--records N] [--database sqlite|postgres] [--growth] [--json]

Records of 35 words wait for their checks in a project that has ``--index`` records already and a protected holdout
(banking77's test file where ``--data`` has it). One process of its own, with everything that a validation worker
loads, checks them slice by slice with the worker's own function: every check that the registry has for the task type,
the near-duplicate index and the neighbours kept for reviewers.

The database's files are read once beforehand: an index that is in use is in the page cache.

``records_per_s`` counts the time of all that; ``moved_per_s`` the whole slice, with claiming the records, and moving
each on with its chained event. ``peak_mb`` is the process's own peak, ``peak_mb_early`` the same after the first
slices: where they are alike, memory does not grow. ``--growth`` measures an index of 10,000 records, then one of
``--index``, then one with a band table as long as that of ``--bands`` records; ``growth`` is the time per record as a
ratio to the first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.checks_index import CHUNK, Composer, add_due, fill, prepare_project
from benchmarks.databases import (
    DATABASES,
    ROOT,
    Stopwatch,
    child,
    database_seconds,
    environment_of,
    peak_mb,
    read_through,
    set_up_django,
)

MODULE = "benchmarks.checks_speed"
DATA = ROOT.parent / "shared" / "data"
SMALLEST = 10_000
WARM_SLICES = 2
INDEX, NEAR, NEIGHBOURS, REST = "index", "find near", "keep neighbours", "rest"
MOVES = "claim and move"


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
    parser.add_argument("--index", type=int, default=1_000_000, help="Records in the index (default 1M).")
    parser.add_argument("--records", type=int, default=10_000, help="Records to check (default 10,000).")
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--bands", type=int, default=0, help="With --growth: the last step's band table.")
    parser.add_argument("--data", type=Path, default=DATA, help=f"Default: {DATA}")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", choices=["fill", "check"], help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(options: argparse.Namespace, database: str) -> Iterator[dict[str, Any]]:
    """One measurement for each size of the index, in one database that grows."""
    sizes = [(SMALLEST, 0)] if options.growth and options.index > SMALLEST else []
    sizes.append((options.index, 0))
    if options.growth and options.bands > options.index:
        sizes.append((options.index, options.bands))
    with environment_of(database) as environment:
        first, fastest = 0, 0.0
        for index, bands in sizes:
            arguments = [
                "--records",
                str(options.records),
                "--index",
                str(index),
                "--data",
                str(options.data),
            ]
            arguments += ["--first", str(first), "--bands", str(bands)]
            made = child(MODULE, ["--step", "fill", *arguments], environment)
            read_through(environment)
            checked = child(MODULE, ["--step", "check", *arguments], environment)
            first, fastest = index, fastest or checked["records_per_s"]
            growth = round(fastest / checked["records_per_s"], 2)
            yield {"database": database, "index": index} | made | checked | {"growth": growth}


def step(options: argparse.Namespace) -> dict[str, Any]:
    set_up_django()
    return make(options) if options.step == "fill" else check(options.records)


def make(options: argparse.Namespace) -> dict[str, Any]:
    """Fills the index from ``--first`` to ``--index`` and leaves ``--records`` new records to check."""
    from django.core.management import call_command  # noqa: PLC0415

    from apps.similarity.models import Band  # noqa: PLC0415
    from apps.specs.models import Gap  # noqa: PLC0415

    start = time.perf_counter()
    composer = Composer(options.data)
    if not options.first:
        call_command("prepare", verbosity=0, stdout=sys.stderr)
        prepare_project(composer)
    gap = Gap.objects.get()
    fill(gap.project, composer, options.first, options.index, band_rows_to=options.bands)
    already = options.records * 2 * (options.bands + options.first)  # other texts at each size
    for begin in range(0, options.records, CHUNK):
        numbers = range(begin, min(begin + CHUNK, options.records))
        add_due(gap, [composer.to_check(already + number, options.index) for number in numbers])
    return {
        "band_rows": Band.objects.count(),
        "protected": len(composer.protected()),
        "fill_s": round(time.perf_counter() - start),
    }


def check(records: int) -> dict[str, Any]:
    """Checks what waits, slice by slice; returns figures."""
    import apps.operations.sweeps  # noqa: F401, PLC0415  what a worker has in memory
    from apps.core.collector import spare_what_is_loaded  # noqa: PLC0415
    from apps.records.models import Record  # noqa: PLC0415
    from apps.records.states import RecordStatus  # noqa: PLC0415
    from apps.validation.services import check_slice  # noqa: PLC0415

    waiting = Record.objects.filter(status=RecordStatus.GENERATED)
    watch, done = Stopwatch(), 0
    names = instrument(watch)
    spare_what_is_loaded()
    for _ in range(WARM_SLICES):
        done += check_slice()
    early, warm = peak_mb(), done
    watch.seconds.clear()
    processor, database, wall = time.process_time(), database_seconds(), time.perf_counter()
    while claimed := check_slice():
        done += claimed
    wall = time.perf_counter() - wall
    processor, database = time.process_time() - processor, database_seconds() - database
    checking = sum(watch.seconds[name] for name in names)
    return {
        "records": done,
        "exact": done == records and not waiting.exists(),
        "records_per_s": round((done - warm) / checking),
        "moved_per_s": round((done - warm) / wall),
        "moved_per_cpu_s": round((done - warm) / (processor + database)),
        "shares": {name: round(watch.seconds[name] / checking, 3) for name in names},
        "cpu_share_worker": round(processor / wall, 2),
        "cpu_share_database": round(database / wall, 2),
        "peak_mb": round(peak_mb()),
        "peak_mb_early": round(early),
        "outcomes": _outcomes(),
    }


def _outcomes() -> dict[str, int]:
    """Findings by check: the checks did find what was put in."""
    from django.db.models import Count  # noqa: PLC0415

    from apps.validation.models import Finding  # noqa: PLC0415

    return dict(Finding.objects.values_list("check_name").annotate(count=Count("id")).order_by("check_name"))


def instrument(watch: Stopwatch) -> list[str]:
    """Puts the stopwatch around the steps of checking in this process; returns their names."""
    from apps.task_types import task_type_of  # noqa: PLC0415
    from apps.validation import services  # noqa: PLC0415
    from apps.validation.checks import REGISTRY  # noqa: PLC0415

    places: list[tuple[Any, Any, str]] = [
        (lambda check, *_: str(check.name), kind, "run")
        for kind in {type(each) for each in REGISTRY.values()}
    ]
    places += [
        (INDEX, services, "index_records"),
        (NEAR, services, "find_near"),
        (NEIGHBOURS, services, "keep_neighbours"),
        (REST, services, "_check_records"),
        (MOVES, services, "_settle"),
    ]
    for name, owner, function in places:
        setattr(owner, function, watch.timed(name, getattr(owner, function)))
    return [*task_type_of("classification").check_ids, INDEX, NEAR, NEIGHBOURS, REST]


def as_text(found: list[dict[str, Any]]) -> str:
    head = (
        "database", "index", "band rows", "records/s", "moved/s", "growth", "CPU worker", "CPU database",
        "peak MB", "early MB", "fill s", "exact",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [head, ("---",) * len(head)]
    for each in found:
        rows.append(
            (
                each["database"], f"{each['index']:,}", f"{each['band_rows']:,}", f"{each['records_per_s']:,}",
                f"{each['moved_per_s']:,}", each["growth"], f"{each['cpu_share_worker']:.0%}",
                f"{each['cpu_share_database']:.0%}", each["peak_mb"], each["peak_mb_early"], each["fill_s"],
                "yes" if each["exact"] else "NO",
            )
        )  # fmt: skip
    names = list(found[0]["shares"])
    rows += [(), ("share of", *names), ("---",) * (len(names) + 1)]
    rows += [
        (f"{each['database']}, {each['index']:,}", *(f"{each['shares'][name]:.1%}" for name in names))
        for each in found
    ]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" if row else "" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
