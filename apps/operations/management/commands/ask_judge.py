from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.critic.asking import USUAL_PORTION, ask
from apps.critic.models import Occasion, QuestionState
from apps.critic.selectors import find_judge
from apps.operations.work import drain
from apps.specs.selectors import find_project
from apps.submissions.models import Delivery


class Command(HouseCommand):
    help = (
        "Asks a judge about the next records that wait for review; it orders the queue and decides nothing."
    )
    example = "manage.py ask_judge router --judge strict --most 200"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("--judge", required=True, help="Name of a judge that is switched on.")
        parser.add_argument("--most", type=int, default=USUAL_PORTION, help="How many records at the most.")
        parser.add_argument(
            "--delivery",
            default="",
            choices=["", Delivery.BATCH, Delivery.SYNCHRONOUS],
            help="Without it: a batch where the provider has a batch interface.",
        )
        parser.add_argument(
            "--wait", action="store_true", help="Do the work here that is due now, sending included."
        )

    def run(self, **options: Any) -> str:
        judge = find_judge(find_project(options["project"]), options["judge"])
        asking = ask(
            judge.current(),
            Occasion.REVIEW,
            actor=None,
            most=options["most"],
            delivery=options["delivery"],
        )
        if options["wait"]:
            drain()
        judged = asking.questions.filter(state=QuestionState.JUDGED).count()
        so_far = f" {judged} of them are judged so far." if options["wait"] else ""
        return f"{judge} is asked about {asking.asked} records.{so_far}"
