from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.core.uploads import Upload
from apps.intake.protected import forget_texts, protect_texts
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Registers sensitive texts that no record and no prompt may repeat; keeps their fingerprints alone."
    )
    example = 'manage.py protect_texts router contracts.csv --name "contracts 2026" --column body'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("file", type=Path, nargs="?", help="CSV or JSONL.")
        parser.add_argument("--name", required=True, help="What the corpus is called.")
        parser.add_argument("--column", default="text", help="Where the text stands.")
        parser.add_argument("--forget", action="store_true", help="Removes the corpus instead.")

    def run(self, **options: Any) -> str:
        project, name = find_project(options["project"]), options["name"]
        if options["forget"]:
            forget_texts(project=project, name=name)
            return f"{name} is forgotten: its texts are no longer looked for."
        if options["file"] is None:
            raise DomainError("Name the file with the texts, or --forget.")
        upload = Upload.of_path(options["file"])
        report = protect_texts(project=project, name=name, upload=upload, column=options["column"])
        for reason in report.refused:
            self.stderr.write(reason)
        return (
            f"{name} protects {report.protected} texts ({report.added} new); "
            f"{len(report.refused)} rows were refused. The texts themselves are not kept."
        )
