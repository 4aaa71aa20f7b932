"""Two people answer about one record in the same moment: exactly one of them is the last."""

from __future__ import annotations

from collections import Counter
from threading import Barrier

import pytest

from apps.records.models import Record
from apps.review import decisions, overlap
from apps.review.models import Decision, ReviewTask
from tests.review.scene import Scene, make_scene
from tests.review.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "leakage"])

RECORDS = 4


def statuses_after_deciding_together(scene: Scene) -> Counter[str]:
    """Two people accept each of RECORDS records at the same moment; how the records end."""
    scene.add_waiting(RECORDS)
    mine = scene.claim(count=RECORDS)
    theirs = {task.record_id: task for task in scene.claim(scene.another_reviewer(), count=RECORDS)}
    for task in mine:
        pair = (task, theirs[task.record_id])
        at_once([lambda task=task: scene.decide(task) for task in pair])  # type: ignore[misc]
    return Counter(Record.objects.values_list("status", flat=True))


def test_two_answers_at_once_move_the_record_once() -> None:
    scene = make_scene(review_rules={"overlap": 1.0})
    assert statuses_after_deciding_together(scene) == {"accepted": RECORDS}
    assert Decision.objects.count() == 2 * RECORDS
    assert not ReviewTask.objects.open().exists()


@pytest.mark.postgres
def test_without_the_lock_each_of_the_two_waits_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: nobody is the last, and the record hangs. SQLite lets one write at a time anyway."""
    both_have_closed_their_task = Barrier(2)

    def lock_nothing(task: ReviewTask) -> None:
        both_have_closed_their_task.wait()

    monkeypatch.setattr(decisions, "lock_round", lock_nothing)
    ask = overlap.answers_of
    both_have_asked = Barrier(2)

    def ask_together(decision: Decision) -> overlap.Answers:
        answers = ask(decision)
        both_have_asked.wait()
        return answers

    monkeypatch.setattr(decisions, "answers_of", ask_together)
    scene = make_scene(review_rules={"overlap": 1.0})
    assert statuses_after_deciding_together(scene) == {"awaiting_review": RECORDS}
