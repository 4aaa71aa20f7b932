"""Records for a gap: so many of one label under one combination of the gap's axes a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.core.errors import DomainError
from apps.generation.jobs.base import AsksAgain, RunPlan
from apps.generation.languages import LANGUAGES
from apps.generation.models import PromptLanguage, Run
from apps.generation.phrase_records import missing_record
from apps.generation.portions import Portion, portions_of
from apps.generation.record_sink import RecordSink
from apps.providers.base import TEXT_PLACE, Ask
from apps.providers.rules_phrases import Phrases, parse_phrases
from apps.records.models import Record
from apps.specs.models import Gap
from apps.submissions.models import Delivery
from apps.submissions.request_files import PlannedRequest

# As many as a generator can vary; more would cost tokens and drown the prompt.
SEEDS_PER_REQUEST = 12


@dataclass(frozen=True)
class Seed:
    uuid: str
    text: str


class GeneratePlan(RunPlan):
    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.seeds = self._seeds_by_label()
        self.portions = self._portions()

    def __len__(self) -> int:
        return len(self.portions)

    def requests(self) -> Iterator[PlannedRequest]:
        turns: dict[str, int] = {}
        for portion in self.portions:
            turn = turns[portion.label] = turns.get(portion.label, -1) + 1
            yield self.request(portion, self._seeds_of_turn(portion.label, turn))

    def request(self, portion: Portion, seeds: Sequence[Seed]) -> PlannedRequest:
        self._require_record(portion.label)
        rendered = self.rendered(
            label=portion.label,
            count=portion.count,
            axes=portion.axes,
            seeds=tuple(seed.text for seed in seeds),
        )
        shown = seeds if rendered.shows_seeds else ()
        input_, output = self.task_type.example(TEXT_PLACE, portion.label)
        ask = Ask(
            prompt=rendered.prompt,
            schema=self.answer_schema,
            label=portion.label,
            count=portion.count,
            first=portion.first,
            seed=self.run.seed,
            example={"input": input_, "output": output},
            axes=portion.axes,
            realism=tuple(map(str, self.gap.realism)),
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

    def _require_record(self, label: str) -> None:
        """DomainError where texts made from seeds would be no records of this task."""
        version = self.run.prompt_version
        if version.prompt.language != PromptLanguage.PHRASES:
            return
        written = self._phrases.labels.get(label)
        if (written is None or written.record is None) and (
            problem := missing_record(label, self.task_type, self.view)
        ):
            raise DomainError(f"{version} makes no records of {label!r}: {problem}")

    @cached_property
    def _phrases(self) -> Phrases:
        return parse_phrases(self.run.prompt_version.template)

    def _portions(self) -> list[Portion]:
        limits = self.provider.limits(self.run.connection.endpoint)
        # Fewer than the provider could answer well, where a batch would otherwise be too small for it.
        minimum = limits.minimum_requests if self.run.delivery == Delivery.BATCH else 1
        most = max(1, min(limits.records_per_request, self.run.count // minimum))
        return portions_of(
            labels=self.gap.target_labels, axes=axes_of(self.gap), count=self.run.count, most=most
        )

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
        for uuid, label, input_, output in rows.order_by("id").values_list(
            "uuid", "label", "input", "output"
        ):
            if self.task_type.text_of(input_):
                shown = self.task_type.shown(input_, output)
                seeds.setdefault(label, []).append(Seed(str(uuid), shown))
        return seeds


class Generate(AsksAgain):
    starter = LANGUAGES[PromptLanguage.JINJA].starter
    needs_pilot = True

    def plan(self, run: Run) -> GeneratePlan:
        return GeneratePlan(run)

    def sink(self, submission_id: int) -> RecordSink:
        return RecordSink(submission_id)


def axes_of(gap: Gap) -> Mapping[str, Sequence[str]]:
    """The gap's axes that have values, as texts."""
    axes = gap.axes.items() if isinstance(gap.axes, dict) else ()
    return {
        str(name): [str(value) for value in values]
        for name, values in axes
        if isinstance(values, list) and values
    }
