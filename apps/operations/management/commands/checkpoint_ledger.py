"""Makes a checkpoint of a project's ledger now, to be written down elsewhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.review.checkpoints import make_checkpoint
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Signs where the chain of every record of a project stands. The validation worker does it once a day, each "
        "release once more. Keep the printed NUMBER:SIGNATURE elsewhere: verify_chain --kept compares it."
    )
    example = "manage.py checkpoint_ledger 'Ticket router'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Name or slug.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        made = make_checkpoint(project=project)
        return (
            f"{project}: {made.records} records, {made.events} events, {made.decisions} decisions. "
            f"Keep {made.number}:{made.signature}"
        )
