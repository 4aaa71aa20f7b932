"""What to vary, and what is hard: a stronger model proposes axes and hard cases for a gap, a lead takes them or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import StaleStateError
from apps.core.strict_json import JsonValue
from apps.generation.jobs.base import RunPlan
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
        "hard_cases": TEXTS,
    },
}
MOST_SEEDS = 12
MOST_VALUES = 12


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
        proposed = {
            str(axis["name"])[:60]: [str(value)[:120] for value in values[:MOST_VALUES]]
            for axis in axes
            if isinstance(axis, dict) and axis.get("name") and isinstance(values := axis.get("values"), list)
        }
        return [
            EdgeCaseProposal(
                gap=self.run.gap,
                run_uuid=self.run.uuid,
                request_id=request.custom_id,
                axes={name: values for name, values in proposed.items() if values},
                hard_cases=[str(case)[:500] for case in cases],
            )
        ]

    def write(self, rows: Sequence[EdgeCaseProposal]) -> None:
        EdgeCaseProposal.objects.bulk_create(rows)


class EdgeCases:
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
cases that are hardest to tell from a neighbouring label.
"""
    needs_pilot = False

    def plan(self, run: Run) -> EdgeCasePlan:
        return EdgeCasePlan(run)

    def sink(self, submission_id: int) -> ProposalSink:
        return ProposalSink(submission_id)


def decide_proposal(*, proposal: EdgeCaseProposal, take: bool, actor: User) -> None:
    """A lead's word. What is taken joins the gap's axes, and its hard cases stand in prompts from now on."""
    status = EdgeCaseProposal.Status.APPROVED if take else EdgeCaseProposal.Status.DECLINED
    decided = EdgeCaseProposal.objects.filter(pk=proposal.pk, status=EdgeCaseProposal.Status.PROPOSED).update(
        status=status, decided_by=actor, decided_at=timezone.now()
    )
    if not decided:
        raise StaleStateError("Somebody has decided about this proposal already.")
    if take:
        extend_axes(gap=proposal.gap, axes=proposal.axes)
