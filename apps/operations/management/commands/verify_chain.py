"""Looks at every event and decision for what was changed or taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.command import HouseCommand
from apps.review.ledger import Tally, verify
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Checks the chain of every record, the seal of every decision, and each against the other; names every row "
        "that is not as it was written. Reads only."
    )
    example = "manage.py verify_chain 'Ticket router'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", metavar="PROJECT", help="Name or slug; without it, all.")
        parser.add_argument(
            "--old-key-file",
            action="append",
            default=[],
            type=Path,
            metavar="PATH",
            help="A file with a secret key from before; rows of its time are checked with it.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of lines.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"]) if options["project"] else None
        tally = Tally()
        old_keys = [path.read_text().strip() for path in options["old_key_file"]]
        faults = 0
        found = []
        for fault in verify(project=project, tally=tally, old_keys=old_keys):
            faults += 1
            if options["json"]:
                found.append(vars(fault))
            else:
                self.stdout.write(str(fault))
        if options["json"]:
            self.print_json({**vars(tally), "faults": found})
        looked_at = f"{tally.records} records, {tally.events} events, {tally.decisions} decisions"
        if faults:
            raise CommandError(f"{faults} rows are not as they were written ({looked_at} looked at).")
        unsealed = f" {tally.unsealed} decisions are older than seals." if tally.unsealed else ""
        return "" if options["json"] else f"Nothing was changed: {looked_at}.{unsealed}"
