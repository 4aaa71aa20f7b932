"""Pages of prompts and runs: who may, what a mistake looks like, what a second press does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.generation.models import Prompt, Run, RunStatus
from apps.generation.planning import plan_run
from apps.operations.work import drain
from apps.specs.models import Gap, Project, Role
from apps.submissions.models import QuarantinedLine, Submission, SubmissionStatus
from tests import factories
from tests.generation.scene import TEMPLATE, make_prompt, make_ready_project, make_run, start

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def gap() -> Gap:
    return make_ready_project()


@pytest.fixture
def project(gap: Gap) -> Project:
    return gap.project


@pytest.fixture
def lead(client: Client, project: Project) -> Client:
    client.force_login(factories.make_member(project, Role.LEAD, name="lena"))
    return client


def url(name: str, project: Project, *args: Any) -> str:
    return reverse(name, args=[project.slug, *args])


def run_url(run: Run) -> str:
    return url("reports:run-detail", run.project, run.pk)


def test_the_lists_say_what_to_do_when_there_is_nothing(lead: Client, project: Project) -> None:
    assert "Write the first prompt" in lead.get(url("generation:prompt-list", project)).content.decode()
    assert "No run yet" in lead.get(url("generation:run-list", project)).content.decode()


def test_a_prompt_is_written_and_shown(lead: Client, project: Project) -> None:
    assert "labels: {}" in lead.get(url("generation:prompt-new", project)).content.decode()
    values = {"name": "tickets", "language": "phrases", "template": TEMPLATE, "notes": "first try"}
    response = lead.post(url("generation:prompt-new", project), values)
    prompt = Prompt.objects.get()
    assert response.headers["Location"] == url("generation:prompt-detail", project, prompt.pk)
    page = lead.get(response.headers["Location"]).content.decode()
    assert "tickets v1" in page
    assert "first try" in page
    assert "lena" in page
    assert "tickets" in lead.get(url("generation:prompt-list", project)).content.decode()


def test_a_wrong_prompt_is_422_names_the_places_and_keeps_the_text(lead: Client, project: Project) -> None:
    wrong = "labels: {refund: {patterns: ['{fact} {nothing}'], slots: {fact: [x]}}}"
    response = lead.post(
        url("generation:prompt-new", project), {"name": "p", "language": "phrases", "template": wrong}
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "labels.refund.patterns, no. 1: {nothing} is no slot here" in page
    assert "{fact} {nothing}" in page
    assert not Prompt.objects.exists()


def test_a_taken_name_is_said_beside_the_field(lead: Client, project: Project) -> None:
    make_prompt(project)
    values = {"name": " tickets ", "language": "phrases", "template": TEMPLATE}
    response = lead.post(url("generation:prompt-new", project), values)
    assert response.status_code == 422
    assert "There is a prompt of this name" in response.content.decode()


def test_a_new_version_shows_what_changed(lead: Client, project: Project) -> None:
    prompt = make_prompt(project).prompt
    template = TEMPLATE.replace("hey, ", "")
    lead.post(url("generation:version-new", project, prompt.pk), {"template": template, "notes": "no hey"})
    page = lead.get(url("generation:prompt-detail", project, prompt.pk)).content.decode()
    assert "tickets v2" in page
    assert "<del>" in page
    assert "<ins>" in page


def test_a_wrong_version_is_422_on_the_prompt_s_page(lead: Client, project: Project) -> None:
    prompt = make_prompt(project).prompt
    response = lead.post(url("generation:version-new", project, prompt.pk), {"template": "labels: ["})
    assert response.status_code == 422
    assert "not valid YAML" in response.content.decode()
    assert prompt.versions.count() == 1


def test_the_same_version_again_is_400(lead: Client, project: Project) -> None:
    prompt = make_prompt(project).prompt
    response = lead.post(url("generation:version-new", project, prompt.pk), {"template": TEMPLATE})
    assert response.status_code == 400
    assert "says the same as tickets v1" in response.content.decode()


def test_a_run_is_drafted_estimated_and_started(lead: Client, project: Project, gap: Gap) -> None:
    version = make_prompt(project)
    form = lead.get(url("generation:run-new", project), {"gap": gap.slug}).content.decode()
    assert f'<option value="{gap.pk}" selected>' in form
    values = {
        "gap": gap.pk,
        "prompt_version": version.pk,
        "connection": make_run(gap, prompt=version).connection_id,
    }
    response = lead.post(url("generation:run-new", project), values | {"count": 30})
    run = Run.objects.latest("pk")
    assert response.headers["Location"] == run_url(run)
    page = lead.get(run_url(run)).content.decode()
    assert "Start the run" in page
    assert "$0" in page
    assert run.status == RunStatus.ESTIMATED
    assert run.created_by is not None
    assert run.created_by.username == "lena"
    assert lead.post(url("generation:run-start", project, run.pk)).headers["Location"] == run_url(run)
    run.refresh_from_db()
    assert run.status == RunStatus.RUNNING
    assert "by lena. 0 of 30 candidates generated" in lead.get(run_url(run)).content.decode()


def test_a_run_that_cannot_be_made_says_why_beside_the_form(lead: Client, project: Project, gap: Gap) -> None:
    version = make_prompt(project)
    run = make_run(gap, prompt=version)
    Gap.objects.update(target_labels=["nothing known of this"])
    values = {"gap": gap.pk, "prompt_version": version.pk, "connection": run.connection_id, "count": 5}
    response = lead.post(url("generation:run-new", project), values)
    assert response.status_code == 422
    assert "There is nothing to make" in response.content.decode()


def test_a_run_of_nothing_is_422(lead: Client, project: Project, gap: Gap) -> None:
    response = lead.post(url("generation:run-new", project), {"gap": gap.pk, "count": 0})
    assert response.status_code == 422
    assert not Run.objects.exists()


def test_pressing_run_twice_leads_to_the_same_run(lead: Client, project: Project, gap: Gap) -> None:
    run = make_run(gap)
    lead.post(url("generation:run-start", project, run.pk))
    response = lead.post(url("generation:run-start", project, run.pk), follow=True)
    assert response.redirect_chain == [(run_url(run), 302)]
    assert "was started already by lena" in response.content.decode()


def test_starting_without_a_holdout_is_422_and_the_page_says_what_is_missing(lead: Client, gap: Gap) -> None:
    run = make_run(gap)
    gap.project.seals.update(retired_at=timezone.now())
    response = lead.post(url("generation:run-start", gap.project, run.pk))
    assert response.status_code == 422
    assert "holdout: none is frozen yet" in response.content.decode()
    page = lead.get(run_url(run)).content.decode()
    assert "It cannot start yet" in page
    assert "disabled" in page


def test_a_stopped_run_cannot_be_started_or_stopped_again(lead: Client, project: Project, gap: Gap) -> None:
    run = make_run(gap)
    assert lead.post(url("generation:run-stop", project, run.pk)).status_code == 302
    assert lead.post(url("generation:run-start", project, run.pk)).status_code == 409
    assert lead.post(url("generation:run-stop", project, run.pk)).status_code == 409
    assert "Thrown away before it started" in lead.get(run_url(run)).content.decode()


def test_the_page_of_a_running_run_asks_again_until_it_has_ended(
    lead: Client, project: Project, gap: Gap
) -> None:
    run = start(gap, count=30)
    plan_run(run.pk)
    assert 'hx-trigger="every 2s"' in lead.get(run_url(run)).content.decode()
    fragment = lead.get(run_url(run), headers={"HX-Request": "true"})
    assert fragment.status_code == 200
    assert b"<html" not in fragment.content
    assert b"0 of 30 candidates generated" in fragment.content
    drain()
    ended = lead.get(run_url(run), headers={"HX-Request": "true"})
    assert ended.status_code == 286
    assert b"hx-trigger" not in ended.content
    assert b"30 of 30 candidates generated" in ended.content


def test_what_was_dropped_is_shown_with_samples(lead: Client, project: Project, gap: Gap) -> None:
    prompt = make_prompt(project)
    start(gap, count=10, prompt=prompt, seed=1)
    drain()
    again = start(gap, count=10, prompt=prompt, seed=1)
    drain()
    page = lead.get(run_url(again)).content.decode()
    assert "0 kept, 10 dropped" in page
    assert "Dropped before review" in page
    assert 'class="sparkline"' in page
    assert page.count("/records/") >= 3


def test_lines_set_aside_are_shown_with_place_and_reason(lead: Client, project: Project, gap: Gap) -> None:
    run = start(gap)
    plan_run(run.pk)
    submission = Submission.objects.get()
    QuarantinedLine.objects.create(
        submission=submission, offset=77, sha256="f" * 64, reason="nul", message="A NUL character."
    )
    Submission.objects.update(lines_quarantined=1)
    page = lead.get(run_url(run)).content.decode()
    assert "Result lines set aside" in page
    assert "A NUL character." in page
    assert ">77<" in page


def unknown(gap: Gap) -> Submission:
    plan_run(start(gap).pk)
    submission = Submission.objects.get()
    Submission.objects.update(status=SubmissionStatus.UNKNOWN, screened_at=submission.created_at)
    return submission


@pytest.mark.parametrize(
    ("name", "status"), [("resend", SubmissionStatus.SCREENED), ("abandon", SubmissionStatus.CANCELLED)]
)
def test_a_lead_decides_about_an_unknown_batch_once(
    lead: Client, project: Project, gap: Gap, name: str, status: str
) -> None:
    submission = unknown(gap)
    assert "Send it again" in lead.get(run_url(Run.objects.get())).content.decode()
    address = url(f"generation:submission-{name}", project, submission.pk)
    assert lead.post(address).headers["Location"] == run_url(Run.objects.get())
    assert Submission.objects.get().status == status
    assert lead.post(address).status_code == 409


def test_a_manager_may_look_but_not_touch(client: Client, project: Project, gap: Gap) -> None:
    run, prompt = make_run(gap), Prompt.objects.get()
    client.force_login(factories.make_member(project, Role.MANAGER))
    for address in (
        url("generation:prompt-list", project),
        url("generation:prompt-detail", project, prompt.pk),
        url("generation:run-list", project),
        run_url(run),
    ):
        response = client.get(address)
        assert response.status_code == 200
        assert b"Start the run" not in response.content
        assert b"Save as a new version" not in response.content
    for name, pk in (("run-start", run.pk), ("run-stop", run.pk), ("version-new", prompt.pk)):
        assert client.post(url(f"generation:{name}", project, pk)).status_code == 403
    run.refresh_from_db()
    assert run.status == RunStatus.ESTIMATED


def test_what_belongs_to_another_project_is_not_found(lead: Client, project: Project) -> None:
    other = make_ready_project()
    submission, run, prompt = unknown(other), Run.objects.get(), Prompt.objects.get()
    assert lead.get(url("generation:prompt-detail", project, prompt.pk)).status_code == 404
    assert lead.get(url("reports:run-detail", project, run.pk)).status_code == 404
    for name, pk in (
        ("run-start", run.pk),
        ("run-stop", run.pk),
        ("version-new", prompt.pk),
        ("submission-resend", submission.pk),
        ("submission-abandon", submission.pk),
    ):
        assert lead.post(url(f"generation:{name}", project, pk)).status_code == 404


@pytest.mark.parametrize(
    "name", ["run-start", "run-stop", "version-new", "submission-resend", "submission-abandon"]
)
def test_reading_never_writes(lead: Client, project: Project, gap: Gap, name: str) -> None:
    assert lead.get(url(f"generation:{name}", project, 1)).status_code == 405


@pytest.mark.parametrize("rows", [10, 1000])
def test_the_run_page_takes_the_same_queries_whatever_the_run(
    lead: Client, gap: Gap, rows: int, django_assert_max_num_queries: Any
) -> None:
    run = start(gap, count=rows, prompt=make_prompt(gap.project, template="labels: {}"))
    drain()
    lead.get(run_url(run))
    with django_assert_max_num_queries(RUN_PAGE_QUERIES):
        lead.get(run_url(run))


# Session, user, membership, run, four of the submissions, records by status; then for the dropped ones the
# ends of the run, the trend, the counts, and two for each check that dropped some.
RUN_PAGE_QUERIES = 9 + 3 + 2 * 3


@pytest.mark.parametrize("page", ["prompt-list", "run-list"])
def test_a_list_takes_the_same_queries_at_one_row_and_at_forty(
    lead: Client, project: Project, gap: Gap, page: str, django_assert_max_num_queries: Any
) -> None:
    make_run(gap)
    for number in range(39):
        make_run(gap, prompt=make_prompt(project, name=f"prompt {number}"))
    with django_assert_max_num_queries(6):
        assert lead.get(url(f"generation:{page}", project)).status_code == 200
