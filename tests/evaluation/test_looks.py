"""A candidate's first comparison costs a look, reserved before a score exists; the same one again is free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import DatabaseError, connections, transaction

from apps.evaluation import looks
from apps.evaluation.looks import budget_of, reserve_look
from apps.evaluation.models import Look
from apps.holdout.models import Prediction
from tests.evaluation.scene import DATABASES, Court, make_court, wrong_first

SMALL = {"refund": 3, "billing": 3, "abuse": 2}


def reserve(
    court: Court, candidate: str, *, baseline: str = "before", control: str = "reweighted"
) -> Look | None:
    try:
        return reserve_look(
            seal=court.seal,
            baseline=court.models[baseline],
            control=court.models[control],
            candidate=court.models[candidate],
            actor=court.lead,
        )
    finally:
        connections.close_all()


def make_small_court() -> Court:
    court = make_court(rows=SMALL)
    court.upload("before", wrong_first(refund=3))
    court.upload("reweighted", wrong_first(refund=2))
    court.upload("after")
    court.upload("another", wrong_first(abuse=1))
    return court


@pytest.mark.django_db(databases=DATABASES)
def test_no_score_exists_until_a_look_is_committed() -> None:
    court = make_court()
    court.upload_three()
    assert not Prediction.objects.exclude(scores={}).exists()
    review = court.review()
    assert review.look is not None
    scored = Prediction.objects.exclude(scores={}).values_list("prediction_set__uuid", flat=True).distinct()
    assert set(scored) == {model.prediction_set_uuid for model in court.models.values()}


@pytest.mark.django_db(databases=DATABASES)
def test_a_look_that_cannot_be_reserved_leaves_everything_unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    court = make_court()
    court.upload_three()

    def power_cut(**values: object) -> None:
        raise DatabaseError("the power went")

    monkeypatch.setattr("apps.evaluation.launch.reserve_look", power_cut)
    with pytest.raises(DatabaseError, match="the power went"):
        court.review()
    assert not Prediction.objects.exclude(scores={}).exists()


@pytest.mark.django_db(databases=DATABASES)
def test_the_same_comparison_again_is_free() -> None:
    court = make_court()
    court.upload_three()
    first, second = court.review(), court.review()
    assert first.look == second.look
    assert budget_of(court.seal).as_json() == {"used": 1, "declared": 2}
    assert first.report["slices"] == second.report["slices"]


@pytest.mark.django_db(databases=DATABASES)
def test_a_new_model_in_the_place_of_the_baseline_of_a_known_candidate_costs_a_look() -> None:
    court = make_court()
    court.upload_three()
    court.review()
    court.upload("tried out", wrong_first(refund=9))
    assert court.review(baseline="tried out").verdict != "INVALID"
    assert budget_of(court.seal).used == 2
    court.upload("and another", wrong_first(refund=8))
    review = court.review(baseline="and another")
    assert (review.verdict, review.report["invalid"][0]["code"]) == ("INVALID", "looks_spent")


@pytest.mark.django_db(databases=DATABASES)
def test_a_comparison_that_died_after_its_look_is_made_again_for_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    court = make_court()
    court.upload_three()

    def power_cut(*values: object) -> None:
        raise DatabaseError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("apps.evaluation.launch.score_models", power_cut)
        with pytest.raises(DatabaseError, match="the power went"):
            court.review()
    assert court.review().verdict == "SHIP"
    assert budget_of(court.seal).used == 1


@pytest.mark.django_db(databases=DATABASES)
def test_a_baseline_that_was_scored_before_is_free_beside_a_known_candidate() -> None:
    court = make_court()
    court.upload_three()
    court.review()
    assert court.review(baseline="reweighted", control="before").look is not None
    assert budget_of(court.seal).used == 1


@pytest.mark.django_db(databases=DATABASES)
def test_a_look_is_never_changed_or_taken_back() -> None:
    court = make_small_court()
    look = reserve(court, "after")
    assert look is not None
    with pytest.raises(DatabaseError), transaction.atomic():
        Look.objects.filter(pk=look.pk).update(number=9)
    with pytest.raises(DatabaseError), transaction.atomic():
        Look.objects.filter(pk=look.pk).delete()


def reserve_at_once(court: Court, *candidates: str) -> list[Look | None]:
    barrier = Barrier(len(candidates))

    def press(candidate: str) -> Look | None:
        barrier.wait()
        return reserve(court, candidate)

    with ThreadPoolExecutor(len(candidates)) as people:
        return list(people.map(press, candidates))


@pytest.mark.django_db(databases=DATABASES, transaction=True)
def test_two_people_who_press_at_once_for_one_candidate_take_one_look() -> None:
    court = make_small_court()
    one, other = reserve_at_once(court, "after", "after")
    assert one is not None
    assert one == other
    assert Look.objects.count() == 1


@pytest.mark.django_db(databases=DATABASES, transaction=True)
def test_two_people_never_share_the_last_look() -> None:
    court = make_small_court()
    court.upload("third", wrong_first(billing=1))
    assert reserve(court, "third") is not None
    taken = reserve_at_once(court, "after", "another")
    assert [look is None for look in taken].count(True) == 1
    assert sorted(Look.objects.values_list("number", flat=True)) == [1, 2]


@pytest.mark.django_db(databases=DATABASES, transaction=True)
def test_without_standing_in_line_the_database_itself_refuses_the_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control of the race: both see the same count, and the unique number is what is left to stop one."""
    court = make_small_court()
    monkeypatch.setattr(looks, "looked_at", lambda seal: set())
    assert reserve(court, "after") is not None
    with pytest.raises(DatabaseError):
        reserve(court, "another")
