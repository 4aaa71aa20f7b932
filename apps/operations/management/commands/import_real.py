from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.core.uploads import Upload
from apps.operations.imports import HOLDOUT, import_holdout, import_rows
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Imports real rows of a CSV or JSONL file as seed (may be shown to a generator), train (may be mixed "
        "into releases) or holdout (nobody may see them)."
    )
    example = (
        "manage.py import_real router new.csv --role train --map input.text=text --map output.label=category"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--role", required=True, choices=["seed", "train", HOLDOUT], help="What the rows may be used for."
        )
        parser.add_argument(
            "--map",
            action="append",
            required=True,
            metavar="TARGET=COLUMN",
            help="input.NAME, output.NAME, tags.NAME; for a holdout also id. Again for each column.",
        )
        parser.add_argument(
            "--drop-near", action="store_true", help="Leave out rows nearly like a holdout row."
        )
        parser.add_argument("--strict", action="store_true", help="Import nothing if any row is refused.")
        parser.add_argument(
            "--json", action="store_true", help="Print one JSON object with every refused row."
        )

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        upload = Upload.of_path(options["file"])
        if options["role"] == HOLDOUT:
            if options["drop_near"]:
                raise DomainError(
                    "--drop-near is for seed and train rows: a holdout row is not dropped for that."
                )
            outcome = import_holdout(
                project=project, upload=upload, mapping=options["map"], strict=options["strict"]
            )
        else:
            outcome = import_rows(
                project=project,
                role=options["role"],
                upload=upload,
                mapping=options["map"],
                drop_near=options["drop_near"],
                strict=options["strict"],
            )
        if options["json"]:
            self.print_json(outcome.as_json())
            return ""
        return outcome.as_lines(project)
