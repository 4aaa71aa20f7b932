from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.specs.selectors import find_project
from apps.specs.services import create_gap, open_gap


class Command(HouseCommand):
    help = "Names a gap, registers and locks its slice, and opens it."
    example = (
        'manage.py create_gap router "renewal refund disputes" --label renewal_refund_dispute --count 200'
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument("name")
        parser.add_argument("--label", nargs="+", required=True, help="Target labels.")
        parser.add_argument("--count", type=int, required=True, help="Records wanted.")
        parser.add_argument("--why", default="", help="The evidence for the gap.")
        parser.add_argument("--axes", default="{}", help='JSON, for example {"tone": ["angry", "polite"]}.')
        parser.add_argument(
            "--realism", nargs="*", default=[], help="For example typos fragments pasted_mail."
        )

    def run(self, **options: Any) -> str:
        try:
            axes = json.loads(options["axes"])
        except ValueError as error:
            raise DomainError(f"--axes is not JSON: {error}") from error
        with transaction.atomic():
            gap = create_gap(
                project=find_project(options["project"]),
                name=options["name"],
                target_labels=options["label"],
                target_count=options["count"],
                why=options["why"],
                axes=axes,
                realism=options["realism"],
                actor=None,
            )
            open_gap(gap=gap, actor=None)
        return f"The gap {gap} is open: {gap.target_count} records for {', '.join(gap.target_labels)}."
