"""Characters, forbidden words, boiler-plate, length, language and realism: what each stops, and what it lets pass."""

from __future__ import annotations

from typing import Any

import pytest

from apps.specs.models import Gap
from apps.validation.checks import REGISTRY, FindingData
from apps.validation.pipeline import make_batch, run_one
from apps.validation.services import item_of
from apps.validation.settings_of_checks import problems_of
from tests import factories

pytestmark = pytest.mark.django_db


def said(name: str, *texts: str, gap: Gap | None = None, **spec: Any) -> list[list[FindingData]]:
    if gap is None:
        project = factories.make_project()
        factories.make_spec(project, **spec)
        gap = factories.make_gap(project)
    records = [factories.make_candidate(gap, text) for text in texts]
    found = run_one(REGISTRY[name], make_batch(gap.project, [item_of(record) for record in records]))
    return [found.get(position, []) for position in range(len(texts))]


def codes(name: str, text: str, **spec: Any) -> list[tuple[str, str]]:
    return [(finding.code, finding.outcome) for finding in said(name, text, **spec)[0]]


@pytest.mark.parametrize(
    ("text", "code", "outcome"),
    [
        ("my card \x07 rang", "control", "block"),
        ("my card \x9f rang", "control", "block"),
        ("pay \u202eeibbed\u202c now", "direction", "warn"),
        ("re\u200bfund me", "hidden", "warn"),
        ("caf\ufffd bill", "replaced", "warn"),
        ("the cafÃ© bill", "mojibake", "warn"),
        ("it wasnâ€™t me", "mojibake", "warn"),
    ],
)
def test_characters_that_nobody_types_are_named_at_their_place(text: str, code: str, outcome: str) -> None:
    (finding,) = said("encoding", text)[0]
    assert (finding.code, finding.outcome, finding.pointer) == (code, outcome, "/input/text")
    assert finding.start is not None
    assert finding.end is not None
    assert finding.end > finding.start


@pytest.mark.parametrize(
    "text",
    [
        "two lines\nand\ta tab\r\n",
        "line\u2028separator and next\u0085line",
        "👩‍👩‍👧 wants her money 🇩🇪",
        "naïve café – “quoted” … 5 €",
        "मैं क्‍षमा चाहता हूँ",
        "می‌خواهم پولم را",
        "ÃO, a word in capitals: SÃO PAULO",
    ],
)
def test_what_people_write_passes(text: str) -> None:
    assert said("encoding", text) == [[]]


def test_a_forbidden_token_is_a_whole_word_in_any_case() -> None:
    spec: dict[str, Any] = {"forbidden_tokens": ["Acme Bank", "größe"]}
    text = "i wrote to ACME  bank about it"
    (finding,) = said("forbidden", text, **spec)[0]
    assert text[finding.start : finding.end] == "ACME  bank"
    assert said("forbidden", "the acme banking hall, and grössen", **spec) == [[]]
    assert codes("forbidden", "welche GRÖSSE? die größe!", **spec) == [("token", "block")]


def test_a_pattern_made_to_hang_is_answered() -> None:
    spec = {"checks": {"forbidden": {"patterns": ["(a+)+$"]}}}
    assert codes("forbidden", "a" * 50_000 + "!", **spec) == []
    assert codes("forbidden", "b" * 50_000 + "aaa", **spec) == [("pattern", "block")]


def test_a_pattern_that_the_linear_engine_refuses_is_refused_at_saving_with_the_reason() -> None:
    spec = factories.make_spec(
        factories.make_project(),
        published=False,
        checks={"forbidden": {"patterns": ["fine", "(?=secret)x", "(unclosed"]}},
    )
    first, second = problems_of(spec)
    assert first.startswith("checks/forbidden/patterns/1: '(?=secret)x' is refused: invalid perl operator")
    assert "missing )" in second


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("As an AI language model, I do not own a card", "self_description"),
        ("Als KI-Sprachmodell habe ich kein Konto", "self_description"),
        ("I'm sorry, but I can't assist with that request.", "refusal"),
        ("I cannot generate abusive messages", "refusal"),
        ("Es tut mir leid, aber ich kann keine solchen Texte erstellen.", "refusal"),
        ("Lo siento, pero no puedo ayudar con eso", "refusal"),
        ("Sure, here is an example of a refund request: I want my money", "introduction"),
        ("Here are five customer messages: 1. I want", "introduction"),
        ("Certainly! Here's a realistic support ticket:\n\nhello", "introduction"),
        ("Dear [Company Name], please refund order [Order Number]", "placeholder"),
        ("hello {{name}}, where is my money", "placeholder"),
        ("Lorem ipsum dolor sit amet", "placeholder"),
        ('```json\n{"text": "hello"}\n```', "fence"),
        ("N/A", "empty"),
        (" … ", "empty"),
    ],
)
def test_boiler_plate_is_dropped(text: str, code: str) -> None:
    assert (code, "block") in codes("boilerplate", text)


@pytest.mark.parametrize(
    "text",
    [
        "Sure, here is my order number: 55012, now refund me",
        "Here is what happened: you renewed it and nobody answered my emails",
        "I'm sorry to bother you again but I can't find the refund",
        "I cannot help but feel cheated by your renewal",
        "I can't create an account on your site",
        "hier ist meine rechnung, bitte stornieren",
        "your AI chatbot told me as an aid that i get a refund",
        "the array [0] and <b>bold</b> in your mail looked broken",
        "example.com charged me twice",
    ],
)
def test_what_a_customer_says_is_no_boiler_plate(text: str) -> None:
    assert said("boilerplate", text) == [[]]


def test_length_in_words_and_tokens() -> None:
    bounds = {"min_words": 3, "max_words": 5, "max_tokens": 8}
    spec = {"checks": {"length": bounds}}
    assert codes("length", "where is it", **spec) == []
    assert codes("length", "refund now", **spec) == [("too_short", "block")]
    assert codes("length", "one two three four five six", **spec) == [("too_long", "block")]
    assert codes("length", "Donaudampfschifffahrtsgesellschaft Kapitänsmütze xqzj vvk", **spec) == [
        ("too_long", "block")
    ]


def test_bounds_that_nothing_fits_are_refused_at_saving() -> None:
    checks = {"length": {"min_words": 9, "max_words": 2}}
    spec = factories.make_spec(factories.make_project(), published=False, checks=checks)
    assert problems_of(spec) == ["checks/length/max_words: 2 is less than min_words, 9"]


def test_another_language_is_warned_of_where_the_spec_names_those_allowed() -> None:
    german = "wo bleibt denn mein geld, ich warte jetzt schon seit drei wochen darauf"
    english = "you renewed my plan without asking and nobody has answered my mails since"
    spec = {"checks": {"language": {"allowed": ["en"]}}}
    assert codes("language", german, **spec) == [("de", "warn")]
    assert codes("language", english, **spec) == []
    assert codes("language", "ok danke", **spec) == []
    assert codes("language", german) == []


def test_a_language_that_cannot_be_told_is_refused_at_saving() -> None:
    checks = {"language": {"allowed": ["en", "xx"]}}
    spec = factories.make_spec(factories.make_project(), published=False, checks=checks)
    (problem,) = problems_of(spec)
    assert problem.startswith("checks/language/allowed/1: 'xx' is no language")


CLEAN = (
    "I am writing to request a refund for my annual subscription. The charge of $49.00 was made on March 3. "
    "I would appreciate your prompt attention."
)
MESSY = "hi, u charged me AGAIN for the yearly thing?? i cancelled in feb.. pls fix, thx"


def test_a_text_that_is_too_clean_says_by_which_signs() -> None:
    clean, messy = said("realism", CLEAN, MESSY)
    assert [(finding.code, finding.outcome) for finding in clean] == [("polite_template", "info")]
    assert "no typo" in clean[0].message
    assert messy == []


def test_an_opening_that_many_siblings_share_is_told() -> None:
    project = factories.make_project()
    factories.make_spec(project)
    gap = factories.make_gap(project)
    texts = [
        f"so you guys charged me {word} today ok" for word in ("once", "twice", "again", "lots", "2x", "more")
    ]
    found = said("realism", *texts, "completely other words here u know", gap=gap)
    assert [[finding.code for finding in own] for own in found] == [["shared_opening"]] * 6 + [[]]
