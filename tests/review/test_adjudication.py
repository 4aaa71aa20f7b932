"""What two people differ about goes to a lead, whose verdict says why and may become a case in the guide."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.intake.examples import publish_guide
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.adjudication import adjudicate, adjudication_page, make_example
from apps.review.leases import take
from apps.review.lots import counts_of
from apps.review.models import Action, Decision, ReviewTask
from apps.review.undo import undo
from apps.specs.models import LabelExample, LabelGuide, Role, VersionStatus
from apps.specs.services import draft_guide
from tests import factories
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

EDIT = {"input": {"text": "You renewed me and I did not want that"}, "output": {"label": "billing"}}


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene(review_rules={"overlap": 1.0})


@pytest.fixture
def lead(scene: Scene) -> User:
    return factories.make_member(scene.project, Role.LEAD, name="lena")


def dispute(scene: Scene, first: Action = Action.EDITED, second: Action = Action.REJECTED) -> ReviewTask:
    """A record on which two people differ, waiting for a lead."""
    scene.add_waiting(1, start=Record.objects.count() + 1)
    for person, action in ((scene.reviewer, first), (scene.another_reviewer(), second)):
        payload = {"payload": EDIT} if action == Action.EDITED else {}
        scene.decide(scene.claim_one(person), action, **payload)
    return ReviewTask.objects.to_adjudicate().order_by("-id")[0]


def settle(task: ReviewTask, lead: User, action: Action = Action.ACCEPTED, **values: object) -> Decision:
    defaults = {"why": "A refund is asked for.", "reasons": ["unclear"] if action == Action.REJECTED else []}
    return adjudicate(task=task, actor=lead, key=uuid4(), action=action, **(defaults | values))  # type: ignore[arg-type]


@pytest.mark.parametrize("action", [Action.ACCEPTED, Action.REJECTED])
def test_a_verdict_moves_the_record_and_keeps_its_reason(scene: Scene, lead: User, action: Action) -> None:
    verdict = settle(dispute(scene), lead, action)
    record = Record.objects.get()
    assert (record.status, record.decision_uuid, record.reviewer) == (action, verdict.uuid, lead)
    assert verdict.note == "A refund is asked for."
    counts = counts_of(scene.project)
    assert (counts.left, counts.tasks, counts.tasks_decided) == (0, 3, 3)


def test_a_lead_takes_over_the_edit_of_one_of_them(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    edit = Decision.objects.get(action=Action.EDITED)
    settle(task, lead, Action.EDITED, edit_of=edit)
    record = Record.objects.get()
    assert (record.status, record.current_input, record.label) == ("edited", EDIT["input"], "billing")


def test_a_verdict_needs_a_reason_and_a_refused_one_leaves_the_case_free(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    with pytest.raises(RefusedError, match="Say why"):
        settle(task, lead, why="  ")
    with pytest.raises(RefusedError, match="at least one reason"):
        settle(task, lead, Action.REJECTED, reasons=[])
    assert take(task=ReviewTask.objects.get(pk=task.pk), user=factories.make_member(scene.project, Role.LEAD))


def test_of_two_leads_one_is_told(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    stale = ReviewTask.objects.get(pk=task.pk)
    settle(task, lead)
    with pytest.raises(StaleStateError):
        settle(stale, factories.make_member(scene.project, Role.LEAD))


def test_a_verdict_taken_back_is_a_case_again_with_the_same_two_answers(scene: Scene, lead: User) -> None:
    verdict = settle(dispute(scene), lead)
    undo(decision_uuid=verdict.uuid, actor=lead)
    (case,) = adjudication_page(project=scene.project, number=None).cases
    assert [side.decision.action for side in case.sides] == [Action.EDITED, Action.REJECTED]
    settle(case.task, lead, Action.REJECTED)
    assert Record.objects.get().status == RecordStatus.REJECTED


# --- the page ------------------------------------------------------------------------------------------------------


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_both_answers_stand_side_by_side_with_what_the_edit_changes(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    body = (
        signed_in(lead).get(reverse("review:adjudication-list", args=[scene.project.slug])).content.decode()
    )
    assert "Too clean" in body
    assert "<ins>" in body
    assert f"Take the edit of {scene.reviewer}" in body
    assert reverse("review:adjudicate", args=[scene.project.slug, task.pk]) in body


def test_a_lead_settles_a_case_on_the_page_once(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    edit = Decision.objects.get(action=Action.EDITED)
    address = reverse("review:adjudicate", args=[scene.project.slug, task.pk])
    data = {"key": uuid4(), "verdict": edit.pk, "why": "Billing, by the guide."}
    response = signed_in(lead).post(address, data, follow=True)
    assert "No case waits for you" in response.content.decode()
    assert "Billing, by the guide." in response.content.decode()
    assert Decision.objects.filter(reviewer=lead).count() == 1


def test_a_refused_verdict_says_why_and_keeps_the_words(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    address = reverse("review:adjudicate", args=[scene.project.slug, task.pk])
    data = {"key": uuid4(), "verdict": "rejected", "why": "Because of the tone."}
    response = signed_in(lead).post(address, data)
    assert response.status_code == 422
    assert "at least one reason" in response.content.decode()
    assert "Because of the tone.</textarea>" in response.content.decode()


def test_an_edit_of_another_record_is_not_found(scene: Scene, lead: User) -> None:
    dispute(scene)
    foreign = Decision.objects.get(action=Action.EDITED)
    task = dispute(scene, Action.ACCEPTED)
    address = reverse("review:adjudicate", args=[scene.project.slug, task.pk])
    response = signed_in(lead).post(address, {"key": uuid4(), "verdict": foreign.pk, "why": "x"})
    assert response.status_code == 404


def test_a_lead_may_edit_a_case_in_the_room(scene: Scene, lead: User) -> None:
    task = dispute(scene)
    address = reverse("review:adjudication-take", args=[scene.project.slug, task.pk])
    response = signed_in(lead).post(address, follow=True)
    assert response.context["card"].task.pk == task.pk


def test_the_queries_of_the_page_do_not_grow_with_its_cases(scene: Scene, lead: User) -> None:
    client = signed_in(lead)
    address = reverse("review:adjudication-list", args=[scene.project.slug])

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured.captured_queries)

    dispute(scene)
    one = statements()
    for _ in range(4):
        dispute(scene)
    settle(dispute(scene), lead)
    assert statements() == one


# --- the guide -----------------------------------------------------------------------------------------------------


def test_a_case_goes_into_a_new_draft_of_the_guide_once_and_stays_with_its_label(
    scene: Scene, lead: User
) -> None:
    verdict = settle(dispute(scene), lead)
    for _ in range(2):
        response = signed_in(lead).post(
            reverse("review:case-example", args=[scene.project.slug, verdict.uuid]), follow=True
        )
    assert "The case is in the draft" in response.content.decode()
    draft = LabelGuide.objects.get(status=VersionStatus.DRAFT)
    case = LabelExample.objects.get(is_case=True)
    assert (case.label.guide, case.label.name) == (draft, "refund")
    assert case.says == "Accepted: A refund is asked for."
    assert case.record_uuid == Record.objects.get().uuid


def test_a_published_case_is_shown_to_people_and_is_no_seed(scene: Scene, lead: User) -> None:
    guide = make_example(verdict=settle(dispute(scene), lead), actor=lead)
    published = publish_guide(guide=guide, actor=lead)
    text = LabelExample.objects.get(is_case=True).text
    assert not scene.project.records.real().filter(input__text=text).exists()
    body = signed_in(lead).get(reverse("specs:guide-detail", args=[scene.project.slug])).content.decode()
    assert "Decided case." in body
    following = draft_guide(project=scene.project, draft=None, actor=lead)
    assert following.version == published.version + 1
    assert LabelExample.objects.filter(label__guide=following, is_case=True).count() == 1


def test_a_case_alone_is_no_real_example(scene: Scene, lead: User) -> None:
    guide = make_example(verdict=settle(dispute(scene), lead), actor=lead)
    LabelExample.objects.filter(label__guide=guide, label__name="refund", is_case=False).delete()
    with pytest.raises(RefusedError) as refused:
        publish_guide(guide=guide, actor=lead)
    assert refused.value.problems == ["refund: a real example"]


def test_a_label_that_the_draft_does_not_have_is_named(scene: Scene, lead: User) -> None:
    verdict = settle(dispute(scene), lead)
    draft = draft_guide(project=scene.project, draft=None, actor=lead)
    draft.labels.filter(name="refund").delete()
    with pytest.raises(DomainError, match="no label 'refund'"):
        make_example(verdict=verdict, actor=lead)
