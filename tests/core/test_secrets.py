"""Credentials are found with exact spans, and what only looks like one is left alone."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.detectors import secret_rules
from apps.core.detectors.patterns import WordIndex, literal
from apps.core.detectors.secret_context import CONTEXT_RULES, ContextRule
from apps.core.detectors.secret_rules import SECRET_RULES, SecretRule
from apps.core.detectors.secrets import Detection, SecretScanner, find_secrets, mask
from apps.core.detectors.synthetic import BASE64, alnum, characters, upper
from benchmarks.checks_quality import DATA, Line, read_set

GITHUB_TOKEN = "ghp_" + alnum(36)
PEM_HEADER = "-----BEGIN RSA PRIV" + "ATE KEY-----"

ALL_RULES: tuple[SecretRule | ContextRule, ...] = (*SECRET_RULES, *CONTEXT_RULES)
# What is worse than linear in it would take minutes.
LENGTHS = [pytest.param(200_000, id="200k"), pytest.param(1_000_000, id="1M", marks=pytest.mark.soak)]
SEEN = [line for line in read_set(DATA / "secrets.jsonl") if line.half == "seen"]


def rules_in(text: str) -> list[str]:
    return [detection.rule for detection in find_secrets(text)]


def values_in(text: str) -> list[str]:
    return [text[detection.start : detection.end] for detection in find_secrets(text)]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_the_example_of_a_rule_is_found_by_that_rule_alone(rule: SecretRule | ContextRule) -> None:
    assert rules_in(rule.example) == [rule.name]


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_the_near_miss_of_a_rule_is_found_by_no_rule(rule: SecretRule | ContextRule) -> None:
    assert rules_in(rule.near_miss) == []


@pytest.mark.parametrize("rule", SECRET_RULES, ids=lambda rule: rule.name)
def test_spans_count_characters_when_emoji_and_accents_stand_before(rule: SecretRule) -> None:
    before = "Größe 👩‍👩‍👧 naïve 日本 😀 … "
    text = f"{before}\n{rule.example}\n😀"
    assert values_in(text) == values_in(rule.example)
    assert all(detection.start > len(before) for detection in find_secrets(text))


def test_there_are_more_than_eighty_vendor_formats_with_names_of_their_own() -> None:
    names = [rule.name for rule in ALL_RULES]
    assert len(set(names)) == len(names)
    assert len({rule.vendor for rule in SECRET_RULES}) > 80


def test_no_whole_token_stands_in_the_source_of_the_rules() -> None:
    formats_only = SecretScanner(SECRET_RULES, ())
    for module in iter_modules(secret_rules.__path__):
        source = inspect.getsource(import_module(f"{secret_rules.__name__}.{module.name}"))
        found = [source[each.start : each.end] for each in formats_only.find(source)]
        assert found == [], module.name


@pytest.mark.parametrize("line", [line for line in SEEN if line.span], ids=lambda line: line.text[:40])
def test_the_value_is_found_where_it_stands(line: Line) -> None:
    assert line.span
    assert line.text[slice(*line.span)] in values_in(line.text)


@pytest.mark.parametrize(
    "line", [line for line in SEEN if not line.expected], ids=lambda line: line.text[:40]
)
def test_what_only_looks_like_a_credential_is_left_alone(line: Line) -> None:
    assert values_in(line.text) == []


def test_a_value_from_a_vendors_documentation_is_reported_as_reserved() -> None:
    documented = find_secrets("key AKIAIOSFODNN7" + "EXAMPLE of the manual")
    real = find_secrets("key AKIA" + upper(16))
    assert [(each.rule, each.reserved) for each in documented] == [("aws-access-key-id", True)]
    assert [each.reserved for each in real] == [False]


def test_a_private_key_is_found_whole_cut_or_escaped() -> None:
    footer = PEM_HEADER.replace("BEGIN", "END")
    body = f"\n{characters(64, BASE64)}\n{characters(20, BASE64)}\n"
    assert values_in(f"key:\n{PEM_HEADER}{body}{footer}\nbye") == [f"{PEM_HEADER}{body}{footer}"]
    assert values_in(f"{PEM_HEADER} was all I saw") == [PEM_HEADER]
    escaped = f"{PEM_HEADER}{body}{footer}".replace("\n", "\\n")
    assert values_in(f'"{escaped}\\n"') == [escaped]


def test_a_whole_private_key_is_not_taken_for_a_placeholder_when_your_turns_up_in_it() -> None:
    body = "\n".join(characters(60, BASE64) + "YoUr" for _ in range(12))
    assert rules_in(f"{PEM_HEADER}\n{body}\n") == ["pem-private-key"]


def test_the_more_specific_rule_names_the_finding() -> None:
    assert rules_in(f"GITHUB_TOKEN={GITHUB_TOKEN}") == ["github-token"]
    assert rules_in("Authorization: Bearer sk-ant-api03-" + alnum(93) + "AA") == ["anthropic-api-key"]


def test_two_tokens_with_one_space_between_are_two_findings() -> None:
    assert rules_in(f"{GITHUB_TOKEN} {GITHUB_TOKEN}") == ["github-token", "github-token"]


def test_a_lone_surrogate_neither_stops_the_search_nor_moves_the_span() -> None:
    text = f"\ud800 é \udfff {GITHUB_TOKEN}"
    assert values_in(text) == [GITHUB_TOKEN]


def test_masking_keeps_the_ends_of_a_long_value_and_nothing_of_a_short_one() -> None:
    text = f"😀 {GITHUB_TOKEN} and my PIN is 4821."
    assert mask(text, find_secrets(text)) == f"😀 gh…{GITHUB_TOKEN[-2:]} and my PIN is …."


def test_masking_overlapping_detections_hides_their_union() -> None:
    text = "0123456789abcdefghij"
    overlapping = [Detection("a", "secret", 0, 14, "a"), Detection("b", "pii", 10, 20, "b")]
    assert mask(text, overlapping) == "01…cd…"


ADVERSARIES = [
    "a",
    "A",
    "1",
    "aB3",
    "😀",
    '"',
    ":",
    "eyJ",
    "sk-",
    "password=",
    "password is ",
    'token:"',
    "curl -u ",
]
ADVERSARIES += [
    PEM_HEADER,
    "://a:b",
    "kind: secret data: ",
    "seed phrase is abc ",
    "cookie sess=",
    "password for the ",
]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("unit", ADVERSARIES)
def test_any_length_of_one_pattern_does_not_hide_what_follows(unit: str, length: int) -> None:
    text = unit * (length // len(unit)) + f"\n\n {GITHUB_TOKEN}"
    assert values_in(text)[-1] == GITHUB_TOKEN


def test_the_word_index_finds_every_word_in_a_long_text() -> None:
    words = sorted({keyword for rule in ALL_RULES for keyword in rule.keywords})
    index = WordIndex({literal(word): [number] for number, word in enumerate(words)})
    assert index.rules((" x ".join(words) * 200).upper().encode()) >= {
        number for number, word in enumerate(words) if word.isascii()
    }


@given(st.text(alphabet=st.characters(), max_size=400))
def test_any_text_gives_ordered_spans_inside_it(text: str) -> None:
    end = 0
    for detection in find_secrets(text):
        assert end <= detection.start < detection.end <= len(text)
        end = detection.end


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_token_is_found_between_any_two_texts(before: str, after: str) -> None:
    text = f"{before}\n {GITHUB_TOKEN} \n{after}"
    assert any(GITHUB_TOKEN in text[each.start : each.end] for each in find_secrets(text))
