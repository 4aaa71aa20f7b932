from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser
from django.urls import reverse

from apps.accounts.services import make_sign_in_token
from apps.core.command import HouseCommand
from apps.operations.demo.all_tasks import load_all_tasks, run_all_tasks
from apps.operations.demo.headless import run_loop
from apps.operations.demo.project import MEMBERS, NAME, SCRIPT, find_demo, load_demo, scripted_review
from apps.operations.projects import MemberWish
from apps.operations.serving import serve
from apps.specs.models import Membership, Project

REVIEWED_BEFOREHAND = 140
"""So that the reports have something to say while the rest waits for whoever tries the demo."""


class Command(HouseCommand):
    help = "Loads the demo project and starts web and the three workers; or runs the whole loop without a browser."
    example = "manage.py demo --port 8000\n  manage.py demo --headless --all-tasks"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="Where web listens on 127.0.0.1.")
        parser.add_argument(
            "--headless", action="store_true", help="Run the loop, print one JSON object, and end."
        )
        parser.add_argument(
            "--all-tasks",
            action="store_true",
            help="Small projects of every task type as well; with --headless, what came of each.",
        )
        parser.add_argument("--name", default=NAME, help="Name of the demo project.")
        parser.add_argument(
            "--no-serve", action="store_true", help="Load and print the links, but start nothing."
        )

    def run(self, **options: Any) -> str:
        call_command("prepare", stdout=self.stderr)
        if options["headless"]:
            with TemporaryDirectory(prefix="synthreview-demo-") as folder:
                result = run_loop(name=options["name"], out=Path(folder))
            if options["all_tasks"]:
                result["tasks"] = run_all_tasks(name=options["name"])
            self.print_json(result)
            return ""
        project = find_demo(options["name"])
        if project is None:
            self.stdout.write("Loading the demo project …")
            project = load_demo(options["name"])
            scripted_review(project, limit=REVIEWED_BEFOREHAND)
        if options["all_tasks"]:
            self.stdout.write("Loading a small project of every task type …")
            load_all_tasks(name=options["name"], members=[MemberWish.parse(text) for text in MEMBERS])
        self._say_how_to_sign_in(project, options["port"])
        if not options["no_serve"]:
            sys.exit(serve(options["port"]))
        return ""

    def _say_how_to_sign_in(self, project: Project, port: int) -> None:
        site = f"http://127.0.0.1:{port}"
        self.stdout.write(f"\nSynthReview: {site}{reverse('reports:project-home', args=[project.slug])}\n")
        self.stdout.write(
            "Sign in with one of these links; each works once (run `make demo` again for new ones):\n"
        )
        names = [member.partition(":")[0] for member in MEMBERS]
        for membership in Membership.objects.filter(project=project, user__username__in=names).select_related(
            "user"
        ):
            if membership.user.username == SCRIPT:
                continue
            link = site + reverse("accounts:sign-in-link", args=[make_sign_in_token(user=membership.user)])
            self.stdout.write(f"  {membership.user.username:<6} {', '.join(membership.roles):<16} {link}")
        self.stdout.write("\nCtrl+C ends it.")
