"""Every provider through the whole machine: real SDKs, stand-ins on this machine, one POST whatever happens.

All cases on both databases are in ``benchmarks.provider_matrix``; these are the ones that no change may break.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from apps.generation.planning import plan_run
from apps.generation.services import start_run, stop_run
from apps.operations.work import work_once
from apps.providers import REGISTRY, provider_of
from apps.records.models import Record
from apps.submissions.models import Delivery, RequestOutcome, Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from tests.generation.scene import time_passes
from tests.providers.matrix import Case, cases_of, finish, make_run, run_cell
from tests.providers.rigs import KEY, RIGS, Rig
from tests.providers.standins.base import Behaviour, EndAs, Outcome

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])
S = SubmissionStatus


def case_of(rig: Rig, name: str) -> Case:
    return next(case for case in cases_of(rig) if case.name == name)


def has_batches(rig: Rig) -> bool:
    return provider_of(rig.provider).has_batches


@pytest.mark.parametrize("name", ["happy", "ambiguous create", "500 after accept"])
def test_a_run_ends_with_exact_counts_and_one_post(rig: Rig, name: str) -> None:
    cell = run_cell(rig, case_of(rig, name))
    assert (cell.problems, cell.posts) == ((), 1)


@pytest.mark.parametrize("name", ["partial", "expired", "cancelled"])
def test_a_batch_that_ends_early_gives_what_it_has(rig: Rig, name: str) -> None:
    if not has_batches(rig):
        pytest.skip("It has no batches.")
    cell = run_cell(rig, case_of(rig, name))
    assert (cell.problems, cell.posts) == ((), 1)


def through(rig: Rig, behaviour: Behaviour) -> Submission:
    """A run that has met ``behaviour`` and is over."""
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    rig.server.behaviour = behaviour
    finish(run)
    return Submission.objects.get(run_uuid=run.uuid)


def outcomes_of(submission: Submission) -> Counter[tuple[str, str]]:
    return Counter(submission.requests.values_list("outcome", "reason"))


def test_refusals_truncation_filters_and_errors_are_counted_as_what_they_are(rig: Rig) -> None:
    kinds = [Outcome.OK, Outcome.REFUSAL, Outcome.TRUNCATED, Outcome.FILTERED, Outcome.OK]
    if has_batches(rig):
        kinds.append(Outcome.ERROR)
    submission = through(rig, Behaviour(per_request=lambda number, line: kinds[number % len(kinds)]))
    counts = outcomes_of(submission)
    assert not submission.lines_quarantined
    assert counts[RequestOutcome.FAILED, "truncated"] == 1
    # Who says no is told apart where the vendor does: some have one word for both.
    assert counts[RequestOutcome.FAILED, "refused"] + counts[RequestOutcome.FAILED, "filtered"] == 2
    assert counts[RequestOutcome.FAILED, "error"] == (1 if has_batches(rig) else 0)
    assert counts[RequestOutcome.ANSWERED, ""] == submission.request_count - (4 if has_batches(rig) else 3)


def test_shuffled_doubled_and_poisoned_lines_touch_no_neighbour(rig: Rig) -> None:
    if not has_batches(rig):
        pytest.skip("It has no result file.")
    poison = [b"{", b"\xff\xfe", b'{"custom_id": "x", "recordId": "x", "key": "x"}', b"NaN"]
    submission = through(rig, Behaviour(shuffle=True, duplicate=True, poison_lines=poison))
    assert submission.status == S.DONE
    assert submission.lines_quarantined == len(poison)
    assert outcomes_of(submission) == {(RequestOutcome.ANSWERED, ""): submission.request_count}
    assert Record.objects.filter(submission_uuid=submission.uuid).count() == submission.records_made == 30


def test_usage_comes_back_and_is_settled(rig: Rig) -> None:
    submission = through(rig, Behaviour())
    assert submission.input_tokens > 0
    assert submission.output_tokens > 0
    assert submission.settled_at is not None


def test_not_now_waits_and_posts_again_later(rig: Rig) -> None:
    body = {"message": "slow down", "error": {"message": "slow down", "code": 429}}
    headers = {"Retry-After": "7", "x-amzn-errortype": "ThrottlingException"}
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    work_once("validation")
    rig.server.behaviour = Behaviour(refuse=(429, body, headers))
    work_once("generation")
    submission = Submission.objects.get(run_uuid=run.uuid)
    assert submission.status in {S.SCREENED, S.RUNNING}
    assert submission.attempts == 1
    finish(run)
    submission.refresh_from_db()
    assert submission.status == S.DONE
    assert not submission.requests.exclude(outcome=RequestOutcome.ANSWERED).exists()


def test_a_definite_no_ends_it_and_costs_nothing(rig: Rig) -> None:
    if not has_batches(rig):
        pytest.skip("Each of its requests is refused by itself.")
    body = {"message": f"no such model {KEY}", "error": {"message": f"no such model {KEY}", "code": 400}}
    headers = {"x-amzn-errortype": "ValidationException"}
    submission = through(rig, Behaviour(refuse=(400, body, headers), every_time=True))
    assert (submission.status, rig.server.creates) == (S.REJECTED, 1)
    assert submission.cost == Decimal(0)
    assert "no such model" in submission.last_error
    assert KEY not in submission.last_error


def test_a_list_that_is_down_or_behind_leaves_it_unknown_and_is_asked_again(rig: Rig) -> None:
    if not has_batches(rig):
        pytest.skip("It has no list.")
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    work_once("validation")
    rig.server.behaviour = Behaviour(drop_after_accept=True, list_down=True, listing_lag=2)
    for _ in range(3):
        time_passes()
        work_once("generation")
        assert Submission.objects.get(run_uuid=run.uuid).status == S.UNKNOWN
    rig.server.behaviour.list_down = False
    finish(run)
    submission = Submission.objects.get(run_uuid=run.uuid)
    assert (submission.status, submission.post_count, rig.server.creates) == (S.DONE, 1, 1)


def test_a_batch_that_fails_in_validation_says_why(rig: Rig) -> None:
    if not has_batches(rig) or rig.provider == "anthropic":
        pytest.skip("None of its batches fails as a whole.")
    submission = through(rig, Behaviour(end_as=EndAs.FAILED))
    assert submission.status == S.FAILED
    assert submission.cost == Decimal(0)
    assert "not valid" in submission.last_error


def test_stopping_a_run_cancels_the_batch_at_the_provider(rig: Rig) -> None:
    if not has_batches(rig):
        pytest.skip("It has no batches.")
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    work_once("validation")
    work_once("generation")
    assert Submission.objects.get(run_uuid=run.uuid).status in {S.ACCEPTED, S.RUNNING}
    stop_run(run=run, actor=None)
    time_passes()
    work_once("generation")
    submission = Submission.objects.get(run_uuid=run.uuid)
    assert submission.status == S.CANCELLED
    assert rig.server.posts(r".*(cancel|stop)") == 1


def test_requests_can_be_sent_one_by_one(rig: Rig) -> None:
    run = make_run(rig)
    run.delivery = Delivery.SYNCHRONOUS
    run.save()
    start_run(run=run, actor=None)
    finish(run)
    submission = Submission.objects.get(run_uuid=run.uuid)
    assert (submission.status, submission.records_made) == (S.DONE, 30)
    assert submission.post_count == rig.server.creates == submission.request_count


def test_the_request_line_is_what_the_vendor_documents(rig: Rig) -> None:
    """No temperature, the schema where the vendor wants it, our id once."""
    run = start_run(run=make_run(rig), actor=None)
    plan_run(run.pk)
    submission = Submission.objects.get(run_uuid=run.uuid)
    (first, *_) = lines_of(submission)
    assert first.count(submission.nonce) == 1
    assert "temperature" not in first
    assert "refund" in first
    assert KEY not in first


def lines_of(submission: Submission) -> list[str]:
    return path_of(submission.request_file).read_text().splitlines()


def test_the_rigs_are_all_network_providers() -> None:
    assert set(RIGS) == {key for key, provider in REGISTRY.items() if not provider.offline_model}
