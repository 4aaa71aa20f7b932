"""What a job is, and what the requests of every run have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from apps.generation.languages import PromptContext, Rendered, compile_template
from apps.generation.models import EdgeCaseProposal, Run
from apps.providers import provider_of
from apps.providers.base import JsonObject
from apps.providers.structured import records_schema
from apps.specs.models import Label
from apps.specs.selectors import current_guide, spec_view
from apps.submissions.request_files import PlannedRequest
from apps.submissions.sinks import Sink
from apps.task_types import task_type_of


class RunPlan:
    """Everything that the requests of one run have in common, read once. Subclasses say what is asked."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.gap, self.project = run.gap, run.project
        self.provider = provider_of(run.connection.provider)
        self.task_type = task_type_of(self.project.task_type)
        self.render = compile_template(run.prompt_version.prompt.language, run.prompt_version.template)
        self.view = spec_view(self.project)
        self.parts = self.task_type.prompt_parts(self.view)
        self.record_schema = self.task_type.record_schema(self.view)
        spec, guide = self.project.published_spec(), current_guide(self.project)
        self.task = spec.task if spec else ""
        self.labels: dict[str, Label] = {label.name: label for label in guide.labels.all()} if guide else {}
        self.hard_cases = hard_cases_of(run)

    def __len__(self) -> int:
        """How many requests there are."""
        raise NotImplementedError

    def requests(self) -> Iterator[PlannedRequest]:
        """DomainError when there is nothing to ask about, with the remedy."""
        raise NotImplementedError

    def take(self) -> None:
        """Marks what it asks about as asked, where that may be asked once; in the transaction that commits the run.

        StaleStateError when another run has taken some of it.
        """

    @property
    def answer_schema(self) -> JsonObject:
        return records_schema(self.record_schema)

    def rendered(
        self,
        *,
        label: str,
        count: int = 1,
        axes: Mapping[str, str] | None = None,
        seeds: tuple[str, ...] = (),
        source: str = "",
        finding: str = "",
    ) -> Rendered:
        """The prompt, with what guide, spec and gap say of ``label``."""
        guide = self.labels.get(label)
        return self.render(
            PromptContext(
                task=self.task,
                label=label,
                definition=guide.definition if guide else "",
                counts=tuple(guide.counts) if guide else (),
                does_not_count=tuple(guide.does_not_count) if guide else (),
                axes=axes or {},
                realism=tuple(map(str, self.gap.realism)),
                seeds=seeds,
                count=count,
                record=self.parts.get("record", ""),
                answer=self.parts.get("answer", ""),
                labels={
                    name: label.definition for name, label in self.labels.items() if not label.is_rejected
                },
                hard_cases=self.hard_cases,
                source=source,
                finding=finding,
            )
        )


class Job(Protocol):
    """One role of a prompt. ``starter`` is what an empty editor begins with."""

    starter: str
    needs_pilot: bool
    """Whether a large run is held until a reviewed sample of it has passed."""

    def plan(self, run: Run) -> RunPlan: ...

    def sink(self, submission_id: int) -> Sink[Any]: ...

    def give_back(self, contexts: Sequence[Mapping[str, Any]]) -> None:
        """Undoes ``RunPlan.take`` for requests that were never sent; ``contexts`` are theirs."""


class AsksAgain:
    """A job that may ask about the same thing in any number of runs."""

    def give_back(self, contexts: Sequence[Mapping[str, Any]]) -> None:
        return


def hard_cases_of(run: Run) -> tuple[str, ...]:
    """What a lead has taken of the edge cases that a model proposed for the gap, each with why it is hard."""
    approved = EdgeCaseProposal.objects.filter(gap=run.gap, status=EdgeCaseProposal.Status.APPROVED)
    return tuple(
        f"{case['description']} ({case['why_hard']})" if case["why_hard"] else case["description"]
        for cases in approved.order_by("id").values_list("hard_cases", flat=True)
        for case in cases
    )
