"""Fingerprints in memory say the same as the tables, and never what the tables no longer say."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from apps.core.errors import RefusedError
from apps.leakage import snapshot
from apps.leakage.models import SCHEME, Digest, ProtectedCorpus
from apps.leakage.screening import LeakVerdict
from apps.leakage.services import (
    add_fingerprints,
    clear_corpus,
    ensure_corpus,
    remove_fingerprints,
    screen_texts,
)

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

SHORT = "How do I unblock my PIN?"
MIDDLE = "my card was charged twice for the renewal and support never answered"
LONG = (
    "I bought the yearly plan in March, cancelled it in April and was still billed for the whole year. "
    "The chat told me that a refund is on its way, but nothing has reached my account so far."
)
ASKED = [
    SHORT,
    SHORT.upper(),
    f"ticket 4711 says {MIDDLE} - what now",
    MIDDLE.replace("never", "not"),
    "Hello. The chat told me that a refund is on its way, but nothing has reached my account so far!",
    "so until March, cancelled it in April and was still billed for the whole year of course",
    "Can I change the billing address of my second card?",
    "",
    "refund",
]


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(snapshot, "WORTH_READING", 1)
    snapshot.forget()
    yield
    snapshot.forget()


@pytest.fixture
def corpus() -> ProtectedCorpus:
    return ensure_corpus(corpus_uuid=uuid4(), project_uuid=uuid4(), name="holdout")


def protect(corpus: ProtectedCorpus, *texts: str) -> list[UUID]:
    items = [(uuid4(), text) for text in texts]
    add_fingerprints(corpus_uuid=corpus.uuid, items=items)
    return [item_uuid for item_uuid, _ in items]


def verdicts(corpus: ProtectedCorpus, *texts: str) -> list[LeakVerdict]:
    return screen_texts(project_uuid=corpus.project_uuid, texts=texts)


def test_memory_and_tables_give_the_same_verdicts(
    corpus: ProtectedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    protect(corpus, SHORT, MIDDLE, LONG)
    in_memory = verdicts(corpus, *ASKED)
    assert [verdict.rule for verdict in in_memory] == [
        "text", "text", "gram", "near", "sentence", "gram", "", "", "",
    ]  # fmt: skip
    snapshot.forget()
    monkeypatch.setattr(snapshot, "WORTH_READING", 10**9)
    assert verdicts(corpus, *ASKED) == in_memory


def test_once_read_what_is_not_there_costs_no_query_but_that_of_the_revision(corpus: ProtectedCorpus) -> None:
    protect(corpus, SHORT, MIDDLE)
    clean = "Can I change the billing address of my second card?"
    verdicts(corpus, clean)
    with CaptureQueriesContext(connections["leakage"]) as captured:
        assert verdicts(corpus, clean, f"{clean} Or of the third one?") == [LeakVerdict()] * 2
    assert len(captured) == 1


def test_what_is_protected_after_the_reading_is_found_and_its_revision_is_why(
    corpus: ProtectedCorpus,
) -> None:
    protect(corpus, SHORT)
    before = ProtectedCorpus.objects.get().revision
    assert verdicts(corpus, LONG)[0].is_clean
    protect(corpus, LONG)
    after = ProtectedCorpus.objects.get().revision
    assert after != before
    ProtectedCorpus.objects.update(revision=before)
    assert verdicts(corpus, LONG)[0].is_clean
    ProtectedCorpus.objects.update(revision=after)
    assert verdicts(corpus, LONG)[0].rule == "text"


def test_another_corpus_of_the_project_is_found_after_the_reading(corpus: ProtectedCorpus) -> None:
    protect(corpus, SHORT)
    assert verdicts(corpus, MIDDLE)[0].is_clean
    other = ensure_corpus(corpus_uuid=uuid4(), project_uuid=corpus.project_uuid, name="names")
    protect(other, MIDDLE)
    assert verdicts(corpus, MIDDLE)[0].is_leak
    other.delete()
    assert verdicts(corpus, MIDDLE)[0].is_clean


def test_removed_rows_are_no_longer_protected(corpus: ProtectedCorpus) -> None:
    short, middle = protect(corpus, SHORT, MIDDLE)
    assert all(verdict.is_leak for verdict in verdicts(corpus, SHORT, MIDDLE))
    remove_fingerprints(corpus_uuid=corpus.uuid, item_uuids=[middle])
    assert [verdict.item_uuids for verdict in verdicts(corpus, SHORT, MIDDLE)] == [(short,), ()]
    # Nobody told: what memory holds is asked of the table again.
    Digest.objects.all().delete()
    assert not verdicts(corpus, SHORT)[0].is_leak


def test_more_than_memory_takes_is_asked_of_the_tables(
    corpus: ProtectedCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MOST_ROWS", 5)
    protect(corpus, SHORT, MIDDLE, LONG)
    assert [verdict.is_clean for verdict in verdicts(corpus, SHORT, "something else")] == [False, True]
    state = snapshot.state_of(corpus.project_uuid)
    assert snapshot.snapshot_of(corpus.project_uuid, state, lookups=10**6) is None


def test_the_projects_asked_about_last_stay_in_memory() -> None:
    corpora = [
        ensure_corpus(corpus_uuid=uuid4(), project_uuid=uuid4(), name="holdout")
        for _ in range(snapshot.KEPT + 1)
    ]
    for corpus in corpora:
        protect(corpus, SHORT)
        assert verdicts(corpus, SHORT)[0].is_leak
        assert verdicts(corpora[0], SHORT)[0].is_leak

    def is_in_memory(corpus: ProtectedCorpus) -> bool:
        state = snapshot.state_of(corpus.project_uuid)
        return snapshot.snapshot_of(corpus.project_uuid, state, lookups=0) is not None

    assert [is_in_memory(corpus) for corpus in corpora] == [True, False, True, True, True]


def test_fingerprints_of_an_earlier_scheme_are_refused_until_they_are_made_again(
    corpus: ProtectedCorpus,
) -> None:
    protect(corpus, SHORT)
    ProtectedCorpus.objects.update(scheme=SCHEME - 1)
    with pytest.raises(RefusedError, match="Protect them again") as refused:
        verdicts(corpus, SHORT)
    assert refused.value.problems == ["holdout"]
    clear_corpus(corpus_uuid=corpus.uuid)
    protect(corpus, SHORT)
    assert verdicts(corpus, SHORT)[0].is_leak
