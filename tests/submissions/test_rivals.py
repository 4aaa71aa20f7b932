"""Two workers on one submission (threat 12): one wins, the other leaves no trace. And without the guard?"""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import connection

from apps.core.errors import StaleStateError
from apps.records.models import Record, RecordEvent
from apps.submissions import ingest as ingesting
from apps.submissions.ingest import Slice, commit_slice, prepare_slice
from apps.submissions.models import Submission, SubmissionStatus
from tests.submissions.scene import fetched, ingest, note_sink, reread
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db


def with_results(provider: Scripted) -> Submission:
    return fetched(provider, lambda ids: [answer(ids[0], "a"), b"{", answer(ids[1], "b")])


def two_rivals(submission: Submission) -> None:
    """Both have prepared the slice before either commits it."""
    first, second = reread(submission), reread(submission)
    sinks = note_sink(first), note_sink(second)
    slices = prepare_slice(first, sinks[0]), prepare_slice(second, sinks[1])
    commit_slice(first, slices[0], sinks[0])
    commit_slice(second, slices[1], sinks[1])


def counts() -> Counter[str]:
    return Counter(Record.objects.values_list("input__text", flat=True))


def test_the_slower_of_two_rivals_rolls_back(provider: Scripted) -> None:
    submission = with_results(provider)
    with pytest.raises(StaleStateError, match="Another worker"):
        two_rivals(submission)
    done = reread(submission)
    assert (done.status, done.records_made, done.lines_quarantined) == (SubmissionStatus.DONE, 2, 1)
    assert counts() == {"a": 1, "b": 1}
    assert RecordEvent.objects.count() == 2
    assert done.quarantine.count() == 1


def without_the_guard(submission: Submission, prepared: Slice[object]) -> None:
    Submission.objects.filter(pk=submission.pk).update(ingest_offset=prepared.end)


def test_without_the_compare_and_swap_the_database_itself_refuses(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence: one record for each place of an answer."""
    monkeypatch.setattr(ingesting, "advance", without_the_guard)
    submission = with_results(provider)
    first, second = reread(submission), reread(submission)
    sink = note_sink(first)
    slices = prepare_slice(first, sink), prepare_slice(second, sink)
    commit_slice(first, slices[0], sink)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        commit_slice(second, slices[1], sink)


def test_without_any_guard_the_same_race_makes_duplicates(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: neither compare-and-swap nor unique index, and the fault is there."""
    monkeypatch.setattr(ingesting, "advance", without_the_guard)
    monkeypatch.setattr(ingesting, "_finish", lambda submission, ended_as: None)
    submission = fetched(provider, lambda ids: [answer(ids[0], "a"), answer(ids[1], "b")])
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX record_result_once")
    two_rivals(submission)
    assert counts() == {"a": 2, "b": 2}


def test_a_rival_that_comes_late_finds_nothing_to_do(provider: Scripted) -> None:
    submission = ingest(with_results(provider))
    again = ingest(submission)
    assert (again.records_made, counts()) == (2, {"a": 1, "b": 1})
