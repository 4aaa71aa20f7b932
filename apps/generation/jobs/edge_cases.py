"""What to vary, and what is hard: a stronger model proposes axes and hard cases for a gap, a lead takes them or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import JsonValue
from apps.generation.jobs.base import AsksAgain, RunPlan
from apps.generation.jobs.generate import axes_of
from apps.generation.models import EdgeCaseProposal, Run
from apps.providers.base import Ask, JsonObject
from apps.records.models import Record
from apps.specs.services import extend_axes
from apps.submissions.models import Submission, SubmissionRequest
from apps.submissions.request_files import PlannedRequest
from apps.submissions.sinks import UnusableAnswerError

TEXTS: JsonObject = {"type": "array", "items": {"type": "string"}}
SCHEMA: JsonObject = {
    "type": "object",
    "required": ["axes", "hard_cases"],
    "properties": {
        "axes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "values"],
                "properties": {"name": {"type": "string"}, "values": TEXTS},
            },
        },
        "hard_cases": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["description", "why_hard"],
                "properties": {"description": {"type": "string"}, "why_hard": {"type": "string"}},
            },
        },
    },
}
MOST_SEEDS = 12
MOST_VALUES = 12
MOST_CASES = 30


class EdgeCasePlan(RunPlan):
    """One request for each target label, with real examples of it."""

    def __len__(self) -> int:
        return len(self.gap.target_labels)

    @property
    def answer_schema(self) -> JsonObject:
        return SCHEMA

    def requests(self) -> Iterator[PlannedRequest]:
        known = {name: ", ".join(values) for name, values in axes_of(self.gap).items()}
        for label in self.gap.target_labels:
            rows = (
                Record.objects.filter(project=self.project, label=label).seeds().order_by("id")[:MOST_SEEDS]
            )
            seeds = tuple(self.task_type.text_of(row.input) for row in rows)
            rendered = self.rendered(label=label, axes=known, seeds=seeds)
            shown = [str(row.uuid) for row in rows] if rendered.shows_seeds else []
            ask = Ask(prompt=rendered.prompt, schema=SCHEMA, label=label)
            yield PlannedRequest(ask, {"label": label, "axes": {}, "count": 1, "seed_uuids": shown})


class ProposalSink:
    def __init__(self, submission_id: int) -> None:
        submission = Submission.objects.get(pk=submission_id)
        self.run = Run.objects.select_related("gap").get(uuid=str(submission.run_uuid))

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[EdgeCaseProposal]:
        if not isinstance(answer, dict):
            raise UnusableAnswerError("not_a_proposal", "The answer is not a JSON object.")
        axes, cases = answer.get("axes"), answer.get("hard_cases")
        if not isinstance(axes, list) or not isinstance(cases, list):
            raise UnusableAnswerError("not_a_proposal", "The answer lacks “axes” or “hard_cases”.")
        proposal = EdgeCaseProposal(
            gap=self.run.gap,
            run_uuid=self.run.uuid,
            request_id=request.custom_id,
            axes=_axes_in(axes),
            hard_cases=_hard_cases_in(cases),
        )
        if not proposal.axes and not proposal.hard_cases:
            raise UnusableAnswerError(
                "not_a_proposal", "The answer names no axis with values and no hard case."
            )
        return [proposal]

    def write(self, rows: Sequence[EdgeCaseProposal]) -> None:
        EdgeCaseProposal.objects.bulk_create(rows)


def _axes_in(axes: list[JsonValue]) -> dict[str, list[str]]:
    proposed: dict[str, list[str]] = {}
    for axis in axes:
        if not isinstance(axis, dict) or not isinstance(axis.get("values"), list):
            continue
        name, values = _text(axis.get("name"), 60), axis["values"]
        texts = [_text(value, 120) for value in values[:MOST_VALUES]] if isinstance(values, list) else []
        # A name that comes twice is one axis; dict keeps the order and takes each value once.
        if name and any(texts):
            proposed[name] = list(dict.fromkeys([*proposed.get(name, []), *filter(None, texts)]))
    return proposed


def _hard_cases_in(cases: list[JsonValue]) -> list[dict[str, str]]:
    described = [
        {"description": _text(case.get("description"), 500), "why_hard": _text(case.get("why_hard"), 500)}
        for case in cases[:MOST_CASES]
        if isinstance(case, dict)
    ]
    return [case for case in described if case["description"]]


def _text(value: JsonValue, most: int) -> str:
    return " ".join(value.split())[:most] if isinstance(value, str) else ""


class EdgeCases(AsksAgain):
    starter = """\
A model has to do this: {{ task }}
It misses messages of the label {{ label }}: {{ definition }}
{% for sentence in counts %}Counts: {{ sentence }}
{% endfor %}{% for sentence in does_not_count %}Does not count: {{ sentence }}
{% endfor %}{% for seed in seeds %}Real example: {{ seed }}
{% endfor %}
These axes are varied already:
{% for name, values in axes.items() %}{{ name }}: {{ values }}
{% endfor %}
Name further axes along which real messages of this label differ, each with two to six values, and describe the ten
cases that are hardest to tell from a neighbouring label, each with why it is hard.
"""
    needs_pilot = False

    def plan(self, run: Run) -> EdgeCasePlan:
        return EdgeCasePlan(run)

    def sink(self, submission_id: int) -> ProposalSink:
        return ProposalSink(submission_id)


@transaction.atomic
def decide_proposal(
    *, proposal: EdgeCaseProposal, take: bool, axes: Mapping[str, Sequence[str]] | None = None, actor: User
) -> None:
    """A lead's word. The taken values join the gap's axes, and its hard cases stand in prompts from now on.

    ``axes``: what is taken of the proposed ones; without it all of them. DomainError for a value that was not
    proposed.
    """
    taken = _chosen(proposal, proposal.axes if axes is None else axes) if take else {}
    status = EdgeCaseProposal.Status.APPROVED if take else EdgeCaseProposal.Status.DECLINED
    decided = EdgeCaseProposal.objects.filter(pk=proposal.pk, status=EdgeCaseProposal.Status.PROPOSED).update(
        status=status, taken_axes=taken, decided_by=actor, decided_at=timezone.now()
    )
    if not decided:
        raise StaleStateError("Somebody has decided about this proposal already.")
    if taken:
        extend_axes(gap=proposal.gap, axes=taken, actor=actor)


def _chosen(proposal: EdgeCaseProposal, axes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    for name, values in axes.items():
        if strange := set(values) - set(proposal.axes.get(name, [])):
            raise DomainError(
                f"{', '.join(sorted(strange))} was not proposed for {name}: choose of what was."
            )
    return {name: list(values) for name, values in axes.items() if values}
