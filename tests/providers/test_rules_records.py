"""Records of the offline generator that are more than a text and a label."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import RefusedError
from apps.providers.rules_phrases import material_of, parse_phrases
from apps.providers.rules_records import record_of
from apps.providers.rules_writer import Job, write

TEMPLATE = """
labels:
  bug:
    patterns: ["{case.name} {complaint}", "{complaint}: {case.name}"]
    slots:
      case: ['{"name": "add", "code": "a-b", "tests": [1, {"b": 2}]}', '{"name": "sub", "code": "a+b", "tests": []}']
      complaint: [is wrong, does not work, fails again]
    record:
      input: {text: "{text}", code: "# {case.name}\\n{case.code}", tests: "{=case.tests}"}
      output: {kept: "a {brace} stays", complaint: "{complaint}", number: 5}
noise: {}
"""


def records(template: str, label: str, *, count: int) -> list[Any]:
    phrases = parse_phrases(template)
    job = Job(label, material_of(phrases.prompt_for(label)), (), {}, (), count, 0, 7)
    return [
        record_of(phrases.labels[label].record, text=each.text, plain=each.plain, taken=each.taken)
        for each in write(job)
    ]


def test_values_that_belong_together_are_taken_together() -> None:
    made = records(TEMPLATE.replace(" {brace}", ""), "bug", count=6)
    for record in made:
        name = "add" if "add" in record["input"]["text"] else "sub"
        assert record["input"]["code"] == f"# {name}\n{'a-b' if name == 'add' else 'a+b'}"
        assert record["input"]["tests"] == ([1, {"b": 2}] if name == "add" else [])
        assert record["output"]["complaint"] in record["input"]["text"]
        assert record["output"]["number"] == 5
    assert len({record["input"]["text"] for record in made}) == 6


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{case.code}", "{case.colour}", "not every phrase of case is JSON with the member {case.colour}"),
        ("{=case.tests}", "{=tests}", "{tests} is no slot here"),
        ("{case.name} {complaint}", "{case.size} {complaint}", "JSON with the member {case.size}"),
        ("    record:\n      input:", "    record:\n      puts:", "must have an input and an output"),
    ],
)
def test_what_cannot_be_filled_is_refused_with_its_place(old: str, new: str, problem: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_phrases(TEMPLATE.replace(" {brace}", "").replace(old, new, 1))
    assert any(problem in each for each in caught.value.problems)


def test_spans_point_to_the_phrases_and_the_plain_text_stands_where_noise_took_them() -> None:
    template: Any = {"input": {"text": "{text}"}, "output": {"spans": {"$spans": {"mail": "e-mail"}}}}
    taken = {"mail": "ana@example.org"}
    text = "to ana@example.org, yes ana@example.org"
    spans = [{"start": 3, "end": 18, "kind": "e-mail"}, {"start": 24, "end": 39, "kind": "e-mail"}]
    made = record_of(template, text=text, plain="other", taken=taken)
    assert made == {"input": {"text": text}, "output": {"spans": spans}}
    noisy = record_of(template, text="to ana@exmaple.org", plain="to ana@example.org", taken=taken)
    assert noisy == {"input": {"text": "to ana@example.org"}, "output": {"spans": spans[:1]}}
