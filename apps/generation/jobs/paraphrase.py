"""More records out of accepted ones: the same meaning and label, said differently."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue
from apps.generation.jobs.base import AsksAgain, RunPlan
from apps.generation.models import Run
from apps.generation.record_sink import RecordSink
from apps.providers.base import Ask
from apps.records.models import Record
from apps.records.services import NewRecord
from apps.submissions.models import SubmissionRequest
from apps.submissions.request_files import PlannedRequest
from apps.submissions.sinks import UnusableAnswerError


class ParaphrasePlan(RunPlan):
    """The wanted number is spread over the accepted records of the gap, oldest first."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        records = Record.objects.filter(gap=run.gap).candidates().releasable().order_by("id")
        self.sources = list(records[: run.count])
        if not self.sources:
            raise DomainError(f"Nothing of {run.gap} is accepted yet: review some of its records first.")

    def __len__(self) -> int:
        return len(self.sources)

    def requests(self) -> Iterator[PlannedRequest]:
        base, larger = divmod(self.run.count, len(self.sources))
        for place, source in enumerate(self.sources):
            count = base + (place < larger)
            text = self.task_type.shown(source.current_input)
            rendered = self.rendered(label=source.label, count=count, source=text, axes=source.axes)
            ask = Ask(prompt=rendered.prompt, schema=self.answer_schema, label=source.label, count=count)
            context = {
                "label": source.label,
                "axes": source.axes,
                "count": count,
                "seed_uuids": [],
                "derived_from": source.pk,
            }
            yield PlannedRequest(ask, context)


class ParaphraseSink(RecordSink):
    """Says the same in other words: an answer that calls it something else is no paraphrase."""

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[NewRecord]:
        records, wanted = super().read(request, answer), request.context["label"]
        for place, record in enumerate(records):
            if (label := self.task_type.facet(record.input, record.output)) != wanted:
                raise UnusableAnswerError(
                    "another_label", f"Record {place + 1} is of “{label[:80]}”, its source of “{wanted}”."
                )
        return records


class Paraphrase(AsksAgain):
    starter = """\
Here is a customer message of the label {{ label }} ({{ definition }}):

{{ source }}

Write {{ count }} messages that other people might send about the same matter: other words, other details, other
length and tone. Keep the label. {{ record }} {{ answer }}
"""
    needs_pilot = True

    def plan(self, run: Run) -> ParaphrasePlan:
        return ParaphrasePlan(run)

    def sink(self, submission_id: int) -> ParaphraseSink:
        return ParaphraseSink(submission_id)
