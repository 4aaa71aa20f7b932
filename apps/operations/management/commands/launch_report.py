"""Asks for the launch verdict on three models."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.evaluation.launch import create_launch_review, find_model
from apps.specs.selectors import find_project


class Command(HouseCommand):
    help = (
        "Compares a candidate with baseline and control on the frozen real holdout and prints the verdict. The "
        "first comparison of a candidate uses a look; the same one again is free. Any verdict exits with 0."
    )
    example = "manage.py launch_report router --baseline real --control control --candidate blended --json"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Name or slug of the project.")
        parser.add_argument("--baseline", required=True, metavar="MODEL", help="What runs today.")
        parser.add_argument("--control", required=True, metavar="MODEL", help="Real rows only, reweighted.")
        parser.add_argument("--candidate", required=True, metavar="MODEL", help="What might ship.")
        parser.add_argument("--json", action="store_true", help="Print the whole report as one JSON object.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        review = create_launch_review(
            project=project,
            baseline=find_model(project, options["baseline"]),
            control=find_model(project, options["control"]),
            candidate=find_model(project, options["candidate"]),
            actor=None,
        )
        if options["json"]:
            self.print_json(review.report | {"uuid": str(review.uuid)})
            return ""
        looks = review.report["looks"]
        return f"{review.verdict}: {review.headline} ({looks['used']} of {looks['declared']} looks used)"
