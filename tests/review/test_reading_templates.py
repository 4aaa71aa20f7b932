"""Each task type shows its record to a reader: what is asked, and the answer in question."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.template.loader import render_to_string

from apps.operations.demo.all_tasks import LOOPS
from apps.operations.demo.loops import Loop
from apps.records.models import Record
from apps.task_types import task_type_of

SHOWN = {
    "classification": ("Label", "refund"),
    "multi_label": ("Labels", '<span class="tag">refund'),
    "extraction": ("Company", "Total", "TOTAL"),
    "tool_call": ("get_weather", "<code>place</code>", "Porto", "left out", "string", "required", "dict"),
    "redaction": ("e-mail", "kettle.porto@example.org", "Whoever lost a kettle in Porto: [e-mail]"),
    "code_repair": ("removed:", "return sum(range(days", "added:", "kettle_cost(4)", "10"),
    "policy": ("medical dosage", "To be refused", "A doctor has to say."),
    "dialogue": ("user", "assistant", "I ask a colleague", "handed over"),
    "instruction": ("Rubric", "It is polite.", "Response", "Would you mind"),
    "retrieval": ("answers it", "must not answer it", "Ask at the desk", "p-1"),
}


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.task_type)
def test_the_record_is_shown(loop: Loop) -> None:
    task = task_type_of(loop.task_type)
    row = loop.row(loop.rare, 1)
    input_, output = task.normalised(row["input"], row["output"])
    page = unescape(
        render_to_string(
            task.reading_template, {"record": Record(input=input_, output=output), "reading": None}
        )
    )
    for piece in SHOWN[loop.task_type]:
        assert piece in page
    # The name of a kind stands behind the words that it covers.
    seen = re.sub(r"<small>.*?</small>|<[^>]+>", "", page)
    for line in task.text_of(input_).splitlines():
        assert line.strip() in seen


def test_a_record_without_a_call_says_so() -> None:
    record = Record(input={"text": "hello"}, output={"call": None})
    page = render_to_string("task_types/tool_call.html", {"record": record, "reading": None})
    assert "no tool" in page
    assert "Tools" not in page
