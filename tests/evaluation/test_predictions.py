"""A model answers every row of the frozen holdout, once; what it answered is kept behind the wall, unscored."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from apps.core.errors import DomainError, RefusedError
from apps.core.tabular import FileRefusedError
from apps.core.uploads import Upload
from apps.evaluation.models import ModelUnderTest, Training
from apps.evaluation.services import upload_predictions
from apps.holdout.models import Prediction, PredictionSet
from tests.evaluation.scene import DATABASES, Court, answers, make_court, wrong_first

pytestmark = pytest.mark.django_db(databases=DATABASES)

FEW = {"refund": 2, "billing": 2, "abuse": 1}


@pytest.fixture
def court(db: None) -> Court:
    return make_court(rows=FEW)


def upload(court: Court, data: bytes, filename: str = "predictions.csv") -> ModelUnderTest:
    return upload_predictions(
        project=court.project,
        name="ours",
        upload=Upload(filename, data),
        trained_on=Training.UNKNOWN,
        actor=court.lead,
    )


def lines(court: Court, change: Callable[[list[str]], list[str]] = list) -> bytes:
    return "\n".join(change(answers(court.holdout).decode().split("\n"))).encode()


def test_answers_are_stored_behind_the_wall_without_a_score(court: Court) -> None:
    model = upload(court, lines(court))
    stored = PredictionSet.objects.get(uuid=model.prediction_set_uuid)
    assert stored.predictions_hash == model.predictions_hash
    assert model.holdout_uuid == court.seal.holdout_uuid
    assert set(stored.predictions.values_list("confidence", flat=True)) == {0.9}
    assert list(Prediction.objects.exclude(scores={})) == []


def test_jsonl_with_numbers_as_ids_and_no_score_is_read_too(court: Court) -> None:
    rows = [line.split(",") for line in lines(court).decode().split("\n")[1:]]
    data = "\n".join(json.dumps({"id": row[0], "prediction": row[1]}) for row in rows)
    model = upload(court, data.encode(), "predictions.jsonl")
    stored = Prediction.objects.filter(prediction_set__uuid=model.prediction_set_uuid)
    assert stored.count() == 5
    assert set(stored.values_list("confidence", flat=True)) == {None}


def test_every_bad_line_is_named_and_nothing_is_stored(court: Court) -> None:
    def spoil(rows: list[str]) -> list[str]:
        return [
            *rows[:2],  # header, refund-0
            "refund-0,billing,",
            "refund-9,billing,",
            "billing-0,,",
            "billing-1,billing,very sure",
            ",billing,",
        ]

    with pytest.raises(RefusedError) as caught:
        upload(court, lines(court, spoil))
    assert caught.value.problems == [
        "line 3: the row 'refund-0' was answered in line 2 already",
        "line 4: the holdout has no row 'refund-9'",
        "line 5: the row 'billing-0' needs a value in 'label' or 'prediction'",
        "line 6: the row 'billing-1' needs a number in 'score', or nothing",
        "line 7: needs a value in 'id'",
        "no answer for abuse-0",
        "no answer for refund-1",
    ]
    assert "5 lines cannot be used, 2 of 5 rows have no answer" in str(caught.value)
    assert not PredictionSet.objects.exists()
    assert not ModelUnderTest.objects.exists()


def test_many_missing_rows_are_counted_after_the_first_twenty(db: None) -> None:
    court = make_court(rows={"refund": 30, "billing": 2, "abuse": 1})
    with pytest.raises(RefusedError) as caught:
        upload(court, b"id,label\nrefund-0,refund")
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1] == "… and 12 more like these"


def test_a_file_that_is_no_table_is_refused(court: Court) -> None:
    with pytest.raises(FileRefusedError):
        upload(court, b"[1, 2]", "predictions.json")


def test_the_hash_follows_the_answers_and_not_their_order_or_confidence(court: Court) -> None:
    first = upload(court, lines(court))
    shuffled = lines(court, lambda rows: [rows[0], *reversed(rows[1:])]).replace(b"0.9", b"0.5")
    assert upload(court, shuffled).predictions_hash == first.predictions_hash
    other = upload(court, answers(court.holdout, wrong_first(refund=1)))
    assert other.predictions_hash != first.predictions_hash


def test_a_name_of_the_learner_is_refused(court: Court) -> None:
    with pytest.raises(DomainError, match="built-in learner"):
        court.upload("real")


@pytest.mark.parametrize(
    ("trained_on", "message"),
    [(Training.RELEASES, "Say which releases"), (Training.DECLARED, "Write down what")],
)
def test_what_it_was_trained_on_has_to_be_said(court: Court, trained_on: Training, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        court.upload("ours", trained_on=trained_on)


def test_without_a_frozen_holdout_there_is_nothing_to_answer(court: Court) -> None:
    court.project.seals.update(retired_at=court.seal.sealed_at)
    with pytest.raises(DomainError, match="no frozen holdout"):
        upload(court, b"id,label\nrefund-0,refund")


def test_the_newest_model_of_a_name_is_the_one_meant(court: Court) -> None:
    court.upload("ours")
    newest = court.upload("ours", wrong_first(refund=1))
    court.upload("theirs")
    latest = ModelUnderTest.objects.filter(project=court.project).latest_by_name()
    assert latest.get(name="ours") == newest
    assert latest.count() == 2
