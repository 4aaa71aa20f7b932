from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError, RefusedError
from apps.critic.audits import audit_accepted
from apps.critic.selectors import find_judge
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = "Asks judges about accepted records that they have not judged yet; their doubts wait for a lead."
    example = "manage.py audit_accepted router --judge strict"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("--judge", default="", help="Name of one judge; without it, all that are on.")
        parser.add_argument(
            "--most", type=int, help="How many records at the most; without it, as each judge is set."
        )

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        judges = (
            [find_judge(project, options["judge"])]
            if options["judge"]
            else list(project.judges.filter(is_on=True).order_by("name"))
        )
        if not judges:
            raise DomainError(f"{project} has no judge that is switched on.")
        said = []
        for judge in judges:
            try:
                asking = audit_accepted(judge=judge, actor=None, most=options["most"])
            except RefusedError:
                raise
            except DomainError as error:
                # Nothing new was accepted, say: no reason for a schedule to cry.
                said.append(str(error))
            else:
                said.append(f"{judge} is asked about {asking.asked} accepted records.")
        return " ".join(said)
