"""Answers become candidate records, with everything about where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from apps.core.strict_json import JsonValue
from apps.core.wake import wake
from apps.generation.models import Run
from apps.providers.structured import records_schema, without_added_nulls
from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records
from apps.specs.selectors import spec_view
from apps.submissions.models import Submission, SubmissionRequest
from apps.submissions.sinks import UnusableAnswerError
from apps.task_types import task_type_of


class RecordSink:
    """The sink of one generation submission."""

    # A model may give a few more than it was asked for; an answer far beyond is no answer to this request.
    most_times_asked = 2

    def __init__(self, submission_id: int) -> None:
        submission = Submission.objects.select_related("connection__family").get(pk=submission_id)
        runs = Run.objects.select_related("project", "gap", "prompt_version__prompt")
        self.run = runs.get(uuid=str(submission.run_uuid))
        self.submission_uuid: UUID = submission.uuid
        connection = submission.connection
        project = self.run.project
        spec = project.published_spec()
        self.task_type = task_type_of(project.task_type)
        self.record_schema = self.task_type.record_schema(spec_view(project))
        self.schema = records_schema(self.record_schema)
        self.provenance: dict[str, Any] = {
            "source_type": SourceType.SYNTHETIC,
            "gap": self.run.gap,
            "generator_provider": connection.provider,
            "generator_model": connection.model,
            "generator_model_family": connection.family.name,
            "prompt_version": self.run.prompt_version.label,
            "schema_version": spec.version if spec else None,
            "run_uuid": self.run.uuid,
            "submission_uuid": submission.uuid,
        }

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[NewRecord]:
        records = _records_in(without_added_nulls(answer, self.schema))
        if len(records) > self.most_times_asked * request.context["count"]:
            raise UnusableAnswerError(
                "too_many_records", f"{len(records)} records where {request.context['count']} were asked for."
            )
        source = request.context.get("derived_from")
        # Its key is all that is written; a query for each line would be all that a slice does.
        derived_from = Record(pk=source) if source else None
        return [
            NewRecord(
                **self.provenance,
                input=input_,
                output=output,
                request_id=request.custom_id,
                position=position,
                axes=request.context["axes"],
                seed_uuids=request.context["seed_uuids"],
                derived_from=derived_from,
            )
            for position, (input_, output) in enumerate(
                self.task_type.normalised(record["input"], record["output"]) for record in records
            )
        ]

    def write(self, rows: Sequence[NewRecord]) -> None:
        create_records(project=self.run.project, rows=rows, actor=None, reason=f"run {self.run.pk}")
        wake("validation")


def _records_in(answer: JsonValue) -> list[dict[str, dict[str, Any]]]:
    """The records of ``{"records": [{"input": {…}, "output": {…}}, …]}``; what they say is for the checks."""
    records = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(records, list):
        raise UnusableAnswerError("not_records", "The answer has no list under “records”.")
    for place, record in enumerate(records):
        for part in ("input", "output"):
            if not isinstance(record, dict) or not isinstance(record.get(part), dict):
                raise UnusableAnswerError(
                    "not_a_record", f"Record {place + 1} has no JSON object under “{part}”."
                )
    return cast("list[dict[str, dict[str, Any]]]", records)
