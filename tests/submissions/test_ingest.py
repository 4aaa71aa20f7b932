"""What came back is compared with what was asked: each answer once, in any order, nothing forgotten."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from apps.records.models import Record, RecordEvent
from apps.submissions import ingest as ingesting
from apps.submissions import services
from apps.submissions.ingest import commit_slice, prepare_slice
from apps.submissions.models import RequestOutcome, Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from apps.submissions.selectors import submissions_of_run
from tests.submissions.scene import NoteSink, fetched, ids_of, ingest, note_sink, reread, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db

S = SubmissionStatus


def outcomes(submission: Submission) -> list[str]:
    return list(submission.requests.order_by("id").values_list("outcome", flat=True))


def quarantine(submission: Submission) -> list[str]:
    return list(submission.quarantine.order_by("offset").values_list("reason", flat=True))


def texts() -> list[str]:
    return sorted(Record.objects.values_list("input__text", flat=True))


def test_answers_become_records_with_their_first_event(provider: Scripted) -> None:
    submission = fetched(provider, lambda ids: [answer(ids[0], "one", "two"), answer(ids[1], "three")])
    done = ingest(submission)
    assert (done.status, done.records_made, done.lines_quarantined) == (S.DONE, 3, 0)
    assert outcomes(done) == [RequestOutcome.ANSWERED, RequestOutcome.ANSWERED]
    assert texts() == ["one", "three", "two"]
    assert RecordEvent.objects.count() == 3
    assert done.ingest_offset == path_of(done.result_file).stat().st_size


def test_the_order_of_lines_does_not_matter(provider: Scripted) -> None:
    submission = fetched(
        provider, lambda ids: [answer(ids[2], "c"), answer(ids[0], "a"), answer(ids[1], "b")], requests=3
    )
    ingest(submission)
    by_request = dict(Record.objects.values_list("request_id", "input__text"))
    assert [by_request[custom_id] for custom_id in ids_of(submission)] == ["a", "b", "c"]


def test_a_request_without_an_answer_is_missing_and_named(provider: Scripted) -> None:
    done = ingest(fetched(provider, lambda ids: [answer(ids[1], "b")]))
    assert done.status == S.INCOMPLETE
    assert outcomes(done) == [RequestOutcome.MISSING, RequestOutcome.ANSWERED]


def test_an_empty_result_file_leaves_everything_missing(provider: Scripted) -> None:
    done = ingest(fetched(provider, lambda ids: []))
    assert (done.status, done.records_made) == (S.INCOMPLETE, 0)
    assert outcomes(done) == [RequestOutcome.MISSING] * 2


def test_blank_lines_are_nothing(provider: Scripted) -> None:
    done = ingest(
        fetched(provider, lambda ids: [b"", answer(ids[0], "a"), b"  \r", answer(ids[1], "b"), b""])
    )
    assert (done.status, done.lines_quarantined) == (S.DONE, 0)


def test_the_same_answer_twice_counts_once(provider: Scripted) -> None:
    done = ingest(
        fetched(provider, lambda ids: [answer(ids[0], "a"), answer(ids[1], "b"), answer(ids[0], "a")])
    )
    assert (done.status, done.records_made, quarantine(done)) == (S.DONE, 2, [])


def test_a_second_different_answer_is_a_conflict_and_the_first_stays(provider: Scripted) -> None:
    done = ingest(
        fetched(provider, lambda ids: [answer(ids[0], "a"), answer(ids[0], "other"), answer(ids[1], "b")])
    )
    assert (done.status, quarantine(done)) == (S.DONE, ["conflict"])
    assert texts() == ["a", "b"]


def test_repeats_are_known_across_slices_too(provider: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "SLICE_LINES", 1)
    lines: Sequence[str] = ("a", "a", "other")
    done = ingest(
        fetched(provider, lambda ids: [answer(ids[0], text) for text in lines] + [answer(ids[1], "b")])
    )
    assert (done.status, done.records_made, quarantine(done)) == (S.DONE, 2, ["conflict"])


def test_an_id_that_was_never_asked_is_set_aside(provider: Scripted) -> None:
    done = ingest(
        fetched(provider, lambda ids: [answer("not-ours", "x"), *(answer(each, each) for each in ids)])
    )
    assert (done.status, quarantine(done), done.records_made) == (S.DONE, ["unknown_id"], 2)


@pytest.mark.parametrize("status", ["refused", "truncated", "filtered", "error", "expired"])
def test_a_refusal_is_counted_as_what_it_is(provider: Scripted, status: str) -> None:
    done = ingest(fetched(provider, lambda ids: [answer(ids[0], status=status), answer(ids[1], "b")]))
    assert (done.status, quarantine(done)) == (S.DONE, [])
    assert outcomes(done) == [RequestOutcome.FAILED, RequestOutcome.ANSWERED]
    assert done.requests.get(outcome=RequestOutcome.FAILED).reason == status


def test_an_answer_that_the_sink_cannot_use_is_set_aside_with_its_request(provider: Scripted) -> None:
    done = ingest(fetched(provider, lambda ids: [answer(ids[0], answer="no list"), answer(ids[1], "b")]))
    assert (done.status, quarantine(done)) == (S.DONE, ["not_records"])
    assert outcomes(done) == [RequestOutcome.QUARANTINED, RequestOutcome.ANSWERED]


@pytest.mark.parametrize(("ended_as", "status"), [("expired", S.EXPIRED), ("cancelled", S.CANCELLED)])
def test_partial_results_come_in_and_the_end_keeps_its_name(
    provider: Scripted, ended_as: str, status: str
) -> None:
    submission = fetched(provider, lambda ids: [answer(ids[0], "a")])
    Submission.objects.update(ended_as=ended_as)
    done = ingest(reread(submission))
    assert (done.status, done.records_made, outcomes(done)) == (status, 1, ["answered", "missing"])


def test_after_a_stop_nothing_more_comes_in(provider: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "SLICE_LINES", 1)
    submission = fetched(provider, lambda ids: [answer(ids[0], "a"), answer(ids[1], "b")])
    sink = note_sink(submission)
    commit_slice(submission, prepare_slice(submission, sink), sink)
    services.request_cancel(submissions=[reread(submission)])
    stopped = ingest(submission)
    assert (stopped.status, stopped.records_made, texts()) == (S.CANCELLED, 1, ["a"])


def test_a_task_that_runs_out_of_time_leaves_the_rest_to_the_next(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "SLICE_LINES", 1)
    monkeypatch.setattr(ingesting, "TASK_SECONDS", -1.0)
    submission = fetched(provider, lambda ids: [answer(each, each) for each in ids])
    first = ingest(submission)
    assert (first.status, first.records_made) == (S.INGESTING, 1)
    assert ingest(first).status == S.DONE


def test_a_write_that_fails_takes_everything_of_its_slice_back(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = fetched(provider, lambda ids: [answer(ids[0], "a"), b"{", answer(ids[1], "b")])

    def disk_full(self: NoteSink, rows: object) -> None:
        write(self, rows)  # type: ignore[arg-type]
        raise OSError("no space left on device")

    write = NoteSink.write
    with monkeypatch.context() as patch:
        patch.setattr(NoteSink, "write", disk_full)
        failed = ingest(submission)
    assert (failed.status, failed.ingest_offset, failed.records_made) == (S.INGESTING, 0, 0)
    assert "no space left" in failed.last_error
    assert (texts(), outcomes(failed), quarantine(failed)) == ([], ["pending", "pending"], [])
    time_passes(failed)
    done = ingest(failed)
    assert (done.status, texts(), quarantine(done)) == (S.DONE, ["a", "b"], ["invalid_json"])


def test_any_shuffle_with_repeats_gives_the_same_records(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "SLICE_LINES", 2)
    for seed in range(5):
        dice = random.Random(seed)

        def lines(ids: list[str], dice: random.Random = dice) -> list[bytes]:
            chosen = [answer(each, f"t{each[-1]}") for each in ids] * 2 + [b"{", answer("not-ours", "x")]
            dice.shuffle(chosen)
            return chosen

        done = ingest(fetched(provider, lines, requests=3))
        made = Record.objects.filter(submission_uuid=done.uuid).values_list("input__text", flat=True)
        assert Counter(made) == Counter(["t1", "t2", "t3"])
        assert sorted(quarantine(done)) == ["invalid_json", "unknown_id"]


def test_a_run_s_submissions_are_summed_up_in_four_queries(
    provider: Scripted, django_assert_num_queries: object
) -> None:
    done = ingest(fetched(provider, lambda ids: [answer(ids[0], status="refused"), b"{"]))
    Submission.objects.update(run_uuid=done.uuid)
    with django_assert_num_queries(4):  # type: ignore[operator]
        sent = submissions_of_run(done.uuid)
    assert (sent.requests, sent.reasons) == ({"failed": 1, "missing": 1}, {"refused": 1})
    assert (sent.records_made, sent.lines_quarantined, sent.requests_missing) == (0, 1, 1)
    assert sent.count_by_status() == {"incomplete": 1}
    assert sent.missing == ids_of(done)[1:]
