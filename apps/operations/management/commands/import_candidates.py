from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.uploads import Upload
from apps.operations.imports import import_candidates
from apps.operations.work import drain
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.selectors import find_gap, find_project


class Command(HouseCommand):
    help = (
        "Imports candidates that another generator made (JSONL with input, output and provenance) for a gap, "
        "and runs the checks over them."
    )
    example = "manage.py import_candidates router candidates.jsonl --gap 'renewal refund disputes'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("file", type=Path)
        parser.add_argument("--gap", required=True, metavar="NAME", help="The gap they are meant to fill.")
        parser.add_argument(
            "--origin", default="", metavar="TEXT", help="Where, when and how they were made."
        )
        parser.add_argument("--strict", action="store_true", help="Import nothing if any line is refused.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object with every refused line."
        )

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        outcome = import_candidates(
            project=project,
            gap=find_gap(project, options["gap"]),
            upload=Upload.of_path(options["file"]),
            origin=options["origin"],
            strict=options["strict"],
        )
        drain()
        fresh = Record.objects.filter(import_uuid=outcome.import_uuid)
        awaiting, dropped = fresh.awaiting_review().count(), fresh.dropped().count()
        waiting = fresh.filter(status=RecordStatus.GENERATED).count()
        if options["json"]:
            self.print_json(
                outcome.as_json() | {"awaiting_review": awaiting, "dropped": dropped, "unchecked": waiting}
            )
            return ""
        checked = f"{awaiting} wait for review, {dropped} were dropped by the checks"
        return f"{outcome.as_lines(project)}\nChecked: {checked}."
