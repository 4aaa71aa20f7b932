from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.specs.selectors import find_project
from apps.validation.models import ChangeKind, Recheck, RecheckStatus
from apps.validation.rechecks import advance, apply_recheck, discard_recheck, start_recheck


class Command(HouseCommand):
    help = "Lets a check look again at every record, says what would change, and applies it on demand."
    example = "manage.py recheck router near_duplicate --apply"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("check", help="Name of the check, as in the spec.")
        parser.add_argument("--apply", action="store_true", help="Apply what is found; without it, discard.")
        parser.add_argument(
            "--with-decided", action="store_true", help="Take back what people have accepted, too."
        )

    def run(self, **options: Any) -> str:
        if options["with_decided"] and not options["apply"]:
            raise DomainError("--with-decided means something only with --apply.")
        project = find_project(options["project"])
        recheck = start_recheck(project=project, check_name=options["check"], actor=None)
        _carry_on(recheck, RecheckStatus.LOOKING)
        counts = dict(recheck.changes.values_list("kind").annotate(n=Count("id")).order_by("kind"))
        if options["apply"]:
            apply_recheck(recheck=recheck, actor=None, with_decided=options["with_decided"])
            _carry_on(recheck, RecheckStatus.APPLYING)
        else:
            discard_recheck(recheck=recheck, actor=None)
        said = [f"{counts[kind]} {kind.label}" for kind in ChangeKind if kind in counts]
        done = "applied" if options["apply"] else "nothing was changed; --apply lets it happen"
        return f"{recheck.looked_at} records looked at: {', '.join(said) or 'no change'}; {done}."


def _carry_on(recheck: Recheck, stage: RecheckStatus) -> None:
    """Here and now; a worker that takes a slice too does no harm."""
    while recheck.status == stage:
        advance(recheck.pk)
        recheck.refresh_from_db()
