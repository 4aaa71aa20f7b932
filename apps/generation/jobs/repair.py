"""One attempt to mend a record that a check dropped: a new record, with the finding in the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import canonical_dumps
from apps.generation.jobs.base import RunPlan
from apps.generation.models import RepairOrder, Run
from apps.generation.record_sink import RecordSink
from apps.providers.base import Ask
from apps.submissions.request_files import PlannedRequest


class RepairPlan(RunPlan):
    """The orders of the gap that no run has taken yet, oldest first."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        waiting = RepairOrder.objects.filter(record__gap=run.gap, asked_in=None)
        self.orders = list(waiting.select_related("record").order_by("id")[: run.count])
        if not self.orders:
            raise DomainError(
                f"No record of {run.gap} waits to be mended: order some with "
                f'`manage.py order_repairs {run.project.slug} --gap "{run.gap}"`.'
            )

    def __len__(self) -> int:
        return len(self.orders)

    def take(self) -> None:
        rows = RepairOrder.objects.filter(pk__in=[order.pk for order in self.orders], asked_in=None)
        if rows.update(asked_in=self.run.uuid) != len(self.orders):
            raise StaleStateError("Another run mends some of these records.")

    def requests(self) -> Iterator[PlannedRequest]:
        for order in self.orders:
            record = order.record
            payload = {"input": record.current_input, "output": record.current_output}
            rendered = self.rendered(
                label=record.label,
                axes=record.axes,
                source=canonical_dumps(payload).decode(),
                finding=order.finding,
            )
            ask = Ask(prompt=rendered.prompt, schema=self.answer_schema, label=record.label)
            context = {
                "label": record.label,
                "axes": record.axes,
                "count": 1,
                "seed_uuids": [],
                "derived_from": record.pk,
            }
            yield PlannedRequest(ask, context)


class RepairSink(RecordSink):
    """One record for one: a choice among several would be more than one attempt."""

    most_times_asked = 1


class Repair:
    starter = """\
This record was dropped by a check:

{{ source }}

What the check says: {{ finding }}

Write exactly 1 record that says it once more so that the check has nothing to say; change nothing else.
{{ record }} {{ answer }}
"""
    needs_pilot = True

    def plan(self, run: Run) -> RepairPlan:
        return RepairPlan(run)

    def sink(self, submission_id: int) -> RepairSink:
        return RepairSink(submission_id)

    def give_back(self, contexts: Sequence[Mapping[str, Any]]) -> None:
        unasked = [context["derived_from"] for context in contexts]
        RepairOrder.objects.filter(record__in=unasked).update(asked_in=None)
