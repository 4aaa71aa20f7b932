"""The workbench: the request as it would be sent, five records tried at once, and refusals that name the place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.generation.models import Prompt, PromptLanguage, Trial
from apps.generation.prompts import create_prompt, create_prompt_version
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.operations.work import work_once
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Role
from apps.submissions.models import Budget, Connection, Delivery, Spending, Submission, SubmissionStatus
from apps.submissions.prices import enter_price
from tests import factories
from tests.generation.scene import make_ready_project
from tests.providers.matrix import TEMPLATE, worker_environment
from tests.providers.rigs import RIGS, Rig
from tests.providers.standins.base import Behaviour, Outcome

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

WORKBENCH_QUERIES = 17
PROMPT_PAGE_QUERIES = 11


@pytest.fixture
def rig() -> Iterator[Rig]:
    with RIGS["openai_compatible"]() as rig, worker_environment(rig):
        yield rig


@pytest.fixture
def gap() -> Gap:
    return make_ready_project(axes={"tone": ["angry", "polite"]})


@pytest.fixture
def prompt(gap: Gap) -> Prompt:
    version = create_prompt(
        project=gap.project, name="write", template=TEMPLATE, language=PromptLanguage.JINJA, actor=None
    )
    return version.prompt


@pytest.fixture
def lead(client: Client, gap: Gap) -> Client:
    client.force_login(factories.make_member(gap.project, Role.LEAD, name="lena"))
    return client


def form(gap: Gap, connection: Connection, template: str = TEMPLATE) -> dict[str, Any]:
    return {"template": template, "gap": gap.pk, "connection": connection.pk}


def enter(connection: Connection, *, output: int, as_of: date) -> None:
    """A price of our own for single calls, in US dollars per million tokens."""
    enter_price(
        provider_key=connection.provider,
        model=connection.model,
        is_batch=False,
        input=Decimal(1),
        output=Decimal(output),
        source="contract",
        as_of=as_of,
        actor=None,
    )


def url(name: str, prompt: Prompt) -> str:
    return reverse(f"generation:{name}", args=[prompt.project.slug, prompt.pk])


def test_the_request_is_shown_as_the_provider_is_sent_it(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    page = lead.post(url("workbench", prompt), form(gap, rig.connect())).content.decode()
    assert "Write 2 customer messages for the label refund" in page
    assert "json_schema" in page
    assert not Submission.objects.exists()
    assert not rig.server.calls


def test_each_combination_of_the_axes_is_shown_with_what_it_costs(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    connection = rig.connect()
    enter(connection, output=4, as_of=date(2026, 1, 1))
    page = lead.post(url("workbench", prompt), form(gap, connection)).content.decode()
    assert "refund, tone: angry, 2 records" in page
    assert "refund, tone: polite, 2 records" in page
    assert "That costs about $0.00" in page
    assert "our own price: contract, 2026-01-01" in page


def test_without_a_price_the_page_says_so(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    page = lead.post(url("workbench", prompt), form(gap, rig.connect())).content.decode()
    assert "no list knows" in page


def test_every_provider_s_request_can_be_looked_at(lead: Client, gap: Gap, prompt: Prompt) -> None:
    """Without its SDK, its key or the network: all of that is the generation worker's."""
    for name, open_rig in RIGS.items():
        with open_rig() as rig:
            page = lead.post(url("workbench", prompt), form(gap, rig.connect())).content.decode()
            assert "Write 2 customer messages for the label refund" in page, name
            assert not rig.server.calls, name


def test_htmx_gets_the_request_alone(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    response = lead.post(url("workbench", prompt), form(gap, rig.connect()), headers={"HX-Request": "true"})
    assert response.content.decode().strip().startswith("<section")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Write {{ nonsense }}", "nonsense"),
        ("{% for x in %}", "line 1"),
        ("{{ seeds[99].text }}", "rendered"),
    ],
)
def test_a_mistake_in_the_template_is_named(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig, template: str, said: str
) -> None:
    page = lead.post(url("workbench", prompt), form(gap, rig.connect(), template))
    assert said in page.content.decode()
    response = lead.post(url("prompt-try", prompt), form(gap, rig.connect(), template))
    assert (response.status_code, Trial.objects.count()) == (422, 0)
    # What was typed is still there.
    assert template.split()[0].replace("{", "") in response.content.decode()


def test_five_are_tried_before_anything_else_and_become_no_records(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    records = Record.objects.count()
    response = lead.post(url("prompt-try", prompt), form(gap, rig.connect(), TEMPLATE + "Be brief."))
    trial = Trial.objects.get()
    assert response.headers["Location"].endswith(f"?trial={trial.pk}#trial")
    assert "Asked." in lead.get(response.headers["Location"]).content.decode()
    submission = Submission.objects.get()
    assert (submission.delivery, submission.status) == (Delivery.INTERACTIVE, SubmissionStatus.INTENT)
    work_once("validation")
    work_once("interactive")
    page = lead.get(response.headers["Location"]).content.decode()
    assert page.count('class="tried-text"') == 5
    assert page.count("<small>refund, tone: angry</small>") == 3
    assert "3 of 3" in page
    assert "Be brief." in page
    assert rig.server.creates == Submission.objects.get().request_count == 3
    assert Record.objects.count() == records


def test_what_is_tried_is_what_a_saved_version_would_say(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    """Browsers send two characters for the end of a line."""
    lead.post(url("prompt-try", prompt), form(gap, rig.connect(), TEMPLATE.replace("\n", "\r\n")))
    assert Trial.objects.get().template == TEMPLATE


def test_a_trial_is_under_the_budget(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    connection = rig.connect()
    Budget.objects.create(project=gap.project, month_cap=Decimal("0.01"))
    response = lead.post(url("prompt-try", prompt), form(gap, connection))
    assert (response.status_code, Trial.objects.count()) == (422, 0)
    assert "Nobody knows what this costs" in response.content.decode()
    enter(connection, output=4000, as_of=date(2026, 1, 1))
    response = lead.post(url("prompt-try", prompt), form(gap, connection))
    assert "over the budget" in response.content.decode()
    enter(connection, output=4, as_of=date(2026, 2, 1))
    assert lead.post(url("prompt-try", prompt), form(gap, connection)).status_code == 302
    assert Spending.objects.get(project=gap.project, period=Spending.TOTAL).reserved > 0


def test_waiting_can_be_stopped_and_the_money_is_free_again(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    lead.post(url("prompt-try", prompt), form(gap, rig.connect()))
    trial = Trial.objects.get()
    stop = reverse("generation:trial-stop", args=[gap.project.slug, trial.pk])
    page = lead.post(stop, follow=True).content.decode()
    assert Submission.objects.get().status == SubmissionStatus.CANCELLED
    assert "Asked." not in page
    work_once("validation")
    work_once("interactive")
    assert rig.server.creates == 0


def test_a_missing_key_is_said_while_the_page_waits(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    connection = rig.connect()
    Connection.objects.update(key_name="NOT_SET_API_KEY")
    response = lead.post(url("prompt-try", prompt), form(gap, connection))
    work_once("validation")
    work_once("interactive")
    page = lead.get(response.headers["Location"]).content.decode()
    assert "Asked." in page
    assert "The generation worker has no NOT_SET_API_KEY" in page
    assert rig.server.creates == 0


def test_what_does_not_look_like_a_record_is_shown_as_it_is(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    response = lead.post(url("prompt-try", prompt), form(gap, rig.connect()))
    answers = [{"about": "refund", "answer": {"records": ["a text alone", {"input": "no object"}]}}]
    Trial.objects.update(answers=answers)
    Submission.objects.update(status=SubmissionStatus.FAILED, finished_at=timezone.now())
    page = lead.get(response.headers["Location"]).content.decode()
    assert "a text alone" in page
    assert "no object" in page


def test_earlier_trials_are_a_link_away(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    for word in ("brief", "rude"):
        lead.post(url("prompt-try", prompt), form(gap, rig.connect(), f"{TEMPLATE}Be {word}."))
    page = lead.get(url("workbench", prompt)).content.decode()
    first = Trial.objects.order_by("id").first()
    assert first is not None
    assert f"?trial={first.pk}#trial" in page
    assert "Be brief." in lead.get(f"{url('workbench', prompt)}?trial={first.pk}").content.decode()


@pytest.mark.parametrize("rows", [1, 12])
def test_the_workbench_takes_the_same_queries_whatever_there_is(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig, rows: int, django_assert_max_num_queries: Any
) -> None:
    connection = rig.connect()
    for number in range(rows):
        response = lead.post(url("prompt-try", prompt), form(gap, connection))
        factories.make_gap(gap.project, name=f"gap {number}")
    with django_assert_max_num_queries(WORKBENCH_QUERIES):
        assert lead.get(response.headers["Location"]).status_code == 200


def test_the_page_stops_asking_once_the_answer_is_there(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    lead.post(url("prompt-try", prompt), form(gap, rig.connect()))
    trial = reverse("generation:trial-detail", args=[gap.project.slug, Trial.objects.get().pk])
    assert lead.get(trial).status_code == 200
    work_once("validation")
    work_once("interactive")
    assert lead.get(trial).status_code == 286


def test_a_refusal_of_the_model_is_told_as_one(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    rig.server.behaviour = Behaviour(per_request=lambda number, line: Outcome.REFUSAL)
    response = lead.post(url("prompt-try", prompt), form(gap, rig.connect()))
    work_once("validation")
    work_once("interactive")
    page = lead.get(response.headers["Location"]).content.decode()
    assert "refused" in page
    assert "I cannot help with that." in page


def test_a_prompt_with_a_holdout_text_is_stopped_before_the_network(
    lead: Client, gap: Gap, prompt: Prompt, rig: Rig
) -> None:
    canary = "the renewal was taken from my grandmother's card although we cancelled in March"
    corpus = ensure_corpus(project_uuid=gap.project.uuid, corpus_uuid=uuid4(), name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid4(), canary)])
    response = lead.post(url("prompt-try", prompt), form(gap, rig.connect(), f"{TEMPLATE} Like: {canary}"))
    work_once("validation")
    work_once("interactive")
    page = lead.get(response.headers["Location"]).content.decode()
    assert Submission.objects.get().status == SubmissionStatus.FAILED
    assert "Nothing was sent." in page
    # Which request, where in it, and why; never the text.
    assert 'request 1, <span class="mono">/body/messages/0/content</span>: ' in page
    assert "of a protected text" in page
    assert rig.server.creates == 0


def test_others_may_not(client: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    client.force_login(factories.make_member(gap.project, Role.REVIEWER, name="rita"))
    assert client.get(url("workbench", prompt)).status_code == 403
    assert client.post(url("prompt-try", prompt)).status_code == 403


def test_a_trial_of_another_project_is_not_found(lead: Client, gap: Gap, prompt: Prompt, rig: Rig) -> None:
    lead.post(url("prompt-try", prompt), form(gap, rig.connect()))
    trial = Trial.objects.get()
    elsewhere = make_ready_project()
    Trial.objects.update(project=elsewhere.project)
    for name in ("trial-detail", "trial-stop"):
        address = reverse(f"generation:{name}", args=[gap.project.slug, trial.pk])
        answer = lead.get(address) if name == "trial-detail" else lead.post(address)
        assert answer.status_code == 404


# --- How the versions of a prompt did


def test_a_prompt_s_page_says_how_each_version_did(lead: Client, gap: Gap, prompt: Prompt) -> None:
    second = create_prompt_version(prompt=prompt, template=f"{TEMPLATE}Be brief.", actor=None)
    person = factories.make_user()
    outcomes = {"write v1": ["accepted"] * 3 + ["rejected"], second.label: ["accepted"] * 18 + ["edited"] * 4}
    for label, statuses in outcomes.items():
        for number, status in enumerate([*statuses, "awaiting_review"]):
            record = factories.make_candidate(gap, f"{label} {number}", prompt_version=label)
            decided = {"review_method": "person", "reviewer": person} if number < len(statuses) else {}
            Record.objects.filter(pk=record.pk).update(status=status, **decided)
    dropped = [
        factories.make_candidate(gap, f"dropped {number}", prompt_version=second.label) for number in (1, 2)
    ]
    move_records(
        records=dropped[:1], to=RecordStatus.FAILED_CHECKS, actor=None, reason="near_duplicate, length"
    )
    page = lead.get(url("prompt-detail", prompt)).content.decode()
    first_row, second_row = (_row_of(page, label) for label in ("write v1", second.label))
    # One of the two dropped ones is still waiting for its checks.
    assert first_row == ["write v1", "5", "0", "–", "3", "0", "1", "3 of 4", "–"]
    assert second_row == [
        second.label,
        "25",
        "1",
        "near duplicate 1, length 1",
        "18",
        "4",
        "0",
        "100% (85–100%) of 22",
        # No provider over the network has made any of it.
        "–",
    ]


def test_a_prompt_without_records_says_what_to_do(lead: Client, prompt: Prompt) -> None:
    assert "It has made no records yet." in lead.get(url("prompt-detail", prompt)).content.decode()


@pytest.mark.parametrize("versions", [1, 9])
def test_a_prompt_s_page_takes_the_same_queries_whatever_it_has(
    lead: Client, gap: Gap, prompt: Prompt, versions: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(versions):
        version = create_prompt_version(prompt=prompt, template=f"{TEMPLATE}{number}", actor=None)
        factories.make_candidate(gap, f"text {number}", prompt_version=version.label)
    with django_assert_max_num_queries(PROMPT_PAGE_QUERIES):
        assert lead.get(url("prompt-detail", prompt)).status_code == 200


def _row_of(page: str, label: str) -> list[str]:
    """The cells of the table's row for a version, without tags."""
    row = next(row for row in page.split("<tr>") if f">{label}</a>" in row).split("</tr>")[0]
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]
