from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count

from apps.core.command import HouseCommand
from apps.core.errors import DomainError
from apps.generation.models import PromptLanguage, PromptVersion, Run, RunStatus
from apps.generation.prompts import default_rules_prompt, find_prompt_version
from apps.generation.services import draft_run, start_run
from apps.operations.work import drain
from apps.providers import provider_of
from apps.records.models import Record
from apps.specs.models import Project
from apps.specs.selectors import find_gap, find_project
from apps.submissions.models import Connection, Delivery
from apps.submissions.selectors import SubmissionsOfRun, submissions_of_run
from apps.submissions.services import connection_for, find_connection


class Command(HouseCommand):
    help = "Generates candidates for one gap; with --wait it returns when they are made and checked."
    example = (
        'manage.py run_generation router --gap "renewal refund disputes" --provider rules --prompt tickets '
        "--count 200 --wait"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="Name or address of the project.")
        parser.add_argument("--gap", required=True, help="Name of the gap.")
        parser.add_argument(
            "--provider", default="rules", help="Key of the provider; its first connection is used."
        )
        parser.add_argument("--connection", default="", help="Name of a connection, instead of --provider.")
        parser.add_argument(
            "--delivery",
            default="",
            choices=["", Delivery.BATCH, Delivery.SYNCHRONOUS],
            help="Without it: a batch where the provider has a batch interface.",
        )
        parser.add_argument(
            "--prompt",
            required=True,
            help='A prompt (its newest version) or "NAME v2". For rules a new name makes a prompt that '
            "recombines the seed examples.",
        )
        parser.add_argument("--count", type=int, required=True, help="Records to ask for.")
        parser.add_argument("--seed", type=int, help="Makes an offline run repeatable.")
        parser.add_argument(
            "--wait", action="store_true", help="Do the work here and return when it is done."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def run(self, **options: Any) -> str:
        project = find_project(options["project"])
        connection = (
            find_connection(options["connection"])
            if options["connection"]
            else connection_for(options["provider"])
        )
        run = draft_run(
            gap=find_gap(project, options["gap"]),
            prompt_version=_prompt(project, options["prompt"], connection),
            connection=connection,
            count=options["count"],
            seed=options["seed"],
            delivery=options["delivery"],
            actor=None,
        )
        start_run(run=run, actor=None)
        if options["wait"]:
            drain()
            run.refresh_from_db()
        sent, records = submissions_of_run(run.uuid), _records_by_status(run)
        if options["json"]:
            self.print_json(_as_json(run, sent, records))
        if options["wait"]:
            _refuse_unfinished(run, sent)
        return "" if options["json"] else _line(run, sent, records)


def _prompt(project: Project, name: str, connection: Connection) -> PromptVersion:
    version = find_prompt_version(project, name)
    if version is not None:
        return version
    if provider_of(connection.provider).prompt_language != PromptLanguage.PHRASES:
        known = ", ".join(project.prompts.order_by("name").values_list("name", flat=True))
        raise DomainError(f"{project} has no prompt {name!r}. It has: {known or 'none yet'}.")
    return default_rules_prompt(project=project, name=name, actor=None)


def _records_by_status(run: Run) -> dict[str, int]:
    rows = Record.objects.filter(run_uuid=run.uuid).order_by().values_list("status").annotate(n=Count("pk"))
    return dict(sorted(rows))


def _as_json(run: Run, sent: SubmissionsOfRun, records: dict[str, int]) -> dict[str, object]:
    return {
        "run": run.pk,
        "status": run.status,
        "prompt_version": run.prompt_version.label,
        "asked": run.count,
        "made": sum(records.values()),
        "records": records,
        "submissions": sent.count_by_status(),
        "lines_quarantined": sent.lines_quarantined,
        "requests_missing": sent.requests_missing,
    }


def _line(run: Run, sent: SubmissionsOfRun, records: dict[str, int]) -> str:
    if not records:
        return f"Run {run.pk} is {run.status}: {run.count} records asked for. The workers will make them."
    counts = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in records.items())
    quarantined = f", {sent.lines_quarantined} lines quarantined" if sent.lines_quarantined else ""
    return f"Run {run.pk} is {run.status}: {sum(records.values())} of {run.count} records, {counts}{quarantined}."


def _refuse_unfinished(run: Run, sent: SubmissionsOfRun) -> None:
    """A script must not go on as if there were records."""
    errors = [submission.last_error for submission in sent.submissions if submission.last_error]
    errors += [run.last_error] if run.last_error else []
    if run.status != RunStatus.DONE or not sent.records_made:
        raise DomainError(
            f"Run {run.pk} is {run.status} with {sent.records_made} records. {' '.join(errors)}".strip()
        )
