"""A template that cannot be used is refused with the place of every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.core.errors import RefusedError
from apps.providers.rules_phrases import material_of, parse_phrases

DEMO = Path(__file__).resolve().parents[2] / "apps/operations/demo/data"
GOOD = """
labels:
  refund:
    patterns: ["{opening} {fact}"]
    slots: {opening: [hi], fact: [charged twice]}
noise: {typos: 0.5}
"""


def problems_of(template: str, *labels: str) -> list[str]:
    with pytest.raises(RefusedError) as caught:
        parse_phrases(template, known_labels=labels)
    return caught.value.problems


def test_a_request_carries_the_material_of_its_label_and_it_reads_back() -> None:
    phrases = parse_phrases(GOOD)
    material = material_of(phrases.prompt_for("refund"))
    assert material.phrases == phrases.labels["refund"]
    assert material.noise == {"typos": 0.5}


def test_a_label_without_phrases_gives_empty_material() -> None:
    assert material_of(parse_phrases(GOOD).prompt_for("billing")).phrases.patterns == ()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_demo_s_phrases_are_valid(version: str) -> None:
    phrases = parse_phrases((DEMO / f"phrases_{version}.yaml").read_text())
    assert list(phrases.labels) == ["renewal_refund_dispute"]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("labels: {a: {patterns: ['{fact}'], slots: {}}}", "labels.a.patterns, no. 1: {fact} is no slot"),
        ("labels: {a: {patterns: ['{fact}'], slots: {fact: []}}}", "the slot {fact} has no phrases"),
        ("labels: {a: {patterns: ['{fact'], slots: {fact: [x]}}}", "no. 1: a brace is not closed"),
        ("labels: {a: {slots: {fact: [x]}}}", "labels.a.patterns: there are slots but no pattern"),
        ("labels: {a: {patterns: [{b: c}]}}", "labels.a.patterns, no. 1: must be a text, is a dict"),
        (
            "labels: {a: {patterns: [x], slots: {Fact: [x]}}}",
            "labels.a.slots.Fact: name slots with small letters",
        ),
        ("labels: {a: {pattern: [x]}}", "labels.a.pattern: is not known; there is patterns, record, slots"),
        ("labels: {}\nnoise: {typos: 2}", "noise.typos: must be a number from 0 to 1"),
        ("labels: {}\nnoise: {typo: 0.1}", "noise.typo: is not known"),
        ("labels: {}\nconfusable: {share: x}", "confusable.share: must be a number"),
        ("labels: [a]", "labels: must be a mapping"),
        ("phrases: {}", "phrases: is not known; there is confusable, labels, noise"),
    ],
)
def test_a_mistake_is_named_with_its_place(template: str, problem: str) -> None:
    assert any(problem in found for found in problems_of(template))


def test_every_mistake_is_named_at_once() -> None:
    assert len(problems_of("labels: {a: {patterns: ['{x}', '{y}']}}\nnoise: {typos: 9}")) == 3


def test_a_label_that_the_guide_does_not_have_is_a_problem() -> None:
    (problem,) = problems_of(GOOD, "billing", "abuse")
    assert problem == "labels.refund: the published guide has no such label; it has billing, abuse"


@pytest.mark.parametrize(
    "text", ["labels: [", "just words", "[" * 5000, "a: 2024-13-77", "x: " + "9" * 5000, ""]
)
def test_what_is_no_template_is_refused_and_never_a_crash(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_phrases(text)


def test_nested_aliases_do_not_blow_up_the_message() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(12)
    )
    assert sum(map(len, problems_of(f"{bomb}\nlabels: {{x: {{patterns: *l}}}}"))) < 5_000
