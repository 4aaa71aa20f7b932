"""Money is set aside before anything is sent and settled when it ends; of two runs over a cap, one goes (threat 10)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections
from django.db.models import F

from apps.core.errors import RefusedError
from apps.specs.models import Project
from apps.submissions import budgets, services
from apps.submissions.budgets import refuse_over_budget, reserve, settle, tokens_cost
from apps.submissions.claims import move
from apps.submissions.models import Budget, Spending, Submission, SubmissionStatus
from apps.submissions.request_files import freeze
from apps.submissions.services import Reservation, plan_submission
from tests import factories
from tests.submissions.scene import make_connection, make_request, make_submission, reread

S = SubmissionStatus
PRICE = {
    "input": "1",
    "output": "10",
    "cached_input": "0.1",
    "source": "test",
    "as_of": "",
    "is_guess": False,
}


@pytest.fixture
def project(db: None) -> Project:
    return factories.make_project()


def cap(project: Project, *, total: str | None = None, month: str | None = None) -> None:
    Budget.objects.update_or_create(project=project, defaults={"total_cap": total, "month_cap": month})


def standing(project: Project) -> list[tuple[Any, Any]]:
    """(reserved, spent) of all time and of the month."""
    return list(Spending.objects.filter(project=project).order_by("period").values_list("reserved", "spent"))


def planned(project: Project, amount: str = "4") -> Submission:
    (frozen,) = freeze(make_connection("rules"), [make_request()], total=1)
    submission = plan_submission(
        frozen=frozen,
        project=project,
        connection=make_connection("rules"),
        purpose="test",
        reservation=Reservation(amount=Decimal(amount), price=PRICE, synchronous_price=PRICE),
    )
    return reread(submission)


def end(submission: Submission, *path: str, **values: Any) -> Submission:
    """Moves it along ``path`` to its end; ``values`` are what came back."""
    Submission.objects.filter(pk=submission.pk).update(**values)
    submission = reread(submission)
    for status in path:
        more = {"screened_at": submission.created_at} if status == S.SCREENED else {}
        move(submission, status, **more)
    return reread(submission)


SENT = (S.SCREENED, S.SENDING, S.ACCEPTED)
INGESTED = (*SENT, S.INGESTING, S.DONE)
POSTED = {"post_count": 1}


def test_a_reservation_counts_in_both_periods(project: Project) -> None:
    assert reserve(project=project, amount=Decimal("2.5")) == Spending.objects.latest("pk").period
    assert standing(project) == [(Decimal("2.5"), 0), (Decimal("2.5"), 0)]


@pytest.mark.parametrize(
    ("caps", "said"), [({"total": "10"}, "this project"), ({"month": "10"}, "cap of 20")]
)
def test_over_a_cap_nothing_is_taken_and_the_refusal_says_what_to_do(
    project: Project, caps: dict[str, str], said: str
) -> None:
    cap(project, **caps)
    reserve(project=project, amount=Decimal(6))
    with pytest.raises(RefusedError) as refused:
        reserve(project=project, amount=Decimal(5))
    (problem,) = refused.value.problems
    assert said in problem
    assert "$6.00 reserved" in problem
    assert "raise the cap" in problem
    assert standing(project) == [(6, 0), (6, 0)]
    with pytest.raises(RefusedError):
        refuse_over_budget(project=project, amount=Decimal(5))
    refuse_over_budget(project=project, amount=Decimal(4))


def test_a_refused_submission_leaves_no_row(project: Project) -> None:
    cap(project, total="3")
    with pytest.raises(RefusedError):
        planned(project)
    assert not Submission.objects.exists()


@pytest.mark.parametrize("caps", [{"total": "100"}, {"month": "100"}])
def test_under_a_cap_nothing_without_a_price_is_sent(project: Project, caps: dict[str, str]) -> None:
    """It would cost money that no cap counts."""
    connection = make_connection("rules")
    make_submission(project, connection=connection)
    cap(project, **caps)
    with pytest.raises(RefusedError) as refused:
        make_submission(project, connection=connection)
    assert "Enter one in the admin" in refused.value.problems[0]
    assert Submission.objects.count() == 1


def test_what_costs_nothing_has_a_price_and_is_sent_under_any_cap(project: Project) -> None:
    cap(project, total="0", month="0")
    planned(project, "0")


def test_what_came_back_is_what_it_cost_and_the_rest_is_free_again(project: Project) -> None:
    submission = end(
        planned(project),
        *INGESTED,
        sent_at="2026-11-01T00:00Z",
        input_tokens=500_000,
        output_tokens=100_000,
        **POSTED,
    )
    assert (submission.cost, submission.cost_is_guess) == (Decimal("1.5"), False)
    assert standing(project) == [(0, Decimal("1.5")), (0, Decimal("1.5"))]


@pytest.mark.parametrize(
    ("path", "values", "cost", "is_guess"),
    [
        ((S.CANCELLED,), {}, "0", False),
        ((S.FAILED,), {}, "0", False),
        ((S.SCREENED, S.SENDING, S.REJECTED), POSTED, "0", False),
        ((*SENT, S.FAILED), POSTED, "0", False),
        ((*SENT, S.CANCELLED), POSTED, "4", True),
        ((S.SCREENED, S.SENDING, S.UNKNOWN, S.CANCELLED), POSTED, "4", True),
    ],
)
def test_every_end_is_settled_and_a_guess_is_called_one(
    project: Project, path: tuple[str, ...], values: dict[str, Any], cost: str, *, is_guess: bool
) -> None:
    sent = {"sent_at": "2026-11-01T00:00Z"} if values else {}
    submission = end(planned(project), *path, **values, **sent)
    assert (submission.cost, submission.cost_is_guess) == (Decimal(cost), is_guess)
    assert standing(project) == [(0, Decimal(cost)), (0, Decimal(cost))]


def test_tokens_without_a_price_cost_nobody_knows_what(project: Project) -> None:
    submission = make_submission(project, connection=make_connection("rules"))
    submission = end(submission, *INGESTED, sent_at="2026-11-01T00:00Z", input_tokens=5, **POSTED)
    assert (submission.cost, submission.cost_is_guess) == (Decimal(0), True)
    assert standing(project) == []


def test_settling_twice_counts_once(project: Project) -> None:
    submission = end(planned(project), *SENT, S.CANCELLED, sent_at="2026-11-01T00:00Z", **POSTED)
    settle(submission)
    assert standing(project) == [(0, 4), (0, 4)]


def test_cached_tokens_have_a_price_of_their_own() -> None:
    assert tokens_cost(PRICE, input_tokens=1_000_000, output_tokens=0, cached_tokens=1_000_000) == Decimal(
        "0.1"
    )
    assert tokens_cost({}, input_tokens=10, output_tokens=10) == 0


def rivals(work: Callable[[], object], *, number: int) -> int:
    """How many of ``number`` threads that ``work`` at once were not refused."""
    barrier, done = threading.Barrier(number), []

    def one() -> None:
        barrier.wait()
        try:
            work()
        except RefusedError:
            return
        else:
            done.append(1)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(done)


@pytest.mark.django_db(transaction=True)
def test_of_rivals_at_a_cap_only_as_many_pass_as_fit() -> None:
    project = factories.make_project()
    cap(project, total="10")
    passed = rivals(lambda: reserve(project=project, amount=Decimal(4)), number=6)
    assert passed == 2
    assert Spending.objects.get(project=project, period="").reserved == 8


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_reading_before_writing_would_let_rivals_over_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the sum is looked at first, as one might write it. (SQLite has one writer at a time.)"""
    project = factories.make_project()
    cap(project, total="10")
    reserve(project=project, amount=Decimal(0))
    together = threading.Barrier(4)

    def read_then_write(rows: Any, amount: Decimal, limit: Decimal | None) -> bool:
        row = rows.get()
        if row.period == "":
            together.wait()
        fits = limit is None or row.reserved + amount <= limit
        return bool(fits and rows.update(reserved=F("reserved") + amount))

    monkeypatch.setattr(budgets, "_take", read_then_write)
    assert rivals(lambda: reserve(project=project, amount=Decimal(4)), number=4) == 4
    assert Spending.objects.get(project=project, period="").reserved == 16
    assert database.vendor == "postgresql"


def test_asking_the_missing_again_reserves_their_share(project: Project) -> None:
    (frozen,) = freeze(make_connection("rules"), [make_request(first=2 * n) for n in range(4)], total=4)
    submission = plan_submission(
        frozen=frozen,
        project=project,
        connection=make_connection("rules"),
        purpose="test",
        reservation=Reservation(amount=Decimal(4), price=PRICE),
    )
    submission.requests.filter(pk=submission.requests.latest("pk").pk).update(outcome="missing")
    again = services.resend_missing(submission=reread(submission), actor=factories.make_user())
    assert (again.request_count, again.reserved) == (1, Decimal(1))
