"""Compares arms of the built-in learner, and lets them answer the holdout without a score."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.evaluation.comparisons import request_comparison, work_on_comparison
from apps.evaluation.learner import ARMS
from apps.evaluation.models import Comparison, ComparisonStatus
from apps.evaluation.selectors import contribution_of
from apps.specs.selectors import find_project

PAUSE = 0.5
"""Seconds between two looks at a comparison that another worker has."""


class Command(HouseCommand):
    help = (
        "Compares arms of the built-in learner by cross-validation on real rows. real, control and blended also "
        "answer the frozen holdout, which nobody scores before a launch review."
    )
    example = "manage.py evaluate router --learner --arms real,control,synthetic,blended --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Name or slug of the project.")
        parser.add_argument("--learner", action="store_true", help="Train the built-in learner.")
        parser.add_argument("--arms", default=",".join(ARMS), metavar="ARM,…", help=f"Of {', '.join(ARMS)}.")
        parser.add_argument("--folds", type=int, default=5, help="Folds of the cross-validation (default 5).")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a line.")

    def run(self, **options: Any) -> str:
        if not options["learner"]:
            raise CommandError(
                "Say --learner to train the built-in learner; the predictions of another model are uploaded "
                "on the evaluation page."
            )
        project = find_project(options["project"])
        comparison = request_comparison(
            project=project,
            arms=[arm.strip() for arm in options["arms"].split(",") if arm.strip()],
            folds=options["folds"],
            actor=None,
        )
        comparison = _done(comparison)
        if options["json"]:
            self.print_json(
                {
                    "project": project.name,
                    "comparison": str(comparison.uuid),
                    "release": str(comparison.release_uuid) if comparison.release_uuid else None,
                    "folds": comparison.folds,
                    "arms": {
                        arm: comparison.results["arms"][arm] | {"scored_on": comparison.results["scored_on"]}
                        for arm in comparison.arms
                    },
                    "models": comparison.results.get("models", {}),
                }
            )
            return ""
        contribution = contribution_of(comparison)
        return f"{contribution.headline if contribution else 'Done.'} ({comparison.results['scored_on']})"


def _done(comparison: Comparison) -> Comparison:
    """Works here until it is done, beside any worker that is faster."""
    while comparison.status in (ComparisonStatus.QUEUED, ComparisonStatus.RUNNING):
        work_on_comparison(comparison.pk)
        comparison.refresh_from_db()
        if comparison.last_error:
            raise DomainError(f"The comparison stopped: {comparison.last_error}")
        if comparison.status == ComparisonStatus.RUNNING:
            time.sleep(PAUSE)
    return comparison
