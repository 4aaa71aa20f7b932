"""Decides every waiting record of a project at once, as one person."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.accounts.models import User
from apps.core.command import HouseCommand
from apps.review.bulk import bulk_decide
from apps.review.models import Action
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Decides the records that wait for review, all at once, in the name of one reviewer or lead. Each "
        "gets its own task, decision and event, with review_method bulk; releases take those only when told."
    )
    example = "manage.py decide 'Ticket router' --accept-all --as anna --where-prompt 'renewals v2'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Name or slug of the project.")
        parser.add_argument("--accept-all", action="store_true", help="Accept what waits.")
        parser.add_argument(
            "--as", dest="username", required=True, metavar="USER", help="Who answers for it."
        )
        parser.add_argument(
            "--where-prompt", default="", metavar="PROMPT", help="Only records of this prompt version."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a line.")

    def run(self, **options: Any) -> str:
        if not options["accept_all"]:
            raise CommandError("Say what to decide: --accept-all is what there is.")
        project = find_project(options["project"])
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        result = bulk_decide(
            project=project, actor=user, action=Action.ACCEPTED, prompt_version=options["where_prompt"]
        )
        if options["json"]:
            self.print_json(
                {
                    "project": project.name,
                    "action": Action.ACCEPTED,
                    "decided": result.decided,
                    "held_by_others": result.held_by_others,
                    "reviewer": user.username,
                    "review_method": "bulk",
                }
            )
            return ""
        left = f" {result.held_by_others} are in the hands of others." if result.held_by_others else ""
        return f"Accepted {result.decided} records of {project} as {user} (review_method bulk).{left}"
