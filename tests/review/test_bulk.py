"""Bulk decisions leave the same ledger as single ones."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from apps.core.errors import NotAllowedError, RefusedError
from apps.records.models import Record, RecordEvent
from apps.review.bulk import bulk_decide
from apps.review.models import Action, Decision, ReviewTask, TaskStatus
from apps.specs.models import Role
from tests import factories
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db


def test_each_record_has_a_task_a_decision_and_an_event(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.review.bulk.SLICE", 2)
    scene.add_waiting(5)
    result = bulk_decide(project=scene.project, actor=scene.reviewer)
    assert (result.decided, result.held_by_others) == (5, 0)
    assert ReviewTask.objects.filter(status=TaskStatus.DONE).count() == 5
    assert RecordEvent.objects.filter(status_to="accepted", actor=scene.reviewer).count() == 5
    for record in Record.objects.all():
        assert (record.status, record.review_method, record.reviewer) == ("accepted", "bulk", scene.reviewer)
        assert record.decision_uuid == record.decisions.get().uuid


def test_records_in_the_hands_of_others_are_left_to_them(scene: Scene) -> None:
    scene.add_waiting(3)
    scene.claim(scene.another_reviewer(), count=2)
    result = bulk_decide(project=scene.project, actor=scene.reviewer)
    assert (result.decided, result.held_by_others) == (1, 2)


def test_only_the_prompt_that_was_named_is_decided(scene: Scene) -> None:
    scene.add_waiting(2, prompt_version="p v1")
    scene.add_waiting(1, start=5, prompt_version="p v2")
    result = bulk_decide(project=scene.project, actor=scene.reviewer, prompt_version="p v2")
    assert result.decided == 1
    assert Decision.objects.get().record.prompt_version == "p v2"


def test_records_nobody_opened_yet_are_decided_too(scene: Scene) -> None:
    scene.add_waiting(2)
    ReviewTask.objects.all().delete()
    Record.objects.update(due_at=Record.objects.earliest("created_at").created_at)
    assert bulk_decide(project=scene.project, actor=scene.reviewer).decided == 2


def test_a_bulk_rejection_says_why(scene: Scene) -> None:
    scene.add_waiting(1)
    with pytest.raises(RefusedError):
        bulk_decide(project=scene.project, actor=scene.reviewer, action=Action.REJECTED)
    bulk_decide(project=scene.project, actor=scene.reviewer, action=Action.REJECTED, reasons=["unclear"])
    assert Decision.objects.get().reasons == ["unclear"]


@pytest.mark.parametrize("roles", [(Role.MANAGER,), (Role.ADMIN,)])
def test_only_reviewers_and_leads_answer_for_a_bulk_decision(scene: Scene, roles: tuple[Role, ...]) -> None:
    with pytest.raises(NotAllowedError):
        bulk_decide(project=scene.project, actor=factories.make_member(scene.project, *roles))
    with pytest.raises(NotAllowedError):
        bulk_decide(project=scene.project, actor=factories.make_user())


def test_the_command_accepts_all_and_says_so(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.add_waiting(2)
    call_command("decide", scene.project.name, "--accept-all", "--as", scene.reviewer.username)
    assert capsys.readouterr().out.strip() == (
        f"Accepted 2 records of {scene.project} as {scene.reviewer} (review_method bulk)."
    )


def test_the_command_prints_one_json_object(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.add_waiting(1)
    call_command("decide", scene.project.slug, "--accept-all", "--as", scene.reviewer.username, "--json")
    assert json.loads(capsys.readouterr().out) == {
        "project": scene.project.name,
        "action": "accepted",
        "decided": 1,
        "held_by_others": 0,
        "reviewer": scene.reviewer.username,
        "review_method": "bulk",
    }


def test_the_command_fails_for_an_unknown_person_or_without_an_action(scene: Scene) -> None:
    with pytest.raises(CommandError, match="nobody"):
        call_command("decide", scene.project.name, "--accept-all", "--as", "nobody")
    with pytest.raises(CommandError, match="--accept-all"):
        call_command("decide", scene.project.name, "--as", scene.reviewer.username)
