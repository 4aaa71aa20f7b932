"""Provider × what may happen: the whole machine with real SDKs against stand-ins, one cell at a time.

A cell is right when the run ended, every answer that came is in once, nothing is pending, and no request was
posted twice. ``benchmarks.provider_matrix`` prints all cells on both databases; the suite runs a part of them.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from apps.generation.models import PromptLanguage, Run, RunStatus
from apps.generation.planning import plan_run
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run
from apps.operations.work import work_once
from apps.providers import provider_of
from apps.records.models import Record, RecordEvent
from apps.specs.models import Standing
from apps.submissions.models import TERMINAL, Delivery, RequestOutcome, Submission
from tests import factories
from tests.generation.scene import time_passes, work
from tests.providers.rigs import Rig
from tests.providers.standins.base import Behaviour, EndAs

COUNT = 30
TEMPLATE = """\
Write {{ count }} customer messages for the label {{ label }}.
{% for name, value in axes.items() %}{{ name }}: {{ value }}
{% endfor %}{{ record }} {{ answer }}
"""
MOST_ROUNDS = 40

BATCH_CRASHES = (
    "before_sending_commit",
    "after_create_before_accept_commit",
    "mid_ingest_before_commit",
    "after_ingest_commit",
)
SYNCHRONOUS_CRASHES = (
    "before_request_post",
    "after_request_post",
    "mid_ingest_before_commit",
    "after_ingest_commit",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """``crash_at`` kills the generation worker there once, before the run goes on."""

    name: str
    behaviour: Callable[[int], Behaviour] = field(default=lambda requests: Behaviour())
    crash_at: str = ""
    may_lose: bool = False
    """Whether requests may end without records."""


def ends(end_as: EndAs) -> Callable[[int], Behaviour]:
    """Half of the requests are answered before it ends so."""
    return lambda requests: Behaviour(end_as=end_as, answered=requests // 2)


BATCH_CASES = (
    Case(name="happy"),
    Case(name="partial", behaviour=lambda requests: Behaviour(answered=requests - 1), may_lose=True),
    Case(name="expired", behaviour=ends(EndAs.EXPIRED), may_lose=True),
    Case(name="cancelled", behaviour=ends(EndAs.CANCELLED), may_lose=True),
    Case(name="ambiguous create", behaviour=lambda requests: Behaviour(drop_after_accept=True)),
    Case(name="500 after accept", behaviour=lambda requests: Behaviour(status_after_accept=500)),
    *(Case(name=f"crash {place}", crash_at=place) for place in BATCH_CRASHES),
)
SYNCHRONOUS_CASES = (
    Case(name="happy"),
    Case(
        name="ambiguous create", behaviour=lambda requests: Behaviour(drop_after_accept=True), may_lose=True
    ),
    Case(
        name="500 after accept", behaviour=lambda requests: Behaviour(status_after_accept=500), may_lose=True
    ),
    *(
        Case(name=f"crash {place}", crash_at=place, may_lose=place.endswith("request_post"))
        for place in SYNCHRONOUS_CRASHES
    ),
)


def cases_of(rig: Rig) -> tuple[Case, ...]:
    return BATCH_CASES if provider_of(rig.provider).has_batches else SYNCHRONOUS_CASES


@dataclass(frozen=True)
class Cell:
    """``posts``: POSTs of create per submission; where requests are posted one by one, POSTs per request."""

    provider: str
    case: str
    posts: int
    problems: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        return not self.problems and self.posts == 1


def run_cell(rig: Rig, case: Case) -> Cell:
    """Generates through ``rig`` while ``case`` happens, on the databases of this process."""
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    submission = Submission.objects.get(run_uuid=run.uuid)
    rig.server.behaviour = case.behaviour(submission.request_count)
    before = rig.server.creates
    problems = []
    if case.crash_at and not is_killed_there(rig, run, case.crash_at):
        problems.append(f"the worker was not killed at {case.crash_at}")
    finish(run)
    submission.refresh_from_db()
    creates = rig.server.creates - before
    problems += problems_of(run, submission, creates, may_lose=case.may_lose)
    per = submission.request_count if submission.delivery != Delivery.BATCH else 1
    return Cell(rig.provider, case.name, -(-creates // per), tuple(problems))


@contextmanager
def worker_environment(rig: Rig) -> Iterator[None]:
    """This process is the generation worker too: it gets the key and may talk to the stand-in."""
    before = {name: os.environ.get(name) for name in rig.environment}
    hosts = settings.PROVIDER_HOSTS
    os.environ.update(rig.environment)
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    try:
        yield
    finally:
        settings.PROVIDER_HOSTS = hosts
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def make_run(rig: Rig) -> Run:
    project = factories.make_project(standing=Standing.SANDBOX)
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing")
    prompt = create_prompt(
        project=project, name="write", template=TEMPLATE, language=PromptLanguage.JINJA, actor=None
    )
    gap = factories.make_gap(project, axes={"tone": ["angry", "polite"]})
    return draft_run(gap=gap, prompt_version=prompt, connection=rig.connect(), count=COUNT, actor=None)


def is_killed_there(rig: Rig, run: Run, place: str) -> bool:
    """Lets worker processes of the generation queue go on until one dies at ``place``."""
    for _ in range(MOST_ROUNDS):
        work_once("validation")
        time_passes()
        code = work("generation", crash_at=place, more=rig.environment)
        if code != 0:
            return code == -signal.SIGKILL
    return False


def finish(run: Run) -> None:
    """Both workers' work in this process, with every pause over at once, until the run has ended."""
    for _ in range(MOST_ROUNDS):
        time_passes()
        work_once("validation")
        work_once("generation")
        run.refresh_from_db()
        if run.status == RunStatus.DONE:
            return


def problems_of(run: Run, submission: Submission, creates: int, *, may_lose: bool) -> list[str]:
    """What is not as it must be, in words."""
    outcomes = Counter(submission.requests.values_list("outcome", flat=True))
    asked = {
        request.custom_id: request.context["count"]
        for request in submission.requests.filter(outcome=RequestOutcome.ANSWERED)
    }
    records = Record.objects.filter(run_uuid=run.uuid)
    facts = {
        "the run is done": run.status == RunStatus.DONE,
        "the submission has ended": submission.status in TERMINAL,
        "no request is pending": not outcomes[RequestOutcome.PENDING],
        "no line is quarantined": not submission.lines_quarantined,
        "every answer is in": records.count() == submission.records_made == sum(asked.values()),
        "no record is in twice": records.values("request_id", "position").distinct().count()
        == RecordEvent.objects.filter(record__run_uuid=run.uuid, seq=1).count()
        == records.count(),
        "something came in": may_lose or records.count() == run.count,
        "no more was posted than was committed": creates <= submission.post_count,
        "the money is settled": submission.settled_at is not None,
    }
    return [
        f"not so: {fact} ({submission.status}, {dict(outcomes)})"
        for fact, holds in facts.items()
        if not holds
    ]
