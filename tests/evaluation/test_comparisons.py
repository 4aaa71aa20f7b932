"""Comparing arms in the background: cross-validation on real rows, and answers to the holdout that nobody scores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import DomainError
from apps.datasets.models import Release
from apps.evaluation import comparisons, learner
from apps.evaluation.comparisons import MAX_ATTEMPTS, request_comparison, work_on_comparison
from apps.evaluation.models import Comparison, ComparisonStatus, ModelUnderTest
from apps.evaluation.tasks import SWEEPS
from apps.holdout.models import Prediction, PredictionSet
from apps.records.models import Use
from tests.evaluation.scene import DATABASES, Court, make_court, sentence

pytestmark = pytest.mark.django_db(databases=DATABASES)

SMALL = {"refund": 6, "billing": 6, "abuse": 3}


@pytest.fixture
def court(db: None) -> Court:
    court = make_court(rows=SMALL)
    court.add_train_rows(refund=3, billing=8, abuse=6)
    return court


@pytest.fixture
def release(court: Court) -> Release:
    return court.release(*(sentence("refund", n, "you took my money") for n in range(8)))


def ask(court: Court, *arms: str, folds: int = 2) -> Comparison:
    return request_comparison(project=court.project, arms=arms or learner.ARMS, folds=folds, actor=court.lead)


def finish(comparison: Comparison) -> Comparison:
    work_on_comparison(comparison.pk)
    comparison.refresh_from_db()
    return comparison


def test_arms_are_compared_on_real_rows_by_overall_role_and_label(court: Court, release: Release) -> None:
    comparison = finish(ask(court))
    assert comparison.status == ComparisonStatus.DONE
    assert comparison.results["scored_on"] == "cross-validation on real rows"
    arms = comparison.results["arms"]
    assert set(arms) == {"real", "control", "synthetic", "blended"}
    assert {item["name"]: (item["role"], item["n"]) for item in arms["real"]["slices"]} == {
        "refund": ("rare", 3),
        "billing": ("common", 8),
        "abuse": ("other", 6),
    }
    assert arms["blended"]["groups"]["rare"]["n"] == 3
    assert arms["blended"]["overall"]["n"] == 17
    assert (comparison.steps_done, comparison.steps_total, comparison.current_step) == (4, 4, "")


def test_no_score_on_the_holdout_comes_of_it(court: Court, release: Release) -> None:
    finish(ask(court))
    assert Prediction.objects.count() == 3 * sum(SMALL.values())
    assert not Prediction.objects.exclude(scores={}).exists()


def test_real_control_and_blended_answer_the_holdout_and_synthetic_never(
    court: Court, release: Release
) -> None:
    comparison = finish(ask(court))
    models = ModelUnderTest.objects.filter(project=court.project)
    assert {model.name for model in models} == {"real", "control", "blended"}
    assert set(comparison.results["models"]) == {"real", "control", "blended"}
    blended = models.get(name="blended")
    assert (blended.trained_on, blended.release_uuids) == ("releases", [str(release.uuid)])
    assert "real and synthetic rows of release 1" in blended.training_note
    stored = PredictionSet.objects.get(uuid=blended.prediction_set_uuid)
    assert (stored.holdout, stored.predictions_hash) == (court.holdout, blended.predictions_hash)


def test_a_later_comparison_takes_the_names_over(court: Court, release: Release) -> None:
    finish(ask(court, "real"))
    first = ModelUnderTest.objects.get(name="real")
    finish(ask(court, "real"))
    latest = ModelUnderTest.objects.filter(project=court.project).latest_by_name()
    assert latest.get(name="real").pk > first.pk


def test_before_any_release_the_real_only_arms_can_be_compared(court: Court) -> None:
    comparison = finish(ask(court, "real", "control"))
    assert comparison.status == ComparisonStatus.DONE
    assert ModelUnderTest.objects.get(name="real").release_uuids == []
    with pytest.raises(DomainError, match="build a release first"):
        ask(court, "blended")


def test_rows_of_other_splits_are_left_alone(court: Court) -> None:
    court.project.release_policy = court.project.release_policy | {"splits": {"train": 0.5, "dev": 0.5}}
    court.project.save()
    release = court.release(*(sentence("refund", n, "you took my money") for n in range(8)))
    in_train = release.items.filter(eval_split="train", record__source_type="real").count()
    assert 0 < in_train < 17
    comparison = finish(ask(court, "real"))
    assert comparison.results["arms"]["real"]["overall"]["n"] == in_train


def test_seed_rows_are_not_asked(court: Court) -> None:
    court.add_real("a real row that a generator has seen", "refund", use=Use.SEED)
    comparison = finish(ask(court, "real"))
    assert comparison.results["arms"]["real"]["overall"]["n"] == 17


@pytest.mark.parametrize(
    ("arms", "folds", "message"),
    [
        (("real", "magic"), 2, "no arm magic"),
        (("real",), 1, "Folds: 2 to 10"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    court: Court, arms: tuple[str, ...], folds: int, message: str
) -> None:
    with pytest.raises(DomainError, match=message):
        ask(court, *arms, folds=folds)


def test_one_label_alone_fails_at_once_and_says_why(db: None) -> None:
    court = make_court(rows=SMALL)
    court.add_train_rows(refund=4)
    comparison = finish(ask(court, "real"))
    assert comparison.status == ComparisonStatus.FAILED
    assert "fewer than two labels" in comparison.last_error


def test_the_sweep_finds_what_was_asked_for(court: Court) -> None:
    comparison = ask(court, "real")
    (sweep,) = SWEEPS
    assert list(sweep.due()) == [comparison.pk]
    sweep.task(comparison.pk)
    assert list(sweep.due()) == []


def test_a_worker_hands_back_when_its_time_is_over_and_the_next_one_goes_on(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = ask(court, "real")
    monkeypatch.setattr(comparisons, "SLICE_SECONDS", -1)
    finish(comparison)
    assert (comparison.status, comparison.steps_done) == (ComparisonStatus.QUEUED, 0)
    monkeypatch.setattr(comparisons, "SLICE_SECONDS", 100)
    assert finish(comparison).status == ComparisonStatus.DONE


def test_a_worker_that_died_is_followed_by_one_that_keeps_its_steps(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = ask(court, "real")
    trained: list[int] = []
    predict = learner.predict

    def die_on_the_second(*arguments: Any, **values: Any) -> Any:
        trained.append(len(values["texts"]))
        if len(trained) == 2:
            raise KeyboardInterrupt
        return predict(*arguments, **values)

    monkeypatch.setattr(learner, "predict", die_on_the_second)
    with pytest.raises(KeyboardInterrupt):
        work_on_comparison(comparison.pk)
    comparison.refresh_from_db()
    assert (comparison.status, comparison.steps_done) == (ComparisonStatus.RUNNING, 1)
    work_on_comparison(comparison.pk)  # its lease has not run out: nothing happens
    assert len(trained) == 2
    Comparison.objects.filter(pk=comparison.pk).update(next_attempt_at=timezone.now())
    assert finish(comparison).status == ComparisonStatus.DONE
    # fold 1; fold 2 that died; fold 2; the holdout
    assert len(trained) == 4


def test_answers_that_were_stored_before_a_crash_are_not_stored_twice(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = ask(court, "real")
    create = ModelUnderTest.objects.get_or_create

    def die(**values: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelUnderTest.objects, "get_or_create", die)
    with pytest.raises(KeyboardInterrupt):
        work_on_comparison(comparison.pk)
    monkeypatch.setattr(ModelUnderTest.objects, "get_or_create", create)
    Comparison.objects.filter(pk=comparison.pk).update(next_attempt_at=timezone.now())
    assert finish(comparison).status == ComparisonStatus.DONE
    assert PredictionSet.objects.count() == 1
    assert ModelUnderTest.objects.count() == 1


def test_an_error_is_tried_again_later_and_fails_after_a_few_times(
    court: Court, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = ask(court, "real")

    def out_of_memory(*arguments: Any, **values: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(learner, "predict", out_of_memory)
    finish(comparison)
    assert (comparison.status, comparison.attempts) == (ComparisonStatus.QUEUED, 1)
    assert comparison.last_error == "MemoryError while: fold 1 of 2"
    assert comparison.next_attempt_at is not None
    assert comparison.next_attempt_at > timezone.now() + timedelta(seconds=5)
    for _ in range(MAX_ATTEMPTS - 1):
        Comparison.objects.filter(pk=comparison.pk).update(next_attempt_at=timezone.now())
        finish(comparison)
    assert comparison.status == ComparisonStatus.FAILED


def test_a_comparison_whose_workers_die_every_time_fails_in_the_end(court: Court) -> None:
    comparison = ask(court, "real")
    Comparison.objects.filter(pk=comparison.pk).update(attempts=MAX_ATTEMPTS, current_step="fold 1 of 2")
    finish(comparison)
    assert comparison.status == ComparisonStatus.FAILED
    assert comparison.last_error == f"Its worker died {MAX_ATTEMPTS} times while: fold 1 of 2"
