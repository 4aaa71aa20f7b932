from __future__ import annotations

import random
import sys
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.strict_json import JsonValue
from apps.core.text import (
    MAX_DIFF_WORDS,
    DiffPart,
    canonical,
    flatten_strings,
    sentences,
    tokens,
    word_diff,
)

# Letters, marks that reorder and compose, compatibility forms, invisibles, odd spaces, punctuation.
awkward_text = st.text(
    st.sampled_from(
        "aAbİıßſﬁǅΣς½①⑴ⅷ㎏Ａ￥한ᄒ\u1160\u3164 \t\n\u00a0\u2003\u2028\u0085"
        "\u0301\u0316\u0323\u0307\u0345\u0344\u0f73\u200b\u200d\u00ad\ufeff\ufe0f\u202e\x00\x7f"
        ".,'’´`_-–—…!?()|~<>€$😀🏽\ud800"
    )
)

SAME = [
    ("Refund, PLEASE!!", "refund please"),
    ("  two\t words\u00a0here\r\n", "two words here"),
    ("don’t don´t don't don`t", "don t don t don t don t"),
    ("STRASSE Straße", "strasse strasse"),
    ("ﬁnal ① ⑴ Ａ１", "final 1 1 a1"),
    ("cafe\u0301 CAFÉ", "café café"),
    ("re\u200bfu\u00adnd\ufeff", "refund"),
    ("e\u200d\u0301", "é"),
    ("\u202ere\u2066fund\u2069", "refund"),
    ("a\x00b\x07c\x7f", "abc"),
    ("❤️ ❤", "❤ ❤"),
    ("snake_case e-mail c++ <b>", "snake case e mail c b"),
    ("€5 $5 5%", "€5 $5 5"),
    ("…!?", ""),
    ("\u0301a b\u0301 \u0316c 2≠3 2=\u03383 👍🏽", "a b\u0301 c 2 3 2 3 👍"),
    ("", ""),
    ("\u3164\u2800", ""),
    ("ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ σίσυφοσ"),
]


@pytest.mark.parametrize(("text", "expected"), SAME)
def test_canonical_form_is_pinned(text: str, expected: str) -> None:
    """Stored hashes depend on these values: a change here means every index must be rebuilt."""
    assert canonical(text) == expected
    assert tokens(text) == expected.split()


@settings(deadline=None)
@given(awkward_text | st.text())
def test_canonical_is_idempotent(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


def test_canonical_is_idempotent_on_every_character() -> None:
    changed = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in {"Cn", "Co", "Cs"}
        and canonical(once := canonical(f"A{chr(code)}\u0301")) != once
    ]
    assert changed == []


@settings(deadline=None)
@given(awkward_text | st.text())
def test_canonical_leaves_no_case_punctuation_control_or_doubled_space(text: str) -> None:
    folded = canonical(text)
    assert folded == " ".join(folded.split())
    assert not {unicodedata.category(char) for char in folded} & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
        "Po",
        "Pd",
        "Sm",
    }
    assert folded == folded.casefold() == unicodedata.normalize("NFKC", folded)


@settings(deadline=None)
@given(awkward_text | st.text())
def test_how_the_input_was_normalised_does_not_matter(text: str) -> None:
    assert canonical(unicodedata.normalize("NFD", text)) == canonical(unicodedata.normalize("NFC", text))


def test_a_megabyte_of_combining_marks_is_cut_before_it_is_sorted() -> None:
    """Sorted whole it would take minutes."""
    flood = "a" + "\u0301\u0316" * 250_000
    assert len(canonical(flood)) <= 31
    assert canonical(canonical(flood)) == canonical(flood)


def test_lone_surrogates_and_nul_never_reach_the_encoder() -> None:
    assert canonical("a\ud800b\x00").encode() == b"ab"


SENTENCES = [
    ("Hi. I want a refund! When?", ["Hi", "I want a refund", "When"]),
    ("It cost 1.99 at example.com today.", ["It cost 1.99 at example.com today"]),
    ("no space.Please help", ["no space", "Please help"]),
    ("wait... what?!", ["wait", "what"]),
    ("one\ntwo\r\nthree\u2028four", ["one", "two", "three", "four"]),
    ("- first\n* second\n 3) third\n12. fourth", ["first", "second", "third", "fourth"]),
    ("to do: • call • pay", ["to do:", "call", "pay"]),
    ("Sie sagte „Nein.“ Dann ging sie.", ["Sie sagte „Nein.“ Dann ging sie"]),
    ('He said "no." Then left.', ['He said "no', '" Then left']),
    ("返金してください。いつ？", ["返金してください", "いつ"]),
    ("well-known - really", ["well-known - really"]),
    ("... !!! \n - \n", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@settings(deadline=None)
@given(st.text(st.sampled_from("ab1A .!?…\n\r-*•)\u2028\"'")))
def test_sentences_lose_no_letter(text: str) -> None:
    def letters(of: str) -> str:
        return "".join(filter(str.isalpha, of))

    assert letters("".join(sentences(text))) == letters(text)
    assert all(sentence == sentence.strip() for sentence in sentences(text))


@pytest.mark.parametrize(
    "text", ["." * 500_000 + "x", "\n" + " " * 500_000 + "x", "- " * 250_000, "\n- " * 200_000]
)
def test_sentences_of_hostile_text_take_linear_time(text: str) -> None:
    """Nothing is timed: a quadratic split would run for hours here."""
    assert len(sentences(text)) <= 1


def test_strings_are_found_under_their_json_pointers() -> None:
    value: JsonValue = {
        "input": {"text": "a", "a/b": {"~": "b"}, "": "c"},
        "tags": ["d", 1, None, ["e"]],
        "n": 2.5,
    }
    assert list(flatten_strings(value)) == [
        ("/input/text", "a"),
        ("/input/a~1b/~0", "b"),
        ("/input/", "c"),
        ("/tags/0", "d"),
        ("/tags/3/0", "e"),
    ]
    assert list(flatten_strings("root")) == [("", "root")]
    assert list(flatten_strings(3)) == []


def sides(parts: list[DiffPart]) -> tuple[str, str]:
    before = "".join(part.text for part in parts if part.op != "added")
    after = "".join(part.text for part in parts if part.op != "removed")
    return before, after


def spelled(before: str, after: str) -> list[tuple[str, str]]:
    return [(part.op, part.text) for part in word_diff(before, after)]


few_words = st.lists(st.sampled_from(["a", "b ", "c  ", "\n", " ", "\u00a0d", "refund "]), max_size=30).map(
    "".join
)


@settings(deadline=None)
@given(few_words | st.text(), few_words | st.text())
def test_a_diff_puts_both_texts_together_again(before: str, after: str) -> None:
    parts = word_diff(before, after)
    assert sides(parts) == (before, after)
    assert all(part.text for part in parts)
    neighbours = [(left.op, right.op) for left, right in pairwise(parts)]
    assert set(neighbours) <= {
        ("same", "removed"),
        ("same", "added"),
        ("removed", "added"),
        ("removed", "same"),
        ("added", "same"),
    }


@settings(deadline=None)
@given(few_words)
def test_a_diff_of_equal_texts_is_one_part_at_most(text: str) -> None:
    assert word_diff(text, text) == ([DiffPart("same", text)] if text else [])


def test_a_changed_word_is_removed_then_added() -> None:
    assert spelled("I want a refund now", "I want my refund now") == [
        ("same", "I want "),
        ("removed", "a "),
        ("added", "my "),
        ("same", "refund now"),
    ]


def test_adding_words_at_the_end_leaves_the_last_word_alone() -> None:
    assert spelled("I want a refund", "I want a refund today") == [
        ("same", "I want a refund"),
        ("added", " today"),
    ]


def test_changed_white_space_is_shown_by_itself() -> None:
    assert spelled("one  two", "one\ntwo") == [
        ("same", "one"),
        ("removed", "  "),
        ("added", "\n"),
        ("same", "two"),
    ]


@pytest.mark.parametrize("words", [300, MAX_DIFF_WORDS - 10])
def test_two_far_edits_in_a_long_text_are_found(words: int) -> None:
    rng = random.Random(words)
    text = [rng.choice(["the", "a", "card", "refund", "why", f"w{place}"]) for place in range(words)]
    edited = [*text]
    edited[5], edited[-5] = "first", "second"
    parts = word_diff(" ".join(text), " ".join(edited))
    assert sides(parts) == (" ".join(text), " ".join(edited))
    added = [part.text.strip() for part in parts if part.op == "added"]
    assert added[0].split()[0] == "first"
    assert added[-1].split()[-1] == "second"


def test_a_small_edit_in_a_very_long_text_is_still_a_small_diff() -> None:
    text = ["word", "other"] * (MAX_DIFF_WORDS * 5)
    edited = [*text]
    edited[7_000] = "changed"
    assert spelled(" ".join(text), " ".join(edited))[1:3] == [("removed", "word "), ("added", "changed ")]


def test_texts_beyond_the_limit_that_share_nothing_are_one_block_each() -> None:
    before = "start " + "x1 a " * MAX_DIFF_WORDS + "end"
    after = "start " + "y1 a " * (MAX_DIFF_WORDS - 1) + "y1 end"
    assert [part.op for part in word_diff(before, after)] == ["same", "removed", "added", "same"]


def test_a_diff_of_words_made_to_be_slow_ends() -> None:
    """Alternating common and unique words: cubic without the rule about popular words and the limit."""
    before = " ".join("a" if place % 2 else f"p{place}" for place in range(50_000))
    after = " ".join("a" if place % 3 else f"q{place}" for place in range(50_000))
    assert sides(word_diff(before, after)) == (before, after)
