"""The launch review: the rule on real holdout rows, and why a comparison can be worth nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connections, transaction

from apps.core.errors import DomainError
from apps.evaluation.launch import create_launch_review, find_model
from apps.evaluation.models import LaunchReview, Training
from apps.holdout.models import Prediction
from apps.intake.models import Import, ImportRole
from apps.leakage.models import ProtectedCorpus
from apps.records.models import SourceType
from apps.records.services import NewRecord, create_records
from apps.similarity.services import index_records
from apps.specs.models import Standing
from apps.specs.services import create_gap, open_gap
from apps.submissions.models import Submission
from apps.submissions.services import ensure_rules_connection
from tests.evaluation.scene import (
    DATABASES,
    Court,
    freeze_holdout,
    make_court,
    publish_guide,
    sentence,
    wrong_first,
)

pytestmark = pytest.mark.django_db(databases=DATABASES)


def invalid_codes(review: LaunchReview) -> list[str]:
    assert review.verdict == "INVALID"
    return [reason["code"] for reason in review.report["invalid"]]


def test_a_candidate_that_gains_on_the_gap_and_loses_nothing_ships(court: Court) -> None:
    court.upload_three()
    review = court.review()
    assert review.verdict == "SHIP"
    assert review.report["groups"]["rare"]["fixed"] == 26
    assert review.gap_names == ["refunds"]
    assert review.holdout_hash == court.seal.content_hash


def test_a_candidate_that_breaks_the_gap_does_not_ship(court: Court) -> None:
    court.upload_three()
    court.upload("worse", wrong_first(refund=40, billing=10))
    review = court.review("worse")
    assert review.verdict == "DO_NOT_SHIP"
    assert review.headline.startswith("Do not ship")


def test_an_equal_model_is_not_proven(court: Court) -> None:
    court.upload_three()
    court.upload("same", wrong_first(refund=30, billing=10, abuse=1))
    assert court.review("same").verdict == "NOT_PROVEN"


def test_a_gain_that_the_reweighted_control_has_too_is_not_proven(court: Court) -> None:
    court.upload_three()
    court.upload("as good", wrong_first(refund=4, billing=10))
    review = court.review(control="as good")
    assert review.verdict == "NOT_PROVEN"
    assert review.report["gates"]["control"]["passed"] is False
    assert review.report["gates"]["rare"]["passed"] is True


def test_the_report_keeps_the_promised_keys(court: Court) -> None:
    court.upload_three()
    report = court.review().report
    assert {
        "verdict",
        "reasons",
        "gates",
        "overall",
        "slices",
        "groups",
        "looks",
        "trained_on",
        "sensitivity",
    } <= set(report)
    assert [(item["name"], item["role"], item["n"]) for item in report["slices"]] == [
        ("refund", "rare", 40),
        ("billing", "common", 140),
        ("abuse", "other", 20),
    ]
    refund = report["slices"][0]
    assert (refund["baseline"], refund["control"], refund["candidate"]) == (0.25, 0.3, 0.9)
    assert (refund["fixed"], refund["broken"], refund["change"]) == (26, 0, 0.65)
    assert refund["f1"]["candidate"] == pytest.approx(72 / 76)
    assert report["overall"]["n"] == 200
    assert list(report["gates"]) == ["overall", "common", "rare", "control", "tripwire"]
    assert report["looks"] == {"used": 1, "declared": 2}
    assert report["trained_on"]["candidate"]["how"] == "unknown"


def test_without_a_registered_gap_the_frozen_rare_labels_are_the_gap() -> None:
    court = make_court(is_gap_open=False)
    court.upload_three()
    review = court.review()
    assert (review.verdict, review.gap_names) == ("SHIP", [])
    assert review.report["groups"]["rare"]["n"] == 40


def test_a_gap_takes_its_labels_out_of_the_common_ones(court: Court) -> None:
    wide = create_gap(
        project=court.project, name="also billing", target_labels=["billing"], target_count=5, actor=None
    )
    open_gap(gap=wide, actor=None)
    court.upload_three()
    roles = {item["name"]: item["role"] for item in court.review().report["slices"]}
    assert roles == {"refund": "rare", "billing": "rare", "abuse": "other"}


@pytest.mark.parametrize(
    ("trained_on", "note", "sentence_"),
    [
        (Training.UNKNOWN, "", "What after was trained on is unknown: leakage cannot be checked."),
        (
            Training.DECLARED,
            "our tickets of 2025",
            "What after was trained on is declared, not known: leakage cannot be checked.",
        ),
    ],
)
def test_the_verdict_says_that_leakage_of_an_outside_model_cannot_be_checked(
    court: Court, trained_on: Training, note: str, sentence_: str
) -> None:
    court.upload_three(trained_on=trained_on, note=note)
    review = court.review()
    assert review.headline.endswith(sentence_)
    assert review.report["caveats"][0] == sentence_
    assert review.report["trained_on"]["candidate"]["note"] == note


def test_a_sandbox_cannot_reach_a_launch_review(court: Court) -> None:
    court.upload_three()
    court.project.standing = Standing.SANDBOX
    court.project.save()
    with pytest.raises(DomainError, match="sandbox"):
        court.review()
    assert not LaunchReview.objects.exists()


def test_a_candidate_cannot_be_its_own_baseline(court: Court) -> None:
    court.upload_three()
    with pytest.raises(DomainError, match="its own baseline"):
        court.review(baseline="after")


def test_models_of_another_project_are_refused(court: Court) -> None:
    court.upload_three()
    other = make_court(rows={"refund": 1, "billing": 1, "abuse": 1})
    stranger = other.upload("stranger")
    with pytest.raises(DomainError, match="not models of"):
        create_launch_review(
            project=court.project,
            baseline=stranger,
            control=court.models["reweighted"],
            candidate=court.models["after"],
            actor=None,
        )


def test_a_name_that_no_model_has_is_answered_with_those_there_are(court: Court) -> None:
    court.upload_three()
    with pytest.raises(DomainError, match="There is: after, before, reweighted"):
        find_model(court.project, "blended")


def test_a_launch_review_never_changes(court: Court) -> None:
    court.upload_three()
    review = court.review()
    with pytest.raises(DatabaseError), transaction.atomic():
        LaunchReview.objects.filter(pk=review.pk).update(verdict="SHIP")


# --- INVALID, each for its own reason; none of them looks at a score


@pytest.fixture
def _nothing_was_scored() -> Iterator[None]:
    yield
    assert not Prediction.objects.exclude(scores={}).exists()


@pytest.mark.usefixtures("_nothing_was_scored")
class TestInvalid:
    def test_a_holdout_that_is_not_frozen_any_more(self, court: Court) -> None:
        court.upload_three()
        court.retire_holdout()
        review = court.review()
        assert invalid_codes(review) == ["not_frozen"]
        assert review.look is None
        assert review.report["slices"] == []

    def test_models_that_answered_a_holdout_that_was_retired(self, court: Court) -> None:
        court.upload_three()
        court.retire_holdout()
        freeze_holdout(court.project)
        court.upload("after")
        review = court.review()
        assert invalid_codes(review) == ["not_frozen"]
        assert review.reasons == [
            "The baseline and the control answered another holdout than the one that is frozen now."
        ]

    def test_rows_that_no_longer_match_the_seal(self, court: Court) -> None:
        court.upload_three()
        with connections["holdout"].cursor() as cursor:
            _drop_guards(cursor)
            cursor.execute(
                "UPDATE holdout_holdoutrecord SET source_id = 'other' WHERE source_id = 'refund-0'"
            )
        assert invalid_codes(court.review()) == ["not_frozen"]

    def test_stored_answers_that_are_not_those_handed_in(self, court: Court) -> None:
        court.upload_three()
        stored = Prediction.objects.filter(prediction_set__uuid=court.models["after"].prediction_set_uuid)
        stored.filter(record__source_id="refund-0").update(output={"label": "refund"})
        review = court.review()
        assert invalid_codes(review) == ["predictions_changed"]
        assert "of the candidate" in review.reasons[0]

    def test_labels_that_were_redefined_after_freezing(self, court: Court) -> None:
        court.upload_three()
        guide = publish_guide(court.project, "refund", "billing", "abuse", "spam")
        review = court.review()
        assert invalid_codes(review) == ["labels_changed"]
        assert f"v{guide.version} means something else" in review.reasons[0]

    def test_a_run_that_was_sent_before_the_seal(self, court: Court) -> None:
        run = uuid4()
        release = court.release("they renewed me and kept the money", run_uuid=run)
        court.upload_three(trained_on=Training.RELEASES, releases=[release])
        _send(court, run, before_seal=True)
        review = court.review()
        assert invalid_codes(review) == ["made_before_seal"]
        assert str(release.items.order_by("-position")[0].record.uuid) in review.reasons[0]

    def test_candidates_that_were_imported_before_the_seal(self, court: Court) -> None:
        import_ = Import.objects.create(
            project=court.project,
            role=ImportRole.CANDIDATES,
            gap=court.gap,
            filename="candidates.jsonl",
            sha256="0" * 64,
            committed_at=court.seal.sealed_at - timedelta(minutes=1),
        )
        release = court.release("they renewed me and kept the money", import_uuid=import_.uuid)
        court.upload_three(trained_on=Training.RELEASES, releases=[release])
        assert invalid_codes(court.review()) == ["made_before_seal"]

    def test_a_training_row_that_equals_a_holdout_row(self, court: Court) -> None:
        text = sentence("refund", 0, "dear team").upper() + "!!"
        row = NewRecord(
            source_type=SourceType.REAL, use="train", input={"text": text}, output={"label": "refund"}
        )
        (record,) = create_records(project=court.project, rows=[row], actor=None)
        release = court.release("they renewed me and kept the money")
        court.upload_three(trained_on=Training.RELEASES, releases=[release])
        review = court.review()
        assert invalid_codes(review) == ["training_row_in_holdout"]
        assert str(record.uuid) in review.reasons[0]

    def test_a_synthetic_training_record_that_quotes_the_holdout(self, court: Court) -> None:
        # A whole sentence of the holdout inside a longer text. Released while the fingerprints were away.
        corpora = ProtectedCorpus.objects.all()
        corpora.update(project_uuid=uuid4())
        release = court.release(f"Hello there. {sentence('refund', 1, 'dear team')}. Thank you very much.")
        corpora.update(project_uuid=court.project.uuid)
        court.upload_three(trained_on=Training.RELEASES, releases=[release])
        assert invalid_codes(court.review()) == ["synthetic_leak"]


def test_spent_looks_are_invalid_and_score_nothing_new(court: Court) -> None:
    court.upload_three()
    court.review()
    court.upload("second", wrong_first(refund=5))
    court.review("second")
    third = court.upload("third", wrong_first(refund=6))
    review = court.review("third")
    assert invalid_codes(review) == ["looks_spent"]
    assert review.report["looks"] == {"used": 2, "declared": 2}
    stored = Prediction.objects.filter(prediction_set__uuid=third.prediction_set_uuid)
    assert not stored.exclude(scores={}).exists()
    assert court.review("second").verdict == "SHIP"


def test_a_run_that_was_sent_after_the_seal_is_fine(court: Court) -> None:
    run = uuid4()
    release = court.release("they renewed me and kept the money", run_uuid=run)
    _send(court, run, before_seal=False)
    court.upload_three(trained_on=Training.RELEASES, releases=[release])
    review = court.review()
    assert review.verdict == "SHIP"
    assert review.report["trained_on"]["candidate"]["releases"] == [1]


def test_near_real_rows_are_counted_and_the_rule_is_applied_without_them(court: Court) -> None:
    near = court.add_real(sentence("refund", 39, "dear team") + " s", "refund")
    index_records(project_id=court.project.pk, texts=[(near.pk, near.input["text"])])
    release = court.release("they renewed me and kept the money")
    court.upload_three(trained_on=Training.RELEASES, releases=[release])
    review = court.review()
    assert review.verdict == "SHIP"
    sensitivity = review.report["sensitivity"]
    assert (sensitivity["training_rows"], sensitivity["holdout_rows"], sensitivity["verdict"]) == (
        1,
        1,
        "SHIP",
    )
    assert sensitivity["groups"]["rare"]["n"] == 39
    # The row itself says that the index has not taken it up yet.
    assert sensitivity["unindexed"] == 1


def _send(court: Court, run_uuid: UUID, *, before_seal: bool) -> None:
    """A submission of that run, sent a minute before or after the holdout was sealed."""
    moment = court.seal.sealed_at + timedelta(minutes=-1 if before_seal else 1)
    Submission.objects.create(
        project=court.project,
        connection=ensure_rules_connection(),
        purpose="generate",
        run_uuid=run_uuid,
        nonce=uuid4().hex,
        request_file="r.jsonl",
        request_sha256="0" * 64,
        request_count=1,
        screened_at=moment,
        status="done",
        sent_at=moment,
        post_count=1,
    )


def _drop_guards(cursor: object) -> None:
    """As somebody would who has the database's own password."""
    table = " ON holdout_holdoutrecord" if connections["holdout"].vendor == "postgresql" else ""
    cursor.execute("DROP TRIGGER holdout_holdoutrecord_frozen_u" + table)  # type: ignore[attr-defined]
