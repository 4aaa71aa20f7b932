from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.uploads import Upload
from apps.intake.unlabelled import DEFAULT_MAP, import_unlabelled
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = "Imports real inputs without labels, for a run whose prompt is there to label."
    example = "manage.py import_unlabelled router mailbox.csv --map input.text=body"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("file", type=Path, help="CSV or JSONL.")
        parser.add_argument(
            "--map", action="append", metavar="TARGET=COLUMN", help="input.NAME; again for each column."
        )

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        upload = Upload.of_path(options["file"])
        report = import_unlabelled(project=project, upload=upload, mapping=options["map"] or DEFAULT_MAP)
        for reason in report.refused:
            self.stderr.write(reason)
        return f"{report.imported} unlabelled inputs are in; {len(report.refused)} rows were refused."
