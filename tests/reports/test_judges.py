"""The pages of judges: what is asked and why not, how far people agree, and what waits for a lead."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.critic.asking import ask, portion_of
from apps.critic.models import Asking, Judge, JudgeVersion, Occasion, Question, Verdict
from apps.critic.rubric import STARTER
from apps.critic.services import create_judge, switch_judge
from apps.records.models import Record
from apps.reports.judges import Agreed, agreement_of, judge_entries
from apps.review.models import Action
from apps.review.undo import undo
from apps.specs.models import Project, Role
from apps.submissions.connections import save_connection
from apps.submissions.models import Connection, Submission
from tests import factories
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

_digests = count(1)


@pytest.fixture
def scene(db: None) -> Scene:
    factories.make_families()
    return make_scene()


@pytest.fixture
def connection(scene: Scene) -> Connection:
    return save_connection(name="mini", provider_key="openai", model="gpt-4o-mini")


@pytest.fixture
def version(scene: Scene, connection: Connection) -> JudgeVersion:
    version = create_judge(
        project=scene.project, name="strict", connection=connection, rubric=STARTER, actor=None
    )
    switch_judge(judge=version.judge, is_on=True, audits=False, actor=None)
    return version


@pytest.fixture
def lead(client: Client, scene: Scene) -> Client:
    client.force_login(factories.make_member(scene.project, Role.LEAD))
    return client


def give(
    version: JudgeVersion, record: Record, *, doubt: bool, occasion: str = Occasion.REVIEW, **values: Any
) -> Verdict:
    """A verdict that was heard, as if asked before anybody decided."""
    asking = Asking.objects.create(
        version=version, occasion=occasion, delivery="batch", frame=1, asked=1, closed_at=timezone.now()
    )
    Asking.objects.filter(pk=asking.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    digest = record.events.order_by("-seq").values_list("payload_digest", flat=True)[0]
    question = Question.objects.create(asking=asking, record=record, payload_digest=digest, state="judged")
    defaults: dict[str, Any] = {
        "relevance": 5, "correctness": 1 if doubt else 5, "policy": 5, "realism": 5, "doubt": 4 if doubt else 1,
        "is_doubt": doubt, "heard_at": timezone.now(), "reasons": {"correctness": "<i>about</i> billing"},
    }  # fmt: skip
    return Verdict.objects.create(
        question=question, version=version, record=record, payload_digest=digest, **(defaults | values)
    )


def decided(
    scene: Scene, version: JudgeVersion, actions: dict[tuple[bool, Action], int], **values: Any
) -> None:
    """So many records that the judge doubted, or not, and that a person then dealt with so."""
    edits = iter(["you charged the wrong card in march", "my parcel went to a neighbour who moved out"])
    for (doubt, action), number in actions.items():
        for _ in range(number):
            (record,) = scene.add_waiting(1, start=next(_digests))
            give(version, record, doubt=doubt, **values)
            more: dict[str, Any] = {}
            if action == Action.EDITED:
                more["payload"] = {"input": {"text": next(edits)}, "output": {"label": "billing"}}
            scene.decide(scene.claim_one(), action, **more)


def test_agreement_is_counted_by_what_people_did_with_the_record_as_it_stood(
    scene: Scene, version: JudgeVersion
) -> None:
    """By hand: 6 + 3 of 12 the same way. Would take it: judge 8/12, people 7/12."""
    decided(
        scene,
        version,
        {
            (False, Action.ACCEPTED): 6,
            (False, Action.EDITED): 1,
            (False, Action.REJECTED): 1,
            (True, Action.ACCEPTED): 1,
            (True, Action.EDITED): 1,
            (True, Action.REJECTED): 2,
        },
    )
    agreed = agreement_of([version])[version.pk]
    assert agreed.rows == [("Would take it", [6, 1, 1]), ("Doubts it", [1, 1, 2])]
    table = agreed.table()
    assert (table.both, table.first_only, table.second_only, table.neither) == (6, 2, 1, 3)
    assert table.raw == pytest.approx(9 / 12)
    # Shares of "would take it": judge 8/12, people 7/12; mean .625.
    assert table.ac1 == pytest.approx((0.75 - 0.46875) / (1 - 0.46875))
    chance = 8 / 12 * 7 / 12 + 4 / 12 * 5 / 12
    assert table.kappa == pytest.approx((0.75 - chance) / (1 - chance))
    # Of fewer than twenty there is a count and nothing else.
    assert (agreed.raw_words, agreed.chance_words) == ("9 of 12", "")
    assert (agreed.false_alarm_words, agreed.missed_words) == ("1 of 4", "2 of 8")


def test_from_twenty_on_there_is_an_interval() -> None:
    agreed = Agreed({(False, "accepted", False): 18, (True, "accepted", False): 2})
    assert agreed.raw_words == "90% (70–97%) of 20"
    assert agreed.chance_words == "AC1 0.89, kappa 0.00"


def test_decisions_that_say_nothing_about_the_judge_do_not_count(scene: Scene, version: JudgeVersion) -> None:
    decided(scene, version, {(False, Action.ACCEPTED): 1})
    # Taken back.
    (record,) = scene.add_waiting(1, start=500)
    give(version, record, doubt=True)
    taken_back = scene.decide(scene.claim_one())
    undo(decision_uuid=taken_back.uuid, actor=scene.reviewer)
    # Flagged: a question, no answer.
    scene.decide(scene.claim_one(), Action.FLAGGED)
    # By a script.
    (record,) = scene.add_waiting(1, start=501)
    give(version, record, doubt=True)
    robot = scene.another_reviewer()
    robot.is_script = True
    robot.save()
    scene.decide(scene.claim_one(robot), actor=robot)
    # Accepted before the judge was asked at all.
    (record,) = scene.add_waiting(1, start=502)
    scene.decide(scene.claim_one())
    record.refresh_from_db()
    verdict = give(version, record, doubt=True, occasion=Occasion.AUDIT)
    assert verdict.is_doubt
    assert agreement_of([version])[version.pk].n == 1


def test_decisions_made_with_the_doubt_on_the_card_are_told_apart(
    scene: Scene, version: JudgeVersion
) -> None:
    decided(scene, version, {(True, Action.REJECTED): 2}, is_shown=True)
    decided(scene, version, {(False, Action.ACCEPTED): 3})
    agreed = agreement_of([version])[version.pk]
    assert (agreed.n, agreed.seen) == (5, 2)
    # What is left without them is nothing but what it did not doubt: no figure for that.
    assert (agreed.raw_words, agreed.unseen_words) == ("5 of 5", "")
    decided(scene, version, {(True, Action.ACCEPTED): 1})
    assert agreement_of([version])[version.pk].unseen_words == "3 of 4"


def test_a_lead_saves_switches_and_asks(scene: Scene, connection: Connection, lead: Client) -> None:
    slug = scene.project.slug
    answer = lead.post(
        reverse("reports:judge-new", args=[slug]),
        {"name": "strict", "connection": connection.pk, "rubric": "Be strict.", "bar": 3},
    )
    judge = Judge.objects.get()
    detail = reverse("reports:judge-detail", args=[slug, judge.pk])
    assert answer.headers["Location"] == detail
    assert (judge.is_on, judge.current().bar) == (False, 3)
    scene.add_waiting(3)
    ask_it = reverse("reports:judge-ask", args=[slug, judge.pk])
    lead.post(ask_it, {"occasion": "review", "most": 2, "delivery": ""})
    assert not Submission.objects.exists()
    lead.post(reverse("reports:judge-switch", args=[slug, judge.pk]), {"is_on": "on", "audit_most": 5})
    shown = lead.get(f"{detail}?occasion=review&most=2&delivery=")
    assert len(shown.context["portion"].records) == 2
    assert b"Ask about 2 records" in shown.content
    assert not Submission.objects.exists()
    lead.post(ask_it, {"occasion": "review", "most": 2, "delivery": ""})
    assert Asking.objects.get().asked == 2
    new = reverse("reports:judge-version-new", args=[slug, judge.pk])
    same = lead.post(new, {"connection": connection.pk, "rubric": "Be strict.", "bar": 3})
    assert (same.status_code, judge.versions.count()) == (422, 1)
    lead.post(new, {"connection": connection.pk, "rubric": "Be kind.", "bar": 2})
    assert judge.current().version == 2


def test_a_related_model_is_refused_on_the_form(scene: Scene, lead: Client) -> None:
    mini = save_connection(name="mini", provider_key="openai", model="gpt-4o-mini")
    factories.make_candidate(scene.gap, "by a relative", generator_model_family=mini.family.name)
    answer = lead.post(
        reverse("reports:judge-new", args=[scene.project.slug]),
        {"name": "kin", "connection": mini.pk, "rubric": "x", "bar": 2},
    )
    assert answer.status_code == 422
    assert "blind spots" in answer.content.decode()
    assert not Judge.objects.exists()


def test_a_manager_looks_and_a_reviewer_does_not(scene: Scene, version: JudgeVersion, client: Client) -> None:
    detail = reverse("reports:judge-detail", args=[scene.project.slug, version.judge_id])
    client.force_login(factories.make_member(scene.project, Role.MANAGER))
    shown = client.get(detail)
    assert shown.status_code == 200
    assert b"Save the switches" not in shown.content
    client.force_login(scene.reviewer)
    assert client.get(detail).status_code == 403


def test_another_project_s_judge_and_doubt_are_not_found(
    scene: Scene, version: JudgeVersion, lead: Client
) -> None:
    other = make_scene(name="Another")
    (record,) = other.add_waiting(1, start=900)
    lead.force_login(factories.make_member(other.project, Role.LEAD))
    slug = other.project.slug
    for name in ("judge-detail", "judge-version-new"):
        assert lead.get(reverse(f"reports:{name}", args=[slug, version.judge_id])).status_code == 404
    (mine,) = scene.add_waiting(1)
    doubt = give(version, mine, doubt=True, occasion=Occasion.AUDIT)
    assert lead.post(reverse("reports:doubt-settle", args=[slug, doubt.pk])).status_code == 404
    assert record.project_id != mine.project_id


def test_doubts_wait_for_a_lead_with_reasons_as_text(
    scene: Scene, version: JudgeVersion, lead: Client
) -> None:
    slug = scene.project.slug
    (record,) = scene.add_waiting(1)
    scene.decide(scene.claim_one())
    record.refresh_from_db()
    doubt = give(version, record, doubt=True, occasion=Occasion.AUDIT)
    assert (
        "doubts 1 accepted record " in lead.get(reverse("reports:project-home", args=[slug])).content.decode()
    )
    detail = reverse("reports:judge-detail", args=[slug, version.judge_id])
    body = lead.get(detail).content.decode()
    assert "&lt;i&gt;about&lt;/i&gt; billing" in body
    assert "<i>about</i>" not in body
    life = lead.get(reverse("reports:record-detail", args=[slug, record.pk])).content.decode()
    assert "Judge strict v1" in life
    lead.post(reverse("reports:doubt-settle", args=[slug, doubt.pk]))
    assert "Accepted, and doubted" not in lead.get(detail).content.decode()
    record.refresh_from_db()
    assert record.status == "accepted"


def test_words_that_were_not_screened_yet_are_not_shown(
    scene: Scene, version: JudgeVersion, lead: Client
) -> None:
    (record,) = scene.add_waiting(1)
    scene.decide(scene.claim_one())
    record.refresh_from_db()
    give(version, record, doubt=True, occasion=Occasion.AUDIT, heard_at=None)
    life = reverse("reports:record-detail", args=[scene.project.slug, record.pk])
    assert "billing" not in lead.get(life).content.decode().split("Judge strict v1")[1]
    assert (
        "Accepted, and doubted"
        not in lead.get(
            reverse("reports:judge-detail", args=[scene.project.slug, version.judge_id])
        ).content.decode()
    )


def test_nobody_who_has_to_decide_reads_a_verdict_on_the_record_page(
    scene: Scene, version: JudgeVersion, lead: Client
) -> None:
    (record,) = scene.add_waiting(1)
    give(version, record, doubt=True)
    life = reverse("reports:record-detail", args=[scene.project.slug, record.pk])
    assert "Judge strict" not in lead.get(life).content.decode()


@pytest.mark.parametrize("size", [1, 12])
def test_the_pages_ask_the_same_number_of_questions_at_any_size(
    scene: Scene, version: JudgeVersion, lead: Client, size: int, django_assert_num_queries: Any
) -> None:
    for record in scene.add_waiting(size, start=100):
        give(version, record, doubt=True)
        scene.decide(scene.claim_one())
    for number, record in enumerate(scene.add_waiting(size, start=200)):
        scene.decide(scene.claim_one())
        record.refresh_from_db()
        give(version, record, doubt=bool(number % 2) or size == 1, occasion=Occasion.AUDIT)
    scene.add_waiting(size, start=300)
    args = [scene.project.slug]
    with django_assert_num_queries(10, using="default"):
        assert lead.get(reverse("reports:judge-list", args=args)).status_code == 200
    with django_assert_num_queries(24, using="default"):
        assert lead.get(reverse("reports:judge-detail", args=[*args, version.judge_id])).status_code == 200


def test_the_estimate_says_where_it_is_from_and_guesses_until_answers_were_counted(
    scene: Scene, version: JudgeVersion
) -> None:
    scene.add_waiting(2)
    portion = portion_of(version, Occasion.REVIEW)
    assert portion.estimate["requests"] == 2
    assert portion.estimate["output_tokens"] == 2 * 220
    assert portion.estimate["is_guess"]
    entries = judge_entries(scene.project)
    assert [entry.review.askable for entry in entries] == [2]
    assert ask(version, Occasion.REVIEW, actor=None).estimate == portion.estimate
    assert Project.objects.get(pk=scene.project.pk).judges.count() == 1
