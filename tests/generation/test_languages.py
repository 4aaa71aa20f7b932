"""Each language refuses what it could not render, before a run needs it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.core.errors import RefusedError
from apps.generation.languages import LANGUAGES, LONGEST_TEMPLATE, SAMPLE, compile_template
from apps.generation.models import PromptLanguage
from apps.providers import REGISTRY

PHRASES, JINJA = PromptLanguage.PHRASES, PromptLanguage.JINJA


def problem_of(language: str, template: str) -> str:
    with pytest.raises(RefusedError) as caught:
        compile_template(language, template)
    return " ".join([str(caught.value), *caught.value.problems])


def test_every_language_is_there_and_every_provider_reads_one() -> None:
    assert set(LANGUAGES) == set(PromptLanguage.values)
    assert {provider.prompt_language for provider in REGISTRY.values()} <= set(LANGUAGES)


@pytest.mark.parametrize("language", PromptLanguage.values)
def test_what_an_empty_editor_begins_with_is_valid(language: str) -> None:
    compile_template(language, LANGUAGES[language].starter)


@pytest.mark.parametrize("language", PromptLanguage.values)
def test_a_template_has_an_end(language: str) -> None:
    assert "200,001 characters" in problem_of(language, "x" * (LONGEST_TEMPLATE + 1))


def test_seeds_are_shown_only_where_a_label_has_no_phrases() -> None:
    render = compile_template(PHRASES, "labels: {refund: {patterns: [money back]}}")
    assert not render(replace(SAMPLE, label="refund")).shows_seeds
    assert render(replace(SAMPLE, label="billing")).shows_seeds


def test_jinja_sees_the_request_s_label_axes_and_seeds() -> None:
    render = compile_template(
        JINJA, "{{ count }} for {{ label }}, {{ axes.tone }}{% for seed in seeds %}; {{ seed }}{% endfor %}"
    )
    rendered = render(replace(SAMPLE, label="refund", seeds=("one <b>", "two"), count=3))
    assert rendered.prompt == "3 for refund, polite; one <b>; two"
    assert rendered.shows_seeds


def test_a_jinja_template_without_seeds_shows_none() -> None:
    assert not compile_template(JINJA, "{{ label }}")(SAMPLE).shows_seeds


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("one\n{% for x in %}", "line 2"),
        ("{{ lable }}", "{{ lable }} is not known; there is answer, axes, count"),
        ("{{ label.nothing.here }}", "has no attribute"),
        ("{{ count / 0 }}", "division by zero"),
        ("{{ count + label }}", "unsupported operand"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_mistake_in_jinja_shows_when_it_is_saved(template: str, problem: str) -> None:
    assert problem in problem_of(JINJA, template)
