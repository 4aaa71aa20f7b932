"""An example of a guide is a real record of the task, under its own label."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from apps.core.errors import RefusedError
from apps.intake.examples import publish_guide
from apps.specs.guide_files import GuideDraft, LabelDraft
from apps.specs.models import Project
from apps.specs.services import draft_guide
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

OTHERS: dict[str, tuple[str, Any]] = {
    "extraction": ("bill", {"input": {"text": "BILL 7", "kind": "bill"}, "output": {"total": "7"}}),
    "multi_label": ("billing", "the wrong address"),
    "tool_call": ("ride", {"input": {"text": "home"}, "output": {"call": {"name": "ride", "arguments": {}}}}),
    "redaction": ("none", "nobody is named"),
}
"""A guide has two labels: a second one that is right."""


def publish(task_type: str, label: str, example: Any) -> Project:
    project = factories.make_project(task_type=task_type)
    other = OTHERS[task_type]
    labels = [_label(label, example), _label(*other)]
    publish_guide(guide=draft_guide(project=project, draft=GuideDraft("", labels), actor=None), actor=None)
    return project


def _label(name: str, example: Any) -> LabelDraft:
    text = example if isinstance(example, str) else json.dumps(example)
    return LabelDraft(name=name, definition="What it is.", commonness="other", examples=[text])


def test_a_whole_record_becomes_a_seed() -> None:
    record = {"input": {"text": "NORD\nTOTAL 9", "kind": "receipt"}, "output": {"total": "9"}}
    seed = publish("extraction", "receipt", record).records.get(label="receipt")
    assert (seed.input, seed.output, seed.label) == (record["input"], record["output"], "receipt")


def test_a_text_is_enough_where_the_label_says_the_rest() -> None:
    assert publish("multi_label", "refund", "money back").records.get(label="refund").output == {
        "labels": ["refund"]
    }
    joke = publish("tool_call", "no tool", "tell me a joke").records.get(label="no tool")
    assert joke.output == {"call": None}


@pytest.mark.parametrize(
    ("task_type", "label", "example", "problem"),
    [
        ("extraction", "receipt", "NORD TOTAL 9", "give the whole record as JSON"),
        ("redaction", "name", "I am Ana", "'spans'|/output"),
        (
            "redaction",
            "name",
            {"input": {"text": "Ana"}, "output": {"spans": [{"start": 0, "end": 3, "kind": "place"}]}},
            "it is not of this label",
        ),
    ],
)
def test_what_is_no_record_of_the_label_is_refused(
    task_type: str, label: str, example: Any, problem: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        publish(task_type, label, example)
    assert any(re.search(problem, each) for each in caught.value.problems)
