from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.accounts.models import User
from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.reports.recalls import preview
from apps.review.recall_criteria import TITLES
from apps.review.recall_models import RecallStatus
from apps.review.recalls import advance_recall, start_recall
from apps.specs.models import Membership, Project, Role
from apps.specs.selectors import find_project

OPTIONS = {
    "prompt_version": "--prompt",
    "generator_model": "--model",
    "generator_provider": "--provider",
    "source_type": "--source",
    "review_method": "--method",
}
"""Criteria whose option has a shorter name than they have."""


class Command(HouseCommand):
    help = (
        "Says which accepted and edited records fit and which releases contain them; with --reason and --as it "
        "takes them back to review."
    )
    example = "manage.py recall router --prompt 'p v3' --label refund --reason 'wrong policy' --as lea"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        for name, title in TITLES.items():
            option = OPTIONS.get(name, f"--{name.replace('_', '-')}")
            parser.add_argument(
                option,
                dest=f"where_{name}",
                default="",
                metavar="DAY" if name.endswith(("since", "until")) else "WORD",
                help=f"Only records of this: {title}.",
            )
        parser.add_argument("--reason", default="", help="Why; without it nothing is taken back.")
        parser.add_argument("--as", dest="username", default="", metavar="USER", help="The lead who does it.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        criteria = {name: options[f"where_{name}"] for name in TITLES if options[f"where_{name}"]}
        seen = preview(project, criteria)
        releases = ", ".join(f"{each.records} in release {each.release.number}" for each in seen.releases)
        said = f"{seen.count} accepted or edited records fit ({releases or 'in no release'})"
        said += f", {seen.derived} were made from them." if seen.derived else "."
        if not options["reason"]:
            return f"{said} Nothing was taken back; --reason and --as let it happen."
        actor = _lead(project, options["username"])
        recall = start_recall(project=project, criteria=criteria, reason=options["reason"], actor=actor)
        while recall.status == RecallStatus.TAKING_BACK:
            # Here and now; a worker that takes a slice too does no harm.
            advance_recall(recall.pk)
            recall.refresh_from_db()
        return f"{said} Recall {recall.pk} took {recall.taken_back} back to review."


def _lead(project: Project, username: str) -> User:
    membership = Membership.objects.filter(project=project, user__username=username).first()
    if membership is None or not membership.has_any(frozenset({Role.LEAD})):
        raise DomainError(
            f"A recall needs a lead of {project} who answers for it: --as {username or 'USER'}."
        )
    return membership.user
