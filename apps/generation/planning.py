"""From a run to its request files: what is asked, of whom, with which seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from apps.core.clock import database_now
from apps.core.errors import DomainError, StaleStateError
from apps.generation.languages import PromptContext, compile_template
from apps.generation.models import Run, RunStatus
from apps.generation.portions import Portion, portions_of
from apps.providers import provider_of
from apps.providers.base import TEXT_PLACE, Ask
from apps.providers.structured import records_schema
from apps.records.models import Record
from apps.specs.models import Gap, Label
from apps.specs.selectors import current_guide, spec_view
from apps.submissions.claims import LEASE, described, pause
from apps.submissions.estimates import reservation_for
from apps.submissions.request_files import FrozenRequests, PlannedRequest, freeze
from apps.submissions.services import plan_submission
from apps.task_types import task_type_of

PURPOSE = "generate"
# As many as a generator can vary; more would cost tokens and drown the prompt.
SEEDS_PER_REQUEST = 12


@dataclass(frozen=True)
class Seed:
    uuid: str
    text: str


class RunPlan:
    """Everything that the requests of one run have in common, read once."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.gap, self.project = run.gap, run.project
        self.provider = provider_of(run.connection.provider)
        self.task_type = task_type_of(self.project.task_type)
        self.render = compile_template(run.prompt_version.prompt.language, run.prompt_version.template)
        view = spec_view(self.project)
        self.parts = self.task_type.prompt_parts(view)
        self.schema = records_schema(self.task_type.record_schema(view))
        spec, guide = self.project.published_spec(), current_guide(self.project)
        self.task = spec.task if spec else ""
        self.labels: dict[str, Label] = {label.name: label for label in guide.labels.all()} if guide else {}
        self.seeds = self._seeds_by_label()

    def portions(self) -> list[Portion]:
        return portions_of(
            labels=self.gap.target_labels,
            axes=axes_of(self.gap),
            count=self.run.count,
            most=self._records_per_request(),
        )

    def _records_per_request(self) -> int:
        """Fewer than the provider could answer well, where a batch would otherwise be too small for it."""
        limits = self.provider.limits(self.run.connection.endpoint)
        return max(1, min(limits.records_per_request, self.run.count // limits.minimum_requests))

    def requests(self) -> Iterator[PlannedRequest]:
        turns: dict[str, int] = {}
        for portion in self.portions():
            turn = turns[portion.label] = turns.get(portion.label, -1) + 1
            yield self.request(portion, self._seeds_of_turn(portion.label, turn))

    def request(self, portion: Portion, seeds: Sequence[Seed]) -> PlannedRequest:
        label = self.labels.get(portion.label)
        realism = tuple(map(str, self.gap.realism))
        rendered = self.render(
            PromptContext(
                task=self.task,
                label=portion.label,
                definition=label.definition if label else "",
                counts=tuple(label.counts) if label else (),
                does_not_count=tuple(label.does_not_count) if label else (),
                axes=portion.axes,
                realism=realism,
                seeds=tuple(seed.text for seed in seeds),
                count=portion.count,
                record=self.parts.get("record", ""),
                answer=self.parts.get("answer", ""),
            )
        )
        shown = seeds if rendered.shows_seeds else ()
        input_, output = self.task_type.example(TEXT_PLACE, portion.label)
        ask = Ask(
            prompt=rendered.prompt,
            schema=self.schema,
            label=portion.label,
            count=portion.count,
            first=portion.first,
            seed=self.run.seed,
            example={"input": input_, "output": output},
            axes=portion.axes,
            realism=realism,
            seeds=tuple(seed.text for seed in shown),
        )
        context = {
            "label": portion.label,
            "axes": dict(portion.axes),
            "count": portion.count,
            "first": portion.first,
            "seed_uuids": [seed.uuid for seed in shown],
        }
        return PlannedRequest(ask, context)

    def _seeds_of_turn(self, label: str, turn: int) -> Sequence[Seed]:
        """One block of the label's seeds after the other, so that all of them get used."""
        seeds = self.seeds.get(label, [])
        blocks = max(1, -(-len(seeds) // SEEDS_PER_REQUEST))
        start = turn % blocks * SEEDS_PER_REQUEST
        return seeds[start : start + SEEDS_PER_REQUEST]

    def _seeds_by_label(self) -> dict[str, list[Seed]]:
        """The only rows that a generator may see. Train rows are not even read."""
        rows = Record.objects.filter(project=self.project, label__in=self.gap.target_labels).seeds()
        seeds: dict[str, list[Seed]] = {}
        for uuid, label, input_ in rows.order_by("id").values_list("uuid", "label", "input"):
            if text := self.task_type.text_of(input_):
                seeds.setdefault(label, []).append(Seed(str(uuid), text))
        return seeds


def axes_of(gap: Gap) -> Mapping[str, Sequence[str]]:
    """The gap's axes that have values, as texts."""
    axes = gap.axes.items() if isinstance(gap.axes, dict) else ()
    return {
        str(name): [str(value) for value in values]
        for name, values in axes
        if isinstance(values, list) and values
    }


def plan_run(run_id: int) -> None:
    """Writes the request files of a started run and commits all its submissions at once.

    A run that is stopped, or planned by somebody else meanwhile, keeps what it has: these files go away.
    """
    run = _claim(run_id)
    if run is None:
        return
    files: list[FrozenRequests] = []
    try:
        plan = RunPlan(run)
        files.extend(freeze(run.connection, plan.requests(), total=len(plan.portions())))
        _commit(run, files)
    except StaleStateError:
        _discard(files)
    except Exception as error:  # noqa: BLE001  whatever it was, it is written on the run for people to read
        _discard(files)
        _put_off(run, error)


def _claim(run_id: int) -> Run | None:
    now = database_now()
    due = Run.objects.to_submit(now).filter(pk=run_id)
    run = due.select_related("project", "gap", "prompt_version__prompt", "connection").first()
    if run is None:
        return None
    rows = Run.objects.filter(pk=run.pk, planned_at=None, next_attempt_at=run.next_attempt_at)
    return run if rows.update(next_attempt_at=now + LEASE) else None


@transaction.atomic
def _commit(run: Run, files: Sequence[FrozenRequests]) -> None:
    planned = Run.objects.filter(pk=run.pk, status=RunStatus.RUNNING, planned_at=None).update(
        planned_at=database_now(), next_attempt_at=None, attempts=0, last_error=""
    )
    if planned != 1:
        raise StaleStateError(f"{run} was stopped or planned meanwhile.")
    for frozen in files:
        plan_submission(
            frozen=frozen,
            project=run.project,
            connection=run.connection,
            purpose=PURPOSE,
            run_uuid=run.uuid,
            delivery=run.delivery,
            reservation=reservation_for(run.estimate, requests=len(frozen.contexts)),
        )


def _discard(files: Sequence[FrozenRequests]) -> None:
    for frozen in files:
        frozen.discard()


def _put_off(run: Run, error: Exception) -> None:
    attempts = run.attempts + 1
    problems = getattr(error, "problems", [])
    text = " ".join([str(error), *problems]) if isinstance(error, DomainError) else described(error)
    Run.objects.filter(pk=run.pk, planned_at=None).update(
        attempts=attempts, last_error=text, next_attempt_at=database_now() + pause(attempts)
    )
