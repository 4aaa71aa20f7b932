"""Looks at every event, decision and checkpoint for what was changed or taken away."""

from __future__ import annotations

from argparse import ArgumentTypeError
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.command import HouseCommand
from apps.review.checkpoint_models import LedgerCheckpoint
from apps.review.checkpoint_proof import verify_checkpoints
from apps.review.ledger import Tally, verify
from apps.specs.models import Project
from apps.specs.selectors import find_project


def kept(text: str) -> tuple[int, str]:
    """``12:ab34…`` as number and signature."""
    number, _, signature = text.partition(":")
    if not number.isdecimal() or not signature:
        raise ArgumentTypeError(f"write NUMBER:SIGNATURE, not {text!r}")
    return int(number), signature


class Command(HouseCommand):
    help = (
        "Checks the chain of every record, the seal of every decision, each against the other and all against the "
        "checkpoints of the ledger; names every row that is not as it was written. Reads only."
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
        parser.add_argument(
            "--kept",
            action="append",
            default=[],
            type=kept,
            metavar="NUMBER:SIGNATURE",
            help="A checkpoint of PROJECT as it was written down elsewhere, say in the manifest of a release.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of lines.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"]) if options["project"] else None
        if options["kept"] and project is None:
            raise CommandError("--kept needs the PROJECT whose checkpoint it is.")
        tally = Tally()
        old_keys = [path.read_text().strip() for path in options["old_key_file"]]
        faults = 0
        found = []
        projects = [project] if project else Project.objects.order_by("pk")
        by_checkpoints = (
            verify_checkpoints(project=each, old_keys=old_keys, kept=dict(options["kept"]))
            for each in projects
        )
        for fault in chain(verify(project=project, tally=tally, old_keys=old_keys), *by_checkpoints):
            faults += 1
            if options["json"]:
                found.append(vars(fault))
            else:
                self.stdout.write(str(fault))
        if options["json"]:
            self.print_json({**vars(tally), "faults": found})
        checkpoints = LedgerCheckpoint.objects.filter(project__in=projects).count()
        looked_at = f"{tally.records} records, {tally.events} events, {tally.decisions} decisions"
        looked_at = f"{looked_at}, {checkpoints} checkpoints"
        if faults:
            raise CommandError(f"{faults} rows are not as they were written ({looked_at} looked at).")
        unsealed = f" {tally.unsealed} decisions are older than seals." if tally.unsealed else ""
        return "" if options["json"] else f"Nothing was changed: {looked_at}.{unsealed}"
