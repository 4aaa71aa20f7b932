"""Every provider × whatever may happen to a submission, on both databases.

    python -m benchmarks.provider_matrix [--provider NAME …] [--case NAME …] [--database sqlite|postgres] [--json]

Each cell is a run through the whole machine: real SDKs against stand-ins on 127.0.0.1, the validation worker's
screening, and a generation worker process that is killed where the case says so. ``posts`` counts what reached the
stand-in: POSTs of create per submission; for servers that are asked one by one, POSTs per request. A cell is ok when
the run ended, every answer that came is in exactly once, nothing is pending, the money is settled and ``posts`` is 1.

No live provider is ever reached.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
DATABASES = ("sqlite", "postgres")


def main() -> int:
    options = parse()
    if options.child:
        return measure(options)
    cells: list[dict[str, Any]] = []
    databases = [options.database] if options.database else DATABASES
    for database in databases:
        if database == "sqlite":
            cells += child(options, database, {})
        else:
            with servers.postgres(servers.as_in_compose()) as addresses:
                cells += child(
                    options, database, addresses | {"LEAKAGE_KEY": "only for this measurement, 32 bytes"}
                )
    print(json.dumps({"cells": cells}, indent=2) if options.json else as_table(cells))
    return 0 if all(cell["ok"] for cell in cells) else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--provider", action="append", default=[], help="Only these.")
    parser.add_argument("--case", action="append", default=[], help="Only these.")
    parser.add_argument("--database", choices=DATABASES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def child(options: argparse.Namespace, database: str, addresses: Mapping[str, str]) -> list[dict[str, Any]]:
    """The cells of one database, measured by a process that has its addresses."""
    with tempfile.TemporaryDirectory(prefix="synthreview-matrix-") as var:
        environment = {
            name: value for name, value in os.environ.items() if not name.endswith(("_URL", "_KEY"))
        }
        environment |= {
            **addresses,
            "SECRET_KEY": "only for this measurement",
            "SYNTHREVIEW_VAR": var,
            "LOG_LEVEL": "CRITICAL",
        }
        command = [sys.executable, "-m", "benchmarks.provider_matrix", "--child", "--database", database]
        for name in ("provider", "case"):
            command += [part for value in getattr(options, name) for part in (f"--{name}", value)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"The cells of {database} could not be measured.")
        return [json.loads(line) for line in done.stdout.splitlines()]


def measure(options: argparse.Namespace) -> int:
    """One JSON line per cell on standard output, what goes on in words on standard error."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synthreview.settings")
    import django  # noqa: PLC0415  this process alone has the addresses

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from tests.providers.matrix import cases_of, run_cell, worker_environment  # noqa: PLC0415
    from tests.providers.rigs import RIGS  # noqa: PLC0415

    call_command("prepare", verbosity=0, stdout=sys.stderr)
    for name, rig_of in RIGS.items():
        if options.provider and name not in options.provider:
            continue
        with rig_of() as rig, worker_environment(rig):
            for case in cases_of(rig):
                if options.case and case.name not in options.case:
                    continue
                cell = run_cell(rig, case)
                for problem in cell.problems:
                    print(f"{name}, {case.name}, {options.database}: {problem}", file=sys.stderr)
                print(
                    json.dumps(
                        {
                            "provider": name,
                            "case": case.name,
                            "database": options.database,
                            "ok": cell.is_ok,
                            "posts": cell.posts,
                        }
                    ),
                    flush=True,
                )
    return 0


def as_table(cells: list[dict[str, Any]]) -> str:
    """Cases down, providers across; a cell says whether it is right on every database, and its POSTs."""
    providers = list(dict.fromkeys(cell["provider"] for cell in cells))
    rows = [["", *providers], ["---"] * (len(providers) + 1)]
    for case in dict.fromkeys(cell["case"] for cell in cells):
        row = [case]
        for provider in providers:
            found = [cell for cell in cells if (cell["provider"], cell["case"]) == (provider, case)]
            right = all(cell["ok"] for cell in found)
            posts = "/".join(map(str, sorted({cell["posts"] for cell in found})))
            row.append(f"{'ok' if right else 'WRONG'}, {posts} POST" if found else "–")
        rows.append(row)
    wrong = [cell for cell in cells if not cell["ok"]]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    databases = " and ".join(dict.fromkeys(cell["database"] for cell in cells))
    return "\n".join([*lines, "", f"{len(cells) - len(wrong)} of {len(cells)} cells right, on {databases}."])


if __name__ == "__main__":
    sys.exit(main())
