"""A whole installation as separate processes, filled through our own commands, with a canary in its holdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CANARY = "xylophone marzipan quicksilver bandoneon avalanche"
PROJECT = "walled"
GUIDE = """
task: Route the ticket.
labels:
  - {name: refund, definition: Money back., commonness: rare, examples: [please give the money back]}
  - {name: billing, definition: About an invoice., commonness: common, examples: [where is my invoice]}
"""
HOLDOUT = f"text,category\n{CANARY},refund\nthe invoice shows the wrong street,billing\n"
GIVE_UP_SECONDS = 300


@dataclass(frozen=True)
class Installation:
    """``addresses`` are the variables that name databases and keys; each process is given some of them."""

    folder: Path
    addresses: Mapping[str, str] = field(default_factory=dict)

    def run(self, process: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """``manage.py`` as ``process``, in an environment that holds nothing but what is named here."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "SYNTHREVIEW_VAR": str(self.folder / "var"),
            "SYNTHREVIEW_PROCESS": process,
            "SECRET_KEY": "only for tests",
        }
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=GIVE_UP_SECONDS,
        )

    def command(self, *arguments: str) -> None:
        """An operator's command, with every address; it must succeed."""
        done = self.run("shell", *arguments, **self.addresses)
        assert done.returncode == 0, done.stderr

    def fill(self) -> None:
        """Databases, a project with a guide, and a holdout with the canary."""
        for name, content in (("guide.yaml", GUIDE), ("holdout.csv", HOLDOUT)):
            (self.folder / name).write_text(content)
        self.command("prepare")
        guide, holdout = str(self.folder / "guide.yaml"), str(self.folder / "holdout.csv")
        self.command("create_project", PROJECT, "--task", "classification", "--guide", guide)
        columns = ("--map", "input.text=text", "--map", "output.label=category")
        self.command("import_real", PROJECT, holdout, "--role", "holdout", *columns)
        self.command("freeze_holdout", PROJECT, "--rare", "refund")

    def intrude(self, process: str, tasks: Mapping[str, Any], **variables: str) -> dict[str, Any]:
        """Starts ``process``, lets it do its work, and then lets it try to see what it must not."""
        code = "from tests.wall.intruder import main; main()"
        wanted = json.dumps({"queue": process, "guess": CANARY} | dict(tasks))
        done = self.run(process, "shell", "--no-imports", "-c", code, INTRUDER=wanted, **variables)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return report
