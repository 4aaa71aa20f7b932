"""Results on their way to disk: whole or not at all, whoever else fetches them, and whatever the disk says."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from apps.providers.base import Batch
from apps.records.models import Record
from apps.submissions import ingest as ingesting
from apps.submissions.ingest import read_lines
from apps.submissions.models import RequestOutcome, Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from tests.submissions.scene import fetched, ids_of, ingest, poll, reread, sent, time_passes
from tests.submissions.scripted import Scripted, answer

pytestmark = pytest.mark.django_db
S = SubmissionStatus
MEGABYTE = 1_000_000


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """What the kernel does when a disk is full, without filling one. Above the size of the test's own database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files_of(submission: Submission) -> list[str]:
    return sorted(path.name for path in path_of(submission.request_file).parent.iterdir())


def test_a_full_disk_publishes_nothing_and_the_next_try_recovers(provider: Scripted) -> None:
    submission = sent()
    provider.lines = [b"x" * MEGABYTE] * 40
    with no_file_beyond(32 * MEGABYTE):
        broken = poll(submission)
    assert (broken.status, broken.attempts, broken.result_file) == (S.ACCEPTED, 1, "")
    assert "File too large" in broken.last_error
    assert files_of(broken) == ["requests.jsonl"]
    provider.lines = [answer(each, each) for each in ids_of(submission)]
    time_passes(broken)
    assert ingest(poll(broken)).status == S.DONE


def test_of_two_who_fetch_at_once_one_file_counts_and_the_other_goes_away(provider: Scripted) -> None:
    """The slow one has more in its hands, and would shift every line under whoever takes them in."""
    submission = sent()
    ids = ids_of(submission)

    def slowly(batch: Batch) -> Iterator[bytes]:
        provider.lines = [answer(each, each) for each in ids]
        yield answer("not-ours", "an extra line")
        provider.results = whole  # type: ignore[method-assign]
        time_passes(submission)
        rival = poll(submission)
        assert rival.status == S.INGESTING
        yield from provider.lines

    whole, provider.results = provider.results, slowly  # type: ignore[method-assign]
    late = poll(submission)
    kept = path_of(late.result_file)
    assert kept.read_bytes() == b"".join(line + b"\n" for line in provider.lines)
    assert files_of(late) == ["requests.jsonl", kept.name]
    assert ingest(late).status == S.DONE


def test_what_a_dead_writer_left_behind_is_removed(provider: Scripted) -> None:
    submission = sent()
    folder = path_of(submission.request_file).parent
    for name in ("results-0000.jsonl", ".results-0000.jsonl.ab12"):
        (folder / name).write_bytes(b"{}\n")
    done = poll(submission)
    assert files_of(done) == ["requests.jsonl", path_of(done.result_file).name]


def test_nothing_but_errors_is_no_record_and_nothing_missing(provider: Scripted) -> None:
    """A provider may have written an error file alone."""
    done = ingest(fetched(provider, lambda ids: [answer(each, status="error") for each in ids]))
    assert (done.status, done.records_made) == (S.DONE, 0)
    assert set(done.requests.values_list("outcome", flat=True)) == {RequestOutcome.FAILED}


def test_a_result_file_that_is_gone_is_said_and_nothing_is_taken_for_missing(provider: Scripted) -> None:
    submission = fetched(provider, lambda ids: [answer(each, each) for each in ids])
    path = path_of(submission.result_file)
    content = path.read_bytes()
    path.unlink()
    waiting = ingest(submission)
    assert (waiting.status, waiting.attempts) == (S.INGESTING, 1)
    assert path.name in waiting.last_error
    path.write_bytes(content)
    time_passes(waiting)
    assert (ingest(waiting).status, Record.objects.count()) == (S.DONE, 2)


def test_a_last_line_without_a_line_feed_counts(provider: Scripted) -> None:
    submission = fetched(provider, lambda ids: [answer(each, each) for each in ids])
    path = path_of(submission.result_file)
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    done = ingest(submission)
    assert (done.status, done.ingest_offset) == (S.DONE, path.stat().st_size)


def test_a_slice_is_bounded_in_lines_and_in_bytes(
    provider: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "SLICE_LINES", 3)
    monkeypatch.setattr(ingesting, "SLICE_BYTES", 100)
    submission = fetched(provider, lambda ids: [b"{}"] * 5 + [b'"' + b"x" * 120 + b'"'] * 2)
    path, starts = path_of(submission.result_file), [0]
    while lines := read_lines(path, starts[-1]):
        starts.append(lines[-1].end)
    assert [end - start for start, end in pairwise(starts)] == [9, 6 + 123, 123]


def test_lines_that_are_too_long_are_not_held_in_memory(provider: Scripted) -> None:
    submission = fetched(provider, lambda ids: [b"x" * (5 * MEGABYTE), *(answer(each, each) for each in ids)])
    (long, *_) = read_lines(path_of(submission.result_file), 0)
    assert (long.end, len(long.data)) == (5 * MEGABYTE + 1, MEGABYTE + 1)
    assert ingest(reread(submission)).lines_quarantined == 1
