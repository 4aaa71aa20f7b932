from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.specs.selectors import find_project
from apps.submissions.models import Budget
from apps.submissions.prices import dollars_of


class Command(HouseCommand):
    help = (
        "Caps what a project may spend, in US dollars; a cap that is not given stays, “none” takes it away."
    )
    example = "manage.py set_budget router --total 500 --month 50"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("--total", help="For all time.")
        parser.add_argument("--month", help="For each month.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        budget, _ = Budget.objects.get_or_create(project=project)
        if options["total"] is not None:
            budget.total_cap = _cap(options["total"])
        if options["month"] is not None:
            budget.month_cap = _cap(options["month"])
        budget.save()
        return f"{project} may spend {_words(budget.total_cap)} in all, {_words(budget.month_cap)} a month."


def _cap(text: str) -> Decimal | None:
    return None if text == "none" else dollars_of(text)


def _words(cap: Decimal | None) -> str:
    return "anything" if cap is None else f"${cap:,.2f}"
