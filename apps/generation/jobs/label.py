"""A label for real inputs that have none. The input stays as it is; people review the label like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import JsonValue
from apps.generation.jobs.base import RunPlan
from apps.generation.models import Run
from apps.generation.record_sink import RecordSink
from apps.providers.base import Ask, JsonObject
from apps.providers.structured import without_added_nulls
from apps.records.models import SourceType, UnlabelledInput
from apps.records.services import NewRecord
from apps.submissions.models import SubmissionRequest
from apps.submissions.request_files import PlannedRequest
from apps.submissions.sinks import UnusableAnswerError


class LabelPlan(RunPlan):
    def __init__(self, run: Run) -> None:
        super().__init__(run)
        waiting = run.project.unlabelled_inputs.filter(asked_in=None)
        self.inputs = list(waiting.order_by("id")[: run.count])
        if not self.inputs:
            raise DomainError(
                f"{run.project} has no unlabelled input: bring some in on the page "
                f"of imports, or with `manage.py import_unlabelled {run.project.slug} FILE`."
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self) -> None:
        rows = UnlabelledInput.objects.filter(pk__in=[each.pk for each in self.inputs], asked_in=None)
        if rows.update(asked_in=self.run.uuid) != len(self.inputs):
            raise StaleStateError("Another run has some of these inputs labelled.")

    @property
    def answer_schema(self) -> JsonObject:
        return output_schema(self.record_schema)

    def requests(self) -> Iterator[PlannedRequest]:
        for unlabelled in self.inputs:
            text = self.task_type.shown(unlabelled.input)
            rendered = self.rendered(label="", source=text)
            ask = Ask(prompt=rendered.prompt, schema=self.answer_schema)
            context = {"axes": {}, "count": 1, "seed_uuids": [], "unlabelled": unlabelled.pk}
            yield PlannedRequest(ask, context)


class LabelSink(RecordSink):
    """One record for each input: what came in, with what the model says of it."""

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[NewRecord]:
        schema: Mapping[str, Any] = output_schema(self.record_schema)
        output = without_added_nulls(answer, schema)
        if not isinstance(output, dict):
            raise UnusableAnswerError("not_an_output", "The answer is not a JSON object.")
        unlabelled = UnlabelledInput.objects.get(pk=request.context["unlabelled"])
        input_, read = self.task_type.normalised(unlabelled.input, output)
        provenance = self.provenance | {"source_type": SourceType.SYNTHETIC_LABEL}
        return [
            NewRecord(
                **provenance,
                input=input_,
                output=read,
                request_id=request.custom_id,
                rights_note=unlabelled.source[:200],
            )
        ]


class LabelInputs:
    starter = """\
{{ task }}

The labels:
{% for name, definition in labels.items() %}- {{ name }}: {{ definition }}
{% endfor %}
The text:

{{ source }}

{{ answer }}
"""
    needs_pilot = True

    def plan(self, run: Run) -> LabelPlan:
        return LabelPlan(run)

    def sink(self, submission_id: int) -> LabelSink:
        return LabelSink(submission_id)

    def give_back(self, contexts: Sequence[Mapping[str, Any]]) -> None:
        unasked = [context["unlabelled"] for context in contexts]
        UnlabelledInput.objects.filter(pk__in=unasked).update(asked_in=None)


def output_schema(record_schema: Mapping[str, Any]) -> JsonObject:
    """Of a record's output alone."""
    schema: JsonObject = dict(record_schema["properties"]["output"])
    if "$defs" in record_schema:
        schema["$defs"] = record_schema["$defs"]
    return schema
