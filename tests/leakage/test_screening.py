"""What screening finds of a protected corpus, by which rule and where; and what it leaves alone."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from apps.leakage.models import Digest, ProtectedCorpus, ShingleBand, ShingleSet
from apps.leakage.screening import LeakVerdict
from apps.leakage.selectors import corpus_hash, count_items, expected_hash
from apps.leakage.services import add_fingerprints, ensure_corpus, remove_fingerprints, screen_texts

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

SHORT = "How do I unblock my PIN?"
MIDDLE = "my card was charged twice for the renewal and support never answered"
LONG = (
    "I bought the yearly plan in March, cancelled it in April and was still billed for the whole year. "
    "The chat told me that a refund is on its way, but nothing has reached my account so far."
)


def protect(project_uuid: UUID, *texts: str) -> list[UUID]:
    """Fingerprints of a new holdout corpus; returns the item uuids in the order of ``texts``."""
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=project_uuid, name="holdout")
    items = [(uuid4(), text) for text in texts]
    add_fingerprints(corpus_uuid=corpus.uuid, items=items)
    return [item_uuid for item_uuid, _ in items]


def verdict_on(project_uuid: UUID, text: str, *, prompt: bool = False) -> LeakVerdict:
    return screen_texts(project_uuid=project_uuid, texts=[text], strictness="prompt" if prompt else "record")[
        0
    ]


def found_in(text: str, verdict: LeakVerdict) -> str:
    assert verdict.span is not None
    return text[slice(*verdict.span)]


@pytest.fixture
def project() -> UUID:
    return uuid4()


@pytest.mark.parametrize("copy", [SHORT, "HOW DO I UNBLOCK MY PIN?", "\n how do i unblock my pin? "])
def test_the_same_text_up_to_case_is_a_leak_that_says_so(project: UUID, copy: str) -> None:
    (item,) = protect(project, SHORT)
    verdict = verdict_on(project, copy)
    assert (verdict.outcome, verdict.rule, verdict.item_uuids) == ("leak", "text", (item,))
    assert verdict.is_same_up_to_case
    assert found_in(copy, verdict) == copy


@pytest.mark.parametrize(
    "copy", ["How do I un­block my PIN", "how  do i - unblock - my pin…", "Ｈow do I unblock my PIN?"]
)
def test_the_same_text_up_to_punctuation_and_space_is_a_leak_but_not_up_to_case(
    project: UUID, copy: str
) -> None:
    protect(project, SHORT)
    verdict = verdict_on(project, copy)
    assert verdict.rule == "text"
    assert not verdict.is_same_up_to_case


def test_a_text_of_one_word_is_protected_as_a_whole_only(project: UUID) -> None:
    protect(project, "refund?!")
    assert verdict_on(project, "Refund").rule == "text"
    assert verdict_on(project, "Where is the refund you promised me last week?", prompt=True).is_clean


def test_one_sentence_of_a_protected_text_is_a_leak_with_its_place(project: UUID) -> None:
    protect(project, LONG)
    text = "Hello. The chat told me that a refund is on its way, but nothing has reached my account so far!"
    verdict = verdict_on(project, text)
    assert (verdict.outcome, verdict.rule) == ("leak", "sentence")
    assert found_in(text, verdict).startswith("The chat told me")


def test_a_sentence_of_three_words_is_everybodys(project: UUID) -> None:
    protect(project, "Please help me. My parcel went to a neighbour who moved out.")
    assert verdict_on(project, "Please help me. The invoice shows another company than mine.").is_clean


def test_a_run_of_thirteen_words_inside_another_text_is_a_leak_with_its_place(project: UUID) -> None:
    protect(project, LONG)
    run = "cancelled it in April and was still billed for the whole year"
    assert verdict_on(project, f"so they {run} of course").is_clean
    text = f"so until March, {run} of course"
    verdict = verdict_on(project, text)
    assert (verdict.outcome, verdict.rule) == ("leak", "gram")
    assert found_in(text, verdict) == f"March, {run}"


def test_a_protected_text_of_twelve_words_is_found_inside_a_longer_one(project: UUID) -> None:
    protect(project, MIDDLE)
    text = f"ticket 4711 says {MIDDLE} - what now"
    verdict = verdict_on(project, text)
    assert (verdict.outcome, verdict.rule) == ("leak", "gram")
    assert found_in(text, verdict) == MIDDLE


def test_a_protected_text_of_six_words_inside_a_longer_one_counts_in_prompts_only(project: UUID) -> None:
    protect(project, SHORT)
    text = "Write ten variants of: how do i unblock my pin, each with another typo"
    assert verdict_on(project, text).is_clean
    verdict = verdict_on(project, text, prompt=True)
    assert (verdict.outcome, verdict.rule) == ("leak", "gram")
    assert found_in(text, verdict) == "how do i unblock my pin,"


def test_a_sentence_with_one_word_changed_is_near_not_a_leak(project: UUID) -> None:
    (item,) = protect(project, MIDDLE)
    verdict = verdict_on(project, MIDDLE.replace("never", "not"))
    assert (verdict.outcome, verdict.rule, verdict.item_uuids) == ("near", "near", (item,))


def test_another_text_is_clean(project: UUID) -> None:
    protect(project, SHORT, MIDDLE, LONG)
    assert verdict_on(project, "Can I change the billing address of my second card?") == LeakVerdict()


def test_verdicts_keep_the_order_of_the_texts_and_repeats(project: UUID) -> None:
    protect(project, SHORT)
    verdicts = screen_texts(project_uuid=project, texts=["nothing of the kind", SHORT, "", SHORT])
    assert [verdict.outcome for verdict in verdicts] == ["clean", "leak", "clean", "leak"]


def test_a_row_that_is_protected_twice_names_both(project: UUID) -> None:
    items = protect(project, SHORT, SHORT.upper())
    assert verdict_on(project, SHORT).item_uuids == tuple(sorted(items))


def test_another_project_is_not_protected_and_shares_no_digest(project: UUID) -> None:
    protect(project, SHORT)
    other = uuid4()
    protect(other, SHORT)
    digests = [bytes(digest) for digest in Digest.objects.values_list("digest", flat=True)]
    assert len(digests) == len(set(digests))
    assert verdict_on(uuid4(), SHORT).is_clean


def test_adding_fingerprints_twice_changes_nothing(project: UUID) -> None:
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=project, name="holdout")
    items = sorted((uuid4(), text) for text in (SHORT, MIDDLE, LONG))
    add_fingerprints(corpus_uuid=corpus.uuid, items=items)
    counts = (Digest.objects.count(), ShingleSet.objects.count(), ShingleBand.objects.count())
    before = corpus_hash(corpus.uuid)
    add_fingerprints(corpus_uuid=corpus.uuid, items=items)
    assert (Digest.objects.count(), ShingleSet.objects.count(), ShingleBand.objects.count()) == counts
    assert corpus_hash(corpus.uuid) == before == expected_hash(project_uuid=project, items=items)
    assert count_items(corpus.uuid) == 3


def test_a_missing_or_altered_fingerprint_changes_the_hash(project: UUID) -> None:
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=project, name="holdout")
    items = [(uuid4(), LONG)]
    add_fingerprints(corpus_uuid=corpus.uuid, items=items)
    digest = Digest.objects.filter(kind="gram").first()
    assert digest is not None
    digest.delete()
    assert corpus_hash(corpus.uuid) != expected_hash(project_uuid=project, items=items)


def test_removed_rows_are_no_longer_protected(project: UUID) -> None:
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=project, name="holdout")
    kept, dropped = uuid4(), uuid4()
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(kept, SHORT), (dropped, MIDDLE)])
    remove_fingerprints(corpus_uuid=corpus.uuid, item_uuids=[dropped])
    assert verdict_on(project, MIDDLE).is_clean
    assert verdict_on(project, SHORT).is_leak
    assert set(ShingleSet.objects.values_list("item_uuid", flat=True)) == {kept}


def test_a_thousand_texts_cost_as_many_queries_as_their_digests_need(project: UUID) -> None:
    protect(project, SHORT, MIDDLE)

    def queries(count: int) -> int:
        texts = [f"ticket {number} about something else" for number in range(count)]
        with CaptureQueriesContext(connections["leakage"]) as captured:
            screen_texts(project_uuid=project, texts=texts)
        return len(captured)

    assert queries(10) == queries(20) == 4
    assert queries(1000) < 50


def test_without_the_key_nothing_can_be_screened(project: UUID, settings: Settings) -> None:
    protect(project, SHORT)
    settings.LEAKAGE_KEY = ""
    with pytest.raises(ImproperlyConfigured, match="LEAKAGE_KEY"):
        verdict_on(project, SHORT)


def test_no_word_of_a_protected_text_is_stored_in_the_clear(project: UUID) -> None:
    protect(project, "xylophone marzipan quicksilver bandoneon avalanche")
    rows = [
        *Digest.objects.values_list("digest", flat=True),
        *ShingleSet.objects.values_list("shingles", flat=True),
    ]
    assert rows
    assert not [row for row in rows if b"xylo" in bytes(row) or b"marz" in bytes(row)]
    assert set(ProtectedCorpus.objects.values_list("name", flat=True)) == {"holdout"}


words = st.text(alphabet="abcdeéß–.?! \n", min_size=1, max_size=60)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=words, after=words)
def test_whatever_stands_around_it_a_long_protected_text_is_found_and_its_place_holds_it(
    project: UUID, before: str, after: str
) -> None:
    if not ProtectedCorpus.objects.exists():
        protect(project, LONG)
    text = f"{before} {LONG} {after}"
    verdict = verdict_on(project, text)
    assert verdict.is_leak
    start, end = verdict.span or (0, 0)
    assert 0 <= start < end <= len(text)
