"""Recall: reviewed records come back to review, with a reason, in slices, together with what was made from them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import RefusedError, StaleStateError
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.lots import counts_of
from apps.review.models import Action
from apps.review.opening import open_tasks
from apps.review.recall_criteria import words_of
from apps.review.recall_models import Recall, RecallStatus
from apps.review.recalls import advance_recall, start_recall
from apps.review.undo import undo
from apps.specs.models import Role
from tests import factories
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


def decided(scene: Scene, count: int, action: Action = Action.ACCEPTED, **values: Any) -> list[Record]:
    """Records that the reviewer decided by ``action``."""
    records = scene.add_waiting(count, start=Record.objects.count() + 1, **values)
    for _ in records:
        payload = {"input": {"text": f"My own words {timezone.now()}"}, "output": {"label": "refund"}}
        scene.decide(scene.claim_one(), action, payload=payload if action == Action.EDITED else None)
    return records


def begin(scene: Scene, **criteria: str) -> Recall:
    return start_recall(project=scene.project, criteria=criteria, reason="wrong policy", actor=None)


def run(recall: Recall, **values: Any) -> Recall:
    while advance_recall(recall.pk, **values):
        pass
    recall.refresh_from_db()
    return recall


def statuses() -> list[str]:
    return list(Record.objects.order_by("pk").values_list("status", flat=True))


def test_what_fits_comes_back_to_review_and_the_rest_stays(scene: Scene) -> None:
    decided(scene, 2, prompt_version="p v3")
    decided(scene, 1, prompt_version="p v2")
    decided(scene, 1, Action.REJECTED, prompt_version="p v3")
    lead = factories.make_member(scene.project, Role.LEAD)
    recall = start_recall(
        project=scene.project, criteria={"prompt_version": "p v3"}, reason="wrong policy", actor=lead
    )
    run(recall)
    assert statuses() == ["awaiting_review", "awaiting_review", "accepted", "rejected"]
    assert (recall.status, recall.taken_back) == (RecallStatus.DONE, 2)
    record = Record.objects.order_by("pk")[0]
    assert (record.reviewer, record.review_method, record.decision_uuid) == (None, "", None)
    last = list(record.events.order_by("seq").values_list("status_to", "reason", "actor"))[-2:]
    why = f"recall {recall.pk}: wrong policy"
    assert last == [("recalled", why, lead.pk), ("awaiting_review", why, lead.pk)]


def test_a_recalled_record_is_decided_anew_and_the_counts_follow(scene: Scene) -> None:
    decided(scene, 3)
    run(begin(scene, prompt_version="p v1"))
    counts = counts_of(scene.project)
    assert (counts.opened, counts.accepted) == (0, 0)
    open_tasks()
    scene.decide(scene.claim_one(), Action.REJECTED)
    counts = counts_of(scene.project)
    assert (counts.opened, counts.accepted, counts.rejected, counts.left) == (3, 0, 1, 2)


def test_an_edit_comes_back_as_it_was_released(scene: Scene) -> None:
    (record,) = decided(scene, 1, Action.EDITED)
    run(begin(scene, reviewer=scene.reviewer.username))
    record.refresh_from_db()
    assert record.status == RecordStatus.AWAITING_REVIEW
    assert record.current_input["text"].startswith("My own words")


def test_what_was_made_from_it_comes_back_with_it(scene: Scene) -> None:
    (parent,) = decided(scene, 1, prompt_version="p v3")
    (child,) = decided(scene, 1, prompt_version="paraphrase v1", derived_from=parent)
    decided(scene, 1, prompt_version="paraphrase v1", derived_from=child)
    recall = run(begin(scene, prompt_version="p v3"))
    assert statuses() == ["awaiting_review"] * 3
    marks = list(recall.records.order_by("record_id").values_list("is_derived", flat=True))
    assert marks == [False, True, True]


def test_slices_take_each_record_once(scene: Scene) -> None:
    records = decided(scene, 5)
    recall = run(begin(scene, label="refund"), size=2)
    assert recall.taken_back == 5
    assert sorted(recall.records.values_list("record_id", flat=True)) == [record.pk for record in records]
    assert not advance_recall(recall.pk)


def test_what_is_accepted_again_while_it_runs_stays(scene: Scene) -> None:
    decided(scene, 3)
    recall = begin(scene, label="refund")
    decided(scene, 1)
    assert advance_recall(recall.pk, size=2)
    open_tasks()
    scene.decide(scene.claim_one())
    run(recall, size=2)
    assert sorted(statuses()) == ["accepted", "accepted", "awaiting_review", "awaiting_review"]


def test_a_second_recall_of_the_same_records_finds_nothing(scene: Scene) -> None:
    decided(scene, 1)
    run(begin(scene, label="refund"))
    with pytest.raises(RefusedError, match="nothing to recall"):
        begin(scene, label="refund")


def test_a_recalled_decision_cannot_be_undone(scene: Scene) -> None:
    (record,) = decided(scene, 1)
    run(begin(scene, record=f"#{record.pk}"))
    with pytest.raises(StaleStateError, match="moved on"):
        undo(decision_uuid=record.decisions.get().uuid, actor=scene.reviewer)


@pytest.mark.parametrize(
    ("criteria", "fits"),
    [
        ({"generator_model": "rules-1"}, True),
        ({"generator_model": "another"}, False),
        ({"generator_provider": "rules"}, True),
        ({"source_type": "synthetic"}, True),
        ({"gap": "refund-gap"}, True),
        ({"review_method": "person"}, True),
        ({"review_method": "bulk"}, False),
        ({"made_since": "{today}", "made_until": "{today}"}, True),
        ({"made_until": "{yesterday}"}, False),
        ({"decided_since": "{today}"}, True),
        ({"decided_until": "{yesterday}"}, False),
        ({"import": "00000000-0000-4000-8000-000000000000"}, False),
    ],
)
def test_criteria_pick_by_provenance(scene: Scene, criteria: dict[str, str], *, fits: bool) -> None:
    decided(scene, 1)
    today = timezone.localdate()
    days = {"today": str(today), "yesterday": str(today - timedelta(days=1))}
    criteria = {name: word.format(**days) for name, word in criteria.items()}
    if fits:
        assert run(begin(scene, **criteria)).taken_back == 1
    else:
        with pytest.raises(RefusedError, match="nothing to recall"):
            begin(scene, **criteria)


@pytest.mark.parametrize(
    ("criteria", "problem"),
    [
        ({}, "at least one criterion"),
        ({"label": ""}, "at least one criterion"),
        ({"made_since": "Tuesday"}, "write a day"),
        ({"run": "x"}, "not a number"),
        ({"run": "9999"}, "no run 9999"),
        ({"import": "x"}, "UUID"),
        ({"review_method": "magic"}, "no review method"),
        ({"reviewer__password__startswith": "a"}, "no criterion"),
    ],
)
def test_criteria_that_cannot_be_read_are_named(scene: Scene, criteria: dict[str, str], problem: str) -> None:
    with pytest.raises(RefusedError) as caught:
        begin(scene, **criteria)
    assert problem in " ".join([str(caught.value), *caught.value.problems])


def test_it_says_why_or_does_not_begin(scene: Scene) -> None:
    decided(scene, 1)
    with pytest.raises(RefusedError, match="why"):
        start_recall(project=scene.project, criteria={"label": "refund"}, reason=" ", actor=None)


def test_a_lead_who_saw_another_number_is_told(scene: Scene) -> None:
    decided(scene, 2)
    with pytest.raises(StaleStateError, match="look again"):
        start_recall(project=scene.project, criteria={"label": "refund"}, reason="x", actor=None, expected=1)
    assert not Recall.objects.exists()


def test_records_of_another_project_are_out_of_reach(scene: Scene) -> None:
    decided(scene, 1)
    other = factories.make_project()
    with pytest.raises(RefusedError, match="nothing to recall"):
        start_recall(project=other, criteria={"label": "refund"}, reason="x", actor=None)


def test_criteria_in_words() -> None:
    assert words_of({"prompt_version": "p v3", "label": "", "made_since": "2026-11-24"}) == (
        "prompt p v3, made since 2026-11-24"
    )
