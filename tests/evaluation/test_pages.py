"""The evaluation pages: who may see them, what they say, and that reading never looks."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.evaluation.comparisons import request_comparison, work_on_comparison
from apps.evaluation.models import Comparison, LaunchReview, Look, ModelUnderTest
from apps.holdout.models import Prediction
from apps.specs.models import Role, Standing
from tests import factories
from tests.evaluation.scene import DATABASES, Court, answers, make_court, publish_guide, wrong_first

pytestmark = pytest.mark.django_db(databases=DATABASES)

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lead(client: Client, court: Court) -> Client:
    client.force_login(court.lead)
    return client


def address(name: str, court: Court, *args: Any) -> str:
    return reverse(f"evaluation:{name}", args=[court.project.slug, *args])


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_the_home_says_how_many_looks_are_left(lead: Client, court: Court) -> None:
    text = text_of(lead, address("evaluation-home", court))
    assert "The frozen holdout has 200 real rows. 0 of 2 looks at it are used; 2 left." in text
    assert "Not enough models yet" in text


def test_reading_pages_computes_no_score(lead: Client, court: Court) -> None:
    court.upload_three()
    text_of(lead, address("evaluation-home", court))
    assert not Prediction.objects.exclude(scores={}).exists()
    assert not Look.objects.exists()


def test_predictions_are_uploaded_by_the_form(lead: Client, court: Court) -> None:
    file = SimpleUploadedFile("predictions.csv", answers(court.holdout))
    values = {"name": "ours", "file": file, "trained_on": "declared", "note": "our tickets"}
    response = lead.post(address("predictions-new", court), values)
    assert response["Location"] == address("evaluation-home", court)
    model = ModelUnderTest.objects.get()
    assert (model.name, model.training_note, model.created_by) == ("ours", "our tickets", court.lead)


def test_a_file_that_does_not_fit_is_refused_beside_the_form_with_its_lines(
    lead: Client, court: Court
) -> None:
    file = SimpleUploadedFile("predictions.csv", b"id,label\nrefund-0,refund\nnobody,refund")
    response = lead.post(
        address("predictions-new", court), {"name": "ours", "file": file, "trained_on": "unknown"}
    )
    text = response.content.decode()
    assert response.status_code == 422
    assert "line 3: the holdout has no row &#x27;nobody&#x27;" in text
    assert "199 of 200 rows have no answer" in text
    assert not ModelUnderTest.objects.exists()


def test_the_launch_form_asks_for_the_verdict_and_shows_it(lead: Client, court: Court) -> None:
    court.upload_three()
    values = {
        "baseline": court.models["before"].pk,
        "control": court.models["reweighted"].pk,
        "candidate": court.models["after"].pk,
    }
    response = lead.post(address("launch-new", court), values)
    review = LaunchReview.objects.get()
    assert response["Location"] == address("launch-detail", court, review.uuid)
    assert review.created_by == court.lead
    text = text_of(lead, response["Location"])
    assert "Ship: the gap gains" in text
    assert "+65.0 pp" in text
    assert "25% → 90% of 40; F1" in text
    assert "1 of 2 used; this is look 1" in text
    assert "What has to hold to ship" in text


def test_a_gate_that_failed_says_so_in_words(lead: Client, court: Court) -> None:
    court.upload_three()
    court.upload("same", wrong_first(refund=29, billing=10))
    text = text_of(lead, address("launch-detail", court, court.review("same").uuid))
    assert "The gap gains" in text
    assert "failed" in text


def test_an_invalid_review_says_why_and_shows_no_score(lead: Client, court: Court) -> None:
    court.upload_three()
    publish_guide(court.project, "refund", "billing", "abuse", "spam")
    text = text_of(lead, address("launch-detail", court, court.review().uuid))
    assert "No verdict: The labels changed since freezing" in text
    assert "No score was computed and no look was spent on this." in text
    assert "CSV" not in text


def test_the_csv_has_the_same_numbers_and_no_formula(lead: Client, court: Court) -> None:
    court.upload_three()
    review = court.review()
    response = lead.get(address("launch-csv", court, review.uuid))
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["name"] for row in rows] == [
        "The gap", "Common labels", "Other labels", "All records", "refund", "billing", "abuse",
    ]  # fmt: skip
    refund = rows[4]
    assert (refund["role"], refund["n"], refund["baseline"], refund["fixed"]) == ("rare", "40", "0.25", "26")
    assert response["Content-Disposition"].endswith('.csv"')


def test_the_page_and_its_csv_have_every_score_and_the_calibration(lead: Client, court: Court) -> None:
    court.upload_three()
    review = court.review()
    page = text_of(lead, address("launch-detail", court, review.uuid))
    for said in (
        "All scores of this task",
        "Accuracy",
        "Macro-F1",
        "Brier",
        "Can its confidence be believed?",
    ):
        assert said in page
    response = lead.get(address("launch-scores-csv", court, review.uuid))
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    lines = {(row["score"], row["slice"]): row for row in rows}
    refund = lines["Accuracy", "refund"]
    assert (refund["n_candidate"], refund["baseline"], refund["candidate"]) == ("40", "0.25", "0.9")
    slices = {each["name"]: each for each in review.report["slices"]}
    assert float(refund["low"]) == pytest.approx(slices["refund"]["low"])
    assert lines["Accuracy", "rare"]["change"] == lines["Accuracy", "refund"]["change"]
    macro = lines["Macro-F1", "overall"]
    assert float(macro["low"]) < float(macro["change"]) < float(macro["high"])
    assert review.report["calibration"]["candidate"]["n"] == 200


def test_a_comparison_is_asked_for_and_polled_until_it_is_done(lead: Client, court: Court) -> None:
    court.add_train_rows(refund=3, billing=6, abuse=4)
    response = lead.post(address("comparison-new", court), {"arms": ["real", "control"], "folds": "2"})
    comparison = Comparison.objects.get()
    assert response["Location"] == address("evaluation-home", court)
    url = address("comparison-detail", court, comparison.uuid)
    waiting = lead.get(url, headers=HTMX)
    assert waiting.status_code == 200
    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    work_on_comparison(comparison.pk)
    done = lead.get(url, headers=HTMX)
    assert done.status_code == 286
    assert "Cross-validation on real rows, 2 folds" in done.content.decode()
    assert "hx-trigger" not in done.content.decode()
    # Without JavaScript the address leads to the whole page.
    assert lead.get(url)["Location"] == address("evaluation-home", court)


def test_a_comparison_without_arms_is_refused_beside_the_form(lead: Client, court: Court) -> None:
    response = lead.post(address("comparison-new", court), {"folds": "5"})
    assert response.status_code == 422
    assert "This field is required" in response.content.decode()


def test_a_comparison_that_failed_says_why(lead: Client, court: Court) -> None:
    court.add_train_rows(refund=3)
    comparison = request_comparison(project=court.project, arms=["real"], actor=None)
    work_on_comparison(comparison.pk)
    text = text_of(lead, address("evaluation-home", court))
    assert "The comparison failed: The real rows have fewer than two labels" in text


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_other_roles_may_not_see_evaluation(client: Client, court: Court, role: Role) -> None:
    court.upload_three()
    review = court.review()
    client.force_login(factories.make_member(court.project, role))
    for name, args in (
        ("evaluation-home", []),
        ("launch-detail", [review.uuid]),
        ("launch-csv", [review.uuid]),
        ("launch-scores-csv", [review.uuid]),
    ):
        assert client.get(address(name, court, *args)).status_code == 403
    for name in ("comparison-new", "predictions-new", "launch-new"):
        assert client.post(address(name, court)).status_code == 403


def test_a_manager_may(client: Client, court: Court) -> None:
    client.force_login(factories.make_member(court.project, Role.MANAGER))
    assert client.get(address("evaluation-home", court)).status_code == 200


def test_what_is_not_mine_is_404(client: Client, court: Court) -> None:
    court.upload_three()
    review = court.review()
    other = make_court(rows={"refund": 1, "billing": 1, "abuse": 1})
    client.force_login(other.lead)
    assert client.get(address("evaluation-home", court)).status_code == 404
    assert client.get(address("launch-detail", other, review.uuid)).status_code == 404
    assert client.get(address("launch-csv", other, review.uuid)).status_code == 404


def test_a_sandbox_is_told_that_it_cannot_launch(lead: Client, court: Court) -> None:
    court.upload_three()
    court.project.standing = Standing.SANDBOX
    court.project.save()
    text = text_of(lead, address("evaluation-home", court))
    assert "This project is a sandbox: nothing made here can reach a launch review." in text
    values = dict.fromkeys(("baseline", "control", "candidate"), court.models["after"].pk)
    assert lead.post(address("launch-new", court), values).status_code == 400


def test_the_home_needs_as_many_queries_for_many_models_and_reviews_as_for_few(
    lead: Client, court: Court, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    court.upload_three()
    court.review()
    with django_assert_num_queries(17):
        lead.get(address("evaluation-home", court))
    for number in range(5):
        court.upload(f"another {number}", wrong_first(refund=number))
        court.review()
    with django_assert_num_queries(17):
        lead.get(address("evaluation-home", court))


def test_the_launch_page_needs_a_constant_number_of_queries(
    lead: Client, court: Court, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    court.upload_three()
    url = address("launch-detail", court, court.review().uuid)
    with django_assert_num_queries(4):
        lead.get(url)
