"""The offline generator repeats itself only when asked to, and keeps what the request wants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apps.core.text import canonical
from apps.providers import rules_noise
from apps.providers.rules_axes import manner_of
from apps.providers.rules_dice import dice
from apps.providers.rules_phrases import material_of, parse_phrases
from apps.providers.rules_writer import Job, tidy, write

DEMO = Path(__file__).resolve().parents[2] / "apps/operations/demo/data"
LABEL = "renewal_refund_dispute"
SEEDS = (
    "Can I get a refund, please? I cancelled the order.",
    "my money never came back",
    "Where is my refund?",
)


def job(version: str, *, count: int, **values: object) -> Job:
    phrases = parse_phrases((DEMO / f"phrases_{version}.yaml").read_text())
    plain = Job(LABEL, material_of(phrases.prompt_for(LABEL)), (), {}, (), count, 0, 7)
    return replace(plain, **values)  # type: ignore[arg-type]


def from_seeds(count: int, *seeds: str) -> Job:
    material = material_of(parse_phrases("labels: {}").prompt_for(LABEL))
    return Job(LABEL, material, seeds, {}, (), count, 0, 7)


def write_texts(job: Job) -> list[str]:
    return [written.text for written in write(job)]


def distinct(texts: list[str]) -> int:
    return len({canonical(text) for text in texts})


def test_the_same_job_gives_the_same_texts() -> None:
    assert write_texts(job("v2", count=30)) == write_texts(job("v2", count=30))


def test_another_seed_gives_other_texts() -> None:
    assert write_texts(job("v2", count=30)) != write_texts(job("v2", count=30, seed=8))


def test_a_text_depends_on_its_place_not_on_how_the_run_was_cut() -> None:
    whole = write_texts(job("v2", count=20))
    assert [*write_texts(job("v2", count=8)), *write_texts(job("v2", count=12, first=8))] == whole


def test_no_text_twice_within_a_run() -> None:
    assert distinct(write_texts(job("v2", count=2000))) == 2000


def test_little_material_is_used_up_before_anything_repeats() -> None:
    """v1 has 10 × 18 facts and asks, with or without one of four closings, in two orders: 1,620 in all."""
    assert distinct(write_texts(job("v1", count=1620))) == 1620


def test_a_run_uses_every_phrase_about_equally() -> None:
    texts = write_texts(job("v1", count=180))
    assert 15 <= sum("The renewal of my Team plan was charged" in text for text in texts) <= 21


def test_a_clean_prompt_stays_clean_whatever_the_gap_demands() -> None:
    texts = write_texts(job("v1", count=50, realism=("typos", "casing", "fragments")))
    assert all(text.startswith("Dear Lumen Desk Team, ") for text in texts)


def test_what_the_prompt_leaves_open_the_gap_may_demand() -> None:
    manner = manner_of({}, realism=("run-ons",), prompt_noise={"typos": 0.2})
    assert manner.noise == {"typos": 0.2, "run_ons": 0.35}


@pytest.mark.parametrize(
    ("axes", "kind", "chance"),
    [
        ({"noise": "none"}, "typos", 0.0),
        ({"noise": "heavy"}, "typos", 0.6),
        ({"Channel": "SMS"}, "pasted_mail", 0.0),
        ({"channel": "phone"}, "abbreviations", 0.0),
        ({"length": "brief"}, "pasted_mail", 0.0),
        ({"region": "north"}, "typos", 0.3),
    ],
)
def test_axes_bend_the_noise(axes: dict[str, str], kind: str, chance: float) -> None:
    manner = manner_of(
        axes, realism=(), prompt_noise={"typos": 0.3, "pasted_mail": 0.5, "abbreviations": 0.5}
    )
    assert manner.noise[kind] == pytest.approx(chance)


def mean_length(**axes: str) -> float:
    texts = write_texts(job("v2", count=60, axes={"noise": "none"} | axes))
    return sum(map(len, texts)) / len(texts)


def test_short_is_shorter_than_long() -> None:
    assert mean_length(length="short") * 1.4 < mean_length(length="long")


def test_an_e_mail_has_lines_and_a_phone_call_has_none() -> None:
    mails = write_texts(job("v2", count=20, axes={"channel": "email"}))
    calls = write_texts(job("v2", count=20, axes={"channel": "phone"}))
    assert sum("\n\n" in text for text in mails) > 15
    assert not any("," in text or "\n\n" in text for text in calls)


def test_every_text_keeps_a_fact_of_its_label() -> None:
    """Without noise that touches letters, some phrase of the fact slot stands in every text."""
    calm = job("v2", count=200, axes={"noise": "none"})
    facts = [canonical(fact) for fact in calm.material.phrases.slots["fact"]]
    for text in write_texts(calm):
        assert any(fact in canonical(text) for fact in facts), text


def test_seeds_are_recombined_without_repetition() -> None:
    texts = write_texts(from_seeds(300, *SEEDS))
    assert distinct(texts) >= 297
    assert not {canonical(seed) for seed in SEEDS} & {canonical(text) for text in texts}


def test_one_seed_is_enough() -> None:
    assert distinct(write_texts(from_seeds(100, SEEDS[1]))) >= 97


@pytest.mark.parametrize(("kind", "apply"), rules_noise.IN_ORDER)
@pytest.mark.parametrize(
    "text", ["", "x", "?!", "ÄÖÜ ß", "you you you", "i. am. here.", "a\n\nb", "don't, won't"]
)
def test_noise_takes_any_text(kind: str, apply: object, text: str) -> None:
    for number in range(20):
        assert isinstance(apply(text, dice(kind, number)), str)  # type: ignore[operator]


def test_a_writer_shortens_a_word_every_time_or_never() -> None:
    for number in range(50):
        words = rules_noise.abbreviations("please please please", dice(number)).split()
        assert len(set(words)) == 1


def test_pasted_mail_keeps_the_text_and_brings_no_address() -> None:
    for number in range(50):
        mail = rules_noise.pasted_mail("give it back", dice(number))
        assert "give it back" in mail
        assert "@" not in mail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("why?. ok", "why? ok"),
        ("done.. bye", "done. bye"),
        ("wait... what", "wait... what"),
        ("a  b , c", "a b, c"),
    ],
)
def test_joints_between_phrases_are_tidied(text: str, expected: str) -> None:
    assert tidy(text) == expected
