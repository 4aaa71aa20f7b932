from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.repairs import order_repair
from apps.specs.selectors import find_gap, find_project


class Command(HouseCommand):
    help = "Marks dropped records of a gap for one repair by a run whose prompt is there to repair."
    example = 'manage.py order_repairs router --gap "renewal refund disputes" --most 50'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("--gap", required=True, help="Name of the gap.")
        parser.add_argument("--most", type=int, default=100, help="How many records at the most.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        gap = find_gap(project, options["gap"])
        dropped = Record.objects.filter(gap=gap, status=RecordStatus.FAILED_CHECKS, repair_order=None)
        ordered, left = 0, 0
        for record in dropped.order_by("id").iterator():
            if ordered >= options["most"]:
                break
            try:
                order_repair(records=[record])
            except DomainError:
                left += 1
            else:
                ordered += 1
        return f"{ordered} records wait to be mended; {left} cannot be."
