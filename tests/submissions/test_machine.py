"""A submission moves as the machine says and no other way."""

from __future__ import annotations

from itertools import product

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.errors import IllegalMoveError, StaleStateError
from apps.submissions.claims import FIRST_PAUSE, LONGEST_PAUSE, claim, move, pause, put_off
from apps.submissions.models import MACHINE, TERMINAL, Submission, SubmissionStatus
from tests.submissions.scene import make_submission, reread, time_passes
from tests.submissions.scripted import Scripted

pytestmark = pytest.mark.django_db

S = SubmissionStatus
PAIRS = list(product(S.values, S.values))
LEGAL = [(old, new) for old, new in PAIRS if new in MACHINE.moves[old]]
ILLEGAL = [(old, new) for old, new in PAIRS if new not in MACHINE.moves[old]]

each_status = pytest.mark.parametrize("status", S.values)


@pytest.fixture
def submission(provider: Scripted) -> Submission:
    return make_submission()


def put(submission: Submission, status: str) -> Submission:
    Submission.objects.filter(pk=submission.pk).update(status=status, screened_at=timezone.now())
    return reread(submission)


def test_the_machine_has_every_status() -> None:
    assert set(MACHINE.moves) == set(S.values)
    assert {S.DONE, S.INCOMPLETE, S.REJECTED, S.FAILED, S.CANCELLED, S.EXPIRED} == TERMINAL


@pytest.mark.parametrize(("old", "new"), LEGAL)
def test_a_legal_move_moves(submission: Submission, old: str, new: str) -> None:
    move(put(submission, old), new)
    moved = reread(submission)
    assert moved.status == new
    assert (moved.next_attempt_at is None) == (new in TERMINAL) == (moved.finished_at is not None)


@pytest.mark.parametrize(("old", "new"), ILLEGAL)
def test_an_illegal_move_is_refused_and_changes_nothing(submission: Submission, old: str, new: str) -> None:
    before = put(submission, old)
    with pytest.raises(IllegalMoveError):
        move(before, new)
    assert reread(submission).status == old


def test_a_move_from_a_stale_read_is_refused(submission: Submission) -> None:
    first, second = reread(submission), reread(submission)
    move(first, S.CANCELLED)
    with pytest.raises(StaleStateError):
        move(second, S.FAILED)


@each_status
def test_what_was_not_screened_cannot_stand_beyond_intent(submission: Submission, status: str) -> None:
    unscreened = Submission.objects.filter(pk=submission.pk)
    if status in {S.INTENT, S.FAILED, S.CANCELLED}:
        assert unscreened.update(status=status) == 1
    else:
        with pytest.raises(IntegrityError), transaction.atomic():
            unscreened.update(status=status)


def test_of_two_workers_one_gets_the_row(submission: Submission) -> None:
    assert claim(submission.pk, S.INTENT) is not None
    assert claim(submission.pk, S.INTENT) is None


def test_a_row_whose_holder_died_comes_back(submission: Submission) -> None:
    claim(submission.pk, S.INTENT)
    time_passes(submission)
    assert claim(submission.pk, S.INTENT) is not None


def test_a_row_in_another_state_is_not_claimed(submission: Submission) -> None:
    assert claim(submission.pk, S.SCREENED) is None


def test_an_error_is_written_down_with_the_time_of_the_next_try(submission: Submission) -> None:
    put_off(submission, ValueError("the list is down"))
    later = reread(submission)
    assert (later.attempts, later.last_error) == (1, "ValueError: the list is down")
    assert later.next_attempt_at is not None
    assert later.next_attempt_at > timezone.now()
    assert claim(submission.pk, S.INTENT) is None


def test_an_error_of_a_row_that_has_moved_on_is_forgotten(submission: Submission) -> None:
    move(reread(submission), S.CANCELLED)
    put_off(submission, "too late")
    assert reread(submission).last_error == ""


def test_pauses_grow_and_stop_growing() -> None:
    pauses = [pause(attempts) for attempts in range(1, 100)]
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE
