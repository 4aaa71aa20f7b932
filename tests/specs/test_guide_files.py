"""Guide files: what is wrong is said by label, all of it at once."""

from __future__ import annotations

import pytest

from apps.core.errors import RefusedError
from apps.specs.guide_files import guide_from_rows, parse_guide

WHOLE = """
task: Route the ticket.
introduction: Read the last message first.
labels:
  - name: refunds
    definition: The customer asks for money back.
    counts: [A cancelled order]
    does_not_count: ["A renewal → renewal_refund_dispute"]
    commonness: common
    examples: [i want my money back, "  refund pls  "]
  - name: spam
    rejected: true
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(RefusedError) as refusal:
        parse_guide(text)
    return refusal.value.problems


def test_a_whole_guide_is_read() -> None:
    guide = parse_guide(WHOLE)
    refunds, spam = guide.labels
    assert (guide.task, guide.introduction) == ("Route the ticket.", "Read the last message first.")
    assert (refunds.name, refunds.commonness, refunds.counts) == ("refunds", "common", ["A cancelled order"])
    assert refunds.does_not_count == ["A renewal → renewal_refund_dispute"]
    assert refunds.examples == ["i want my money back", "refund pls"]
    assert (refunds.is_rejected, spam.is_rejected) == (False, True)


def test_a_bare_name_is_a_label_to_be_filled_in() -> None:
    assert [label.name for label in parse_guide("labels: [refunds, billing]").labels] == [
        "refunds",
        "billing",
    ]


def test_every_problem_is_named_by_its_label() -> None:
    assert problems_of(
        """
        labels:
          - name: refunds
            commonness: often
            exampels: [x]
            counts: one sentence
          - definition: nobody
          - name: billing
            examples: [{a: b}]
          - name: refunds
        """
    ) == [
        "label 1 (refunds): unknown key 'exampels'",
        "label 1 (refunds): commonness 'often' is not one of common, other, rare",
        "label 1 (refunds): counts must be a list of texts (quote texts that contain a colon)",
        "label 2: needs a name",
        "label 3 (billing): examples must be a list of texts (quote texts that contain a colon)",
        "label 'refunds' is there twice",
    ]


@pytest.mark.parametrize("text", ["", "[]", "just words", "task: x", "labels: refunds"])
def test_a_file_that_is_no_guide_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="needs a list under `labels:`"):
        parse_guide(text)


def test_broken_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(RefusedError, match=r"(?s)not valid YAML.*line 2"):
        parse_guide("labels:\n  - [unclosed")


def test_yaml_cannot_make_objects() -> None:
    with pytest.raises(RefusedError, match="not valid YAML"):
        parse_guide("labels: !!python/object/apply:os.system [echo]")


@pytest.mark.parametrize("value", ["'no'", "maybe", "1", "[yes]"])
def test_rejected_is_yes_or_no(value: str) -> None:
    assert problems_of(f"labels: [{{name: a, rejected: {value}}}]") == [
        "label 1 (a): rejected must be true or false"
    ]


def test_a_name_that_fits_no_column_is_refused() -> None:
    assert problems_of(f"labels: [{{name: {'a' * 121}}}]") == [
        f"label 1 ({'a' * 121}): the name is longer than 120 characters"
    ]


def test_a_guide_from_rows_takes_two_different_examples_a_label() -> None:
    rows = [("a", "x"), ("a", "x"), ("b", "x"), ("c", "x"), ("d", "y")]
    guide = guide_from_rows(rows, filename="rows.csv", column="topic")
    assert {label.name: label.examples for label in guide.labels} == {"x": ["a", "b"], "y": ["d"]}
    assert {label.commonness for label in guide.labels} == {"other"}
    assert all("rows.csv" in label.definition for label in guide.labels)
