"""Texts of any language, direction and length are records like others: checked, scored and exported as they are."""

from __future__ import annotations

from typing import Any

import pytest

from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records
from apps.records.states import RecordStatus
from apps.specs.models import Project
from apps.task_types import task_type_of
from apps.task_types.base import SpecView
from apps.validation import services
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

ARABIC = "أريد استرجاع المبلغ الذي دفعته مرتين من فضلكم"
JAPANESE = "二重に請求されたので返金してください。注文は先週でした"
HEBREW = "שלחו לי את החשבונית לכתובת me@example.org עוד היום"
EMOJI = "🙈🙈 der Betrag wurde 2× abgebucht, bitte an me@example.org schreiben"


def span_of(text: str, part: str, kind: str) -> dict[str, Any]:
    start = text.index(part)
    return {"start": start, "end": start + len(part), "kind": kind}


LONG = " ".join(f"第{number}条 فقرة {number}" for number in range(1_500))[:19_950] + " total 7.05"
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("classification", {"text": ARABIC, "subject": "استرجاع", "channel": "chat"}, {"label": "refund"}),
    ("classification", {"text": JAPANESE, "priority": 2, "vip": True, "agent": None}, {"label": "refund"}),
    ("multi_label", {"text": ARABIC, "channel": "mail"}, {"labels": ["refund", "billing"]}),
    ("redaction", {"text": HEBREW}, {"spans": [span_of(HEBREW, "me@example.org", "refund")]}),
    ("redaction", {"text": EMOJI}, {"spans": [span_of(EMOJI, "me@example.org", "refund")]}),
    ("extraction", {"text": LONG, "kind": "refund"}, {"total": "7.05"}),
    ("policy", {"text": JAPANESE}, {"label": "refund", "refusal": False, "note": "返金の依頼です"}),
    ("dialogue", {"turns": [{"role": "user", "content": ARABIC}]}, {"label": "refund"}),
    ("instruction", {"text": JAPANESE, "kind": "refund"}, {"response": ARABIC, "rubric": ["丁寧である"]}),
]


def checked(project: Project, input_: dict[str, Any], output: dict[str, Any]) -> Record:
    row = NewRecord(
        source_type=SourceType.SYNTHETIC,
        gap=project.gaps.first() or factories.make_gap(project),
        input=input_,
        output=output,
        generator_provider="rules",
        generator_model="rules-1",
        generator_model_family="rules",
        prompt_version="p v1",
        schema_version=1,
    )
    (record,) = create_records(project=project, rows=[row], actor=None)
    services.check_slice()
    record.refresh_from_db()
    return record


@pytest.mark.parametrize(
    ("task", "input_", "output"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_it_passes_the_checks_scores_and_leaves_as_it_came(
    task: str, input_: dict[str, Any], output: dict[str, Any]
) -> None:
    project = factories.make_project(task_type=task)
    factories.make_spec(project, min_chars=3, max_chars=20_000)
    factories.make_guide(project, "refund", "billing")
    record = checked(project, input_, output)
    said = [f"{each.check_name}: {each.message}" for each in record.findings.all()]
    assert record.status == RecordStatus.AWAITING_REVIEW, said
    assert (record.current_input, record.current_output) == (input_, output)
    type_ = task_type_of(task)
    assert type_.to_example(input_, output)["input"] == input_
    prediction = output | {"points": [1], "judged_by": "people"} if task == "instruction" else output
    scores = type_.score({"input": input_, "output": output}, prediction, SpecView(("refund", "billing")))
    assert scores[type_.primary_score()] == 1


def test_two_hundred_labels_are_a_guide() -> None:
    project = factories.make_project(task_type="multi_label")
    factories.make_spec(project)
    names = [f"label {number}" for number in range(200)]
    factories.make_guide(project, *names)
    assert checked(project, {"text": ARABIC}, {"labels": names[::40]}).status == RecordStatus.AWAITING_REVIEW
    assert (
        checked(project, {"text": JAPANESE}, {"labels": ["label 200"]}).status == RecordStatus.FAILED_CHECKS
    )
