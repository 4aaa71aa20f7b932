from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.holdout.rules import FreezeTerms, default_common_labels, per_look_alpha
from apps.holdout.services import begin_freeze, continue_freeze, current_holdout, drop_overlaps
from apps.specs.models import HoldoutSeal
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Freezes a project's holdout: rows, gold labels, guide version and the rule of the launch verdict, "
        "under one hash. Nothing about it can be changed afterwards."
    )
    example = (
        "manage.py freeze_holdout router --rare 'renewal refund dispute' --delta 0.02 --alpha 0.05 --looks 5"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project")
        parser.add_argument(
            "--rare",
            nargs="+",
            action="extend",
            required=True,
            metavar="LABEL",
            help="The labels whose recall must rise: those of the gap.",
        )
        parser.add_argument(
            "--common",
            nargs="+",
            action="extend",
            metavar="LABEL",
            help="Default: the ten most frequent other labels of the training rows.",
        )
        parser.add_argument(
            "--delta", type=float, default=0.02, help="Largest tolerated loss on common labels."
        )
        parser.add_argument("--alpha", type=float, default=0.05, help="One-sided, for all looks together.")
        parser.add_argument(
            "--looks", type=int, default=5, help="How many candidates may be compared with it."
        )
        parser.add_argument(
            "--share",
            nargs="+",
            action="extend",
            default=[],
            metavar="ROLE=SHARE",
            help="Share of real traffic of rare, common and other labels, when rare rows are over-sampled.",
        )
        parser.add_argument(
            "--drop-overlaps", action="store_true", help="Take out rows that are seeds or train rows as well."
        )
        parser.add_argument("--json", action="store_true", help="Print the seal as one JSON object.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        common = options["common"]
        if common is None:
            labels = project.records.train_rows().values_list("label", flat=True)
            common = default_common_labels(Counter(labels), rare=options["rare"])
        terms = FreezeTerms(
            rare=options["rare"],
            common=common,
            delta=options["delta"],
            alpha=options["alpha"],
            looks=options["looks"],
            production_shares=_shares(options["share"]),
        )
        dropped = drop_overlaps(project=project, actor=None) if options["drop_overlaps"] else 0
        begin_freeze(project=project, terms=terms, actor=None)
        holdout = continue_freeze(holdout=current_holdout(project))
        if options["json"]:
            self.print_json(
                _as_json(HoldoutSeal.objects.get(holdout_uuid=holdout.uuid)) | {"dropped": dropped}
            )
            return ""
        return (
            f"Froze the holdout of {project}: {holdout.row_count} rows under {holdout.content_hash} "
            f"({len(terms.rare)} rare and {len(terms.common)} common labels, delta {terms.delta:g}, "
            f"alpha {terms.alpha:g} over {terms.looks} looks)."
        )


def _shares(items: list[str]) -> dict[str, float]:
    """``["rare=0.01", …]``; DomainError names an item that cannot be read."""
    shares: dict[str, float] = {}
    for item in items:
        role, _, share = item.partition("=")
        try:
            shares[role.strip()] = float(share)
        except ValueError as error:
            raise DomainError(f"--share {item!r}: write ROLE=SHARE, for example rare=0.01.") from error
    return shares


def _as_json(seal: HoldoutSeal) -> dict[str, Any]:
    return {
        "holdout": str(seal.holdout_uuid),
        "content_hash": seal.content_hash,
        "rows": seal.row_count,
        "label_counts": seal.label_counts,
        "commonness": seal.commonness,
        "guide_version": seal.guide_version,
        "delta": seal.delta,
        "alpha": seal.alpha,
        "looks": seal.looks,
        "alpha_per_look": per_look_alpha(alpha=seal.alpha, looks=seal.looks),
        "sealed_at": seal.sealed_at.isoformat(),
    }
