from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.core.statistics.sequential import Plan
from apps.review.models import Lot, LotStatus
from apps.review.plan_models import PlanKind, PlanStatus
from apps.review.plans import advance_plan, start_plan
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Puts what waits of one prompt and model under a sampling plan: a random part goes to people, and their "
        "decisions settle the rest."
    )
    example = "manage.py sample_lot router --prompt 'p v3' --model rules-1"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("--prompt", required=True, help="The prompt version, as records carry it.")
        parser.add_argument("--model", required=True, help="The model, as records carry it.")
        parser.add_argument(
            "--gap", default="", help="Address of the gap; needed where lots of several wait."
        )
        parser.add_argument(
            "--share",
            type=float,
            help="A fixed share, 0 to 1; without it, one after the other until decided.",
        )
        parser.add_argument(
            "--risk-share", type=float, default=0.0, help="Share of the riskiest that people see besides."
        )
        parser.add_argument("--good", type=float, default=0.05, help="Share of bad records that is fine.")
        parser.add_argument("--poor", type=float, default=0.15, help="Share of bad records that is not.")
        parser.add_argument("--seed", type=int, help="Of the random order; without it one is drawn and kept.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        lots = Lot.objects.filter(
            project=project,
            status=LotStatus.OPEN,
            prompt_version=options["prompt"],
            generator_model=options["model"],
        )
        if options["gap"]:
            lots = lots.filter(gap__slug=options["gap"])
        found = list(lots)
        if len(found) != 1:
            raise DomainError(f"{len(found)} open lots of {project} fit; name prompt, model and gap of one.")
        plan = start_plan(
            lot=found[0],
            kind=PlanKind.SEQUENTIAL if options["share"] is None else PlanKind.SHARE,
            share=options["share"],
            risk_share=options["risk_share"],
            rule=Plan(good=options["good"], poor=options["poor"]),
            seed=options["seed"],
            actor=None,
        )
        while plan.status == PlanStatus.TAKING:
            # Here and now; a worker that takes a slice too does no harm.
            advance_plan(plan.pk)
            plan.refresh_from_db()
        said = f"Plan {plan.pk} has set {plan.population} records aside (seed {plan.seed}); "
        return said + "a random part goes to people, whose decisions settle the rest."
