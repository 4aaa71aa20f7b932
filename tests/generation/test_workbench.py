"""The workbench: the request as it would be sent, five records tried at once, and refusals that name the place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.generation.models import Prompt, PromptLanguage, Trial
from apps.generation.prompts import create_prompt
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.operations.work import work_once
from apps.records.models import Record
from apps.specs.models import Gap, Role
from apps.submissions.models import Connection, Delivery, Submission, SubmissionStatus
from tests import factories
from tests.generation.scene import make_ready_project
from tests.providers.matrix import TEMPLATE, worker_environment
from tests.providers.rigs import RIGS, Rig
from tests.providers.standins.base import Behaviour, Outcome

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


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
    assert response.headers["Location"].endswith(f"?trial={trial.pk}")
    assert "Asked." in lead.get(response.headers["Location"]).content.decode()
    submission = Submission.objects.get()
    assert (submission.delivery, submission.status) == (Delivery.INTERACTIVE, SubmissionStatus.INTENT)
    work_once("validation")
    work_once("interactive")
    page = lead.get(response.headers["Location"]).content.decode()
    assert page.count("label: refund") == 5
    assert "Be brief." in page
    assert rig.server.creates == Submission.objects.get().request_count == 3
    assert Record.objects.count() == records


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
    assert "protected text" in page
    assert rig.server.creates == 0


def test_others_may_not(client: Client, gap: Gap, prompt: Prompt) -> None:
    client.force_login(factories.make_member(gap.project, Role.REVIEWER, name="rita"))
    assert client.get(url("workbench", prompt)).status_code == 403
    assert client.post(url("prompt-try", prompt)).status_code == 403
