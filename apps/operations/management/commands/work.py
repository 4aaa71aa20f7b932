from __future__ import annotations

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.operations.sweeps import PROCESS_OF, QUEUES
from apps.operations.work import drain, work_forever

NEEDS = {
    "interactive": {"default"},
    "generation": {"default"},
    "validation": {"default", "leakage"},
    "evaluation": {"default", "leakage", "holdout"},
}


class Command(HouseCommand):
    help = "Does background work without a broker: sweeps the database and runs what is due."
    example = "SYNTHREVIEW_PROCESS=generation manage.py work --queues interactive,generation"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues", default=",".join(QUEUES), help="Comma-separated: " + ", ".join(QUEUES)
        )
        parser.add_argument(
            "--pause", type=float, default=0.5, help="Seconds between sweeps that find nothing."
        )
        parser.add_argument("--once", action="store_true", help="Return when nothing is due.")

    def run(self, **options: Any) -> str:
        queues = [queue.strip() for queue in options["queues"].split(",") if queue.strip()]
        for queue in queues:
            if queue not in QUEUES:
                raise DomainError(f"There is no queue {queue!r}; there is {', '.join(QUEUES)}.")
            if lacking := NEEDS[queue] - set(settings.DATABASES):
                raise DomainError(
                    f"The {settings.PROCESS} process has no address of {', '.join(sorted(lacking))}, "
                    f"which the queue {queue} needs: start it with SYNTHREVIEW_PROCESS={PROCESS_OF[queue]}."
                )
        if options["once"]:
            drain(queues)
            return f"Nothing is due in {', '.join(queues)}."
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        work_forever(queues, pause=options["pause"])
        return ""
