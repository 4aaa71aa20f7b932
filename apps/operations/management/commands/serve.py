from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.operations.serving import serve


class Command(HouseCommand):
    help = "Starts web and the three workers on this machine; Ctrl+C ends them."
    example = "manage.py serve --port 8000"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="Where web listens on 127.0.0.1.")

    def run(self, **options: Any) -> str:
        self.stdout.write(f"SynthReview is at http://127.0.0.1:{options['port']}/ (Ctrl+C ends it)")
        sys.exit(serve(options["port"]))
