"""Fifty people review at once: no record is in two hands, no decision is lost, every chain holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.review.lots import fold_lots
from apps.review.models import Decision, ReviewTask
from apps.review.stale_leases import clear_stale_leases
from apps.specs.models import Project
from benchmarks.review_load import add_waiting
from tests.generation.scene import address_of
from tests.review.crowd import Findings, findings, review_together
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "leakage"])

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 50
PROCESSES = 5
SOAK = {"postgresql": 100_000, "sqlite": 10_000}
BETWEEN_KILLS = 15.0
"""Seconds, on average."""


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def people_of(scene: Scene) -> list[User]:
    return [scene.another_reviewer() for _ in range(PEOPLE)]


def test_fifty_people_at_work_lose_and_double_nothing(scene: Scene, tmp_path: Path) -> None:
    scene.add_waiting(2 * PEOPLE)
    review_together(scene.project, people_of(scene), tmp_path / "journal")
    fold_lots()
    assert findings(scene.project, [tmp_path / "journal"]) == Findings()
    assert Decision.objects.standing().count() == 2 * PEOPLE


def test_people_who_read_and_then_write_hold_one_card_together(scene: Scene, tmp_path: Path) -> None:
    """The negative control: the same people and the same findings, with a claim that nothing guards."""
    scene.add_waiting(2 * PEOPLE)
    everybody_has_read = Barrier(PEOPLE)

    def naive_claim(project: Project, user: User, count: int) -> list[ReviewTask]:
        tasks = list(ReviewTask.objects.obtainable(timezone.now()).in_queue_order()[:count])
        everybody_has_read.wait()
        for task in tasks:
            task.lease_holder, task.fence = user, task.fence + 1
            task.lease_until = timezone.now() + timedelta(minutes=10)
            task.save(update_fields=["lease_holder", "lease_until", "fence"])
        return tasks

    review_together(scene.project, people_of(scene), tmp_path / "journal", claims=naive_claim, rounds=1)
    found = findings(scene.project, [tmp_path / "journal"])
    assert found.double_leases >= PEOPLE - 4
    assert found.refused
    assert (found.lost, found.faults) == (set(), [])


def test_a_decision_that_was_confirmed_and_is_not_there_is_found(scene: Scene, tmp_path: Path) -> None:
    """The negative control of the other findings."""
    scene.add_waiting(2)
    decision = scene.decide(scene.claim_one())
    (tmp_path / "journal").write_text("try a\ndone a\n")
    found = findings(scene.project, [tmp_path / "journal"])
    assert (found.lost, found.unheard_of) == ({"a"}, {str(decision.uuid)})
    assert (found.not_once, found.miscounted) == (1, 0)
    fold_lots()
    decision.task.lot.tasks.model.objects.filter(pk=decision.task_id).update(status="open")
    type(decision.task.lot).objects.update(accepted=5)
    assert findings(scene.project, [tmp_path / "journal"]).miscounted == 4


@pytest.mark.soak
def test_a_hundred_thousand_decisions_among_kills(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every record is decided although now and then a process of ten people dies in the middle of its work."""
    count = SOAK[connection.vendor]
    for start in range(0, count, 2_000):
        add_waiting(scene.project, min(2_000, count - start))
    people, began = people_of(scene), time.monotonic()
    kills = work_among_kills(scene.project, people, tmp_path)
    seconds = time.monotonic() - began
    while fold_lots():
        pass
    found = findings(scene.project, sorted(tmp_path.glob("journal-*")))
    made = Decision.objects.count()
    with capsys.disabled():
        sys.stderr.write(
            f"\n{connection.vendor}: {made:,} decisions about {count:,} records by {PEOPLE} people in {PROCESSES} "
            f"processes, {kills} of them killed, in {seconds:,.0f} s ({made / seconds:,.0f} a second): {found}\n"
        )
    assert found == Findings()
    assert made >= count
    assert kills


def work_among_kills(project: Project, people: Sequence[User], folder: Path) -> int:
    """Until nothing is open. This process is the worker that folds the counts; returns how many it killed."""
    groups = [people[number::PROCESSES] for number in range(PROCESSES)]
    running = {number: start(project, group, folder, number) for number, group in enumerate(groups)}
    kills, next_kill = 0, time.monotonic() + BETWEEN_KILLS / 5
    try:
        while running:
            fold_lots()
            clear_stale_leases()
            for number, process in list(running.items()):
                if process.poll() is not None:
                    assert process.returncode == 0, (folder / f"errors-{number}").read_text()[-3000:]
                    del running[number]
            if time.monotonic() > next_kill and running:
                number = random.choice(list(running))
                running[number].send_signal(signal.SIGKILL)
                kills += running[number].wait() == -signal.SIGKILL
                running[number] = start(project, groups[number], folder, number)
                next_kill = time.monotonic() + random.uniform(0.2, 1.8) * BETWEEN_KILLS
            time.sleep(0.2)
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return kills


def start(project: Project, people: Sequence[User], folder: Path, number: int) -> subprocess.Popen[bytes]:
    """The same people come back after a kill: what they held is theirs still."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("_URL", "_KEY"))} | {
        "SYNTHREVIEW_PROCESS": "validation",
        "DATABASE_URL": address_of("default"),
        "LEAKAGE_DATABASE_URL": address_of("leakage"),
        "LEAKAGE_KEY": settings.LEAKAGE_KEY,
        "SECRET_KEY": settings.SECRET_KEY,
        "LOG_LEVEL": "CRITICAL",
    }
    command = [sys.executable, "-m", "tests.review.crowd", str(project.pk), str(folder / f"journal-{number}")]
    with (folder / f"errors-{number}").open("ab") as errors:
        return subprocess.Popen(
            [*command, *(str(person.pk) for person in people)], cwd=ROOT, env=environment, stderr=errors
        )
