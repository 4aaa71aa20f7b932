"""The embedded worker: everything due is done, in its own queue, and one failure holds up nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from apps.core.sweep import Sweep
from apps.operations import sweeps
from apps.operations.work import drain, work_once
from synthreview import wall
from synthreview.celery import QUEUES, app

ROOT = Path(__file__).resolve().parents[2]


class Pile:
    """Work that is due until it is done, as rows are."""

    def __init__(self, *numbers: int) -> None:
        self.waiting = list(numbers)
        self.done: list[int] = []

    def due(self) -> list[int]:
        return list(self.waiting)

    def task(self, number: int) -> None:
        self.waiting.remove(number)
        self.done.append(number)

    def sweep(self, queue: str = "generation", *, task: Callable[[int], None] | None = None) -> Sweep:
        return Sweep("pile", queue, self.due, task or self.task)


SetSweeps = Callable[..., None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> SetSweeps:
    """Replaces the stages of work by a test's own."""

    def put(*stages: Sweep) -> None:
        monkeypatch.setattr(sweeps, "SWEEPS", stages)

    return put


def fail(number: int) -> None:
    raise RuntimeError(f"{number} cannot be done")


def test_everything_due_is_done_and_counted(use: SetSweeps) -> None:
    pile = Pile(1, 2, 3)
    use(pile.sweep())
    assert (work_once("generation"), pile.done) == (3, [1, 2, 3])
    assert work_once("generation") == 0


def test_a_worker_leaves_other_queues_alone(use: SetSweeps) -> None:
    ours, theirs = Pile(1), Pile(2)
    use(ours.sweep("validation"), theirs.sweep("evaluation"))
    work_once("validation")
    assert (ours.done, theirs.done) == ([1], [])


def test_a_task_that_raises_is_logged_and_does_not_stop_the_others(
    use: SetSweeps, caplog: pytest.LogCaptureFixture
) -> None:
    pile, after = Pile(1, 2, 3), Pile(4)

    def fail_on_two(number: int) -> None:
        if number == 2:
            fail(number)
        pile.task(number)

    use(pile.sweep(task=fail_on_two), after.sweep())
    assert work_once("generation") == 3
    assert (pile.done, pile.waiting, after.done) == ([1, 3], [2], [4])
    assert "pile of 2 failed" in caplog.text
    assert "2 cannot be done" in caplog.text


def test_a_sweep_that_raises_does_not_starve_those_behind_it(
    use: SetSweeps, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterable[int]:
        raise RuntimeError("no such table")

    after = Pile(1)
    use(Sweep("broken", "generation", broken, fail), after.sweep())
    assert (work_once("generation"), after.done) == (1, [1])
    assert "The sweep 'broken' failed" in caplog.text


def test_a_task_sees_what_was_due_when_its_sweep_began(use: SetSweeps) -> None:
    """A task that makes more of its own kind leaves that to the next sweep: nobody else waits for ever."""
    pile = Pile(1)

    def grow(number: int) -> None:
        pile.task(number)
        pile.waiting.append(number + 1)

    use(pile.sweep(task=grow))
    assert (work_once("generation"), pile.waiting) == (1, [2])


def test_draining_follows_work_through_the_queues(use: SetSweeps) -> None:
    first, second, third = Pile(1), Pile(), Pile()

    def hand_on(source: Pile, target: Pile) -> Callable[[int], None]:
        def task(number: int) -> None:
            source.task(number)
            target.waiting.append(number)

        return task

    use(
        third.sweep("generation"),
        second.sweep("validation", task=hand_on(second, third)),
        first.sweep("evaluation", task=hand_on(first, second)),
    )
    drain()
    assert third.done == [1]


def test_draining_one_queue_leaves_the_others_due(use: SetSweeps) -> None:
    ours, theirs = Pile(1), Pile(2)
    use(ours.sweep("generation"), theirs.sweep("evaluation"))
    drain(["generation"])
    assert (ours.done, theirs.waiting) == ([1], [2])


def test_draining_ends_although_something_only_fails(use: SetSweeps) -> None:
    hopeless, fine = Pile(1), Pile(2, 3)
    use(hopeless.sweep(task=fail), fine.sweep())
    drain()
    assert (hopeless.waiting, fine.done) == ([1], [2, 3])


# --- The stages themselves


def test_every_stage_has_a_queue_a_name_of_its_own_and_a_task_that_celery_knows() -> None:
    app.loader.import_default_modules()
    assert {sweep.queue for sweep in sweeps.SWEEPS} == set(sweeps.QUEUES) == set(QUEUES)
    names = [sweep.name for sweep in sweeps.SWEEPS]
    assert len(names) == len(set(names))
    assert [sweep.name for sweep in sweeps.SWEEPS if sweep.task.name not in app.tasks] == []


@pytest.mark.parametrize(
    "queue",
    [
        pytest.param(
            queue, marks=pytest.mark.django_db(databases=sorted(wall.ALLOWED[sweeps.PROCESS_OF[queue]]))
        )
        for queue in sweeps.QUEUES
    ],
)
def test_looking_for_work_asks_only_the_databases_of_the_queue(queue: str) -> None:
    """The test's own databases are those of the process: a query to another one is refused."""
    due = {sweep.name: list(sweep.due()) for sweep in sweeps.sweeps_of(queue)}
    assert due
    assert not any(due.values())


# --- The command


def work(process: str, *arguments: str, var: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if "_URL" not in name and "LEAKAGE" not in name
    }
    environment |= {"SYNTHREVIEW_PROCESS": process, "SYNTHREVIEW_VAR": str(var)}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("process", "queue", "lacking"),
    [
        ("generation", "validation", "leakage"),
        ("generation", "evaluation", "holdout, leakage"),
        ("validation", "evaluation", "holdout"),
    ],
)
def test_a_process_refuses_a_queue_that_it_has_no_address_for(
    process: str, queue: str, lacking: str, tmp_path: Path
) -> None:
    said = work(process, "work", "--queues", queue, "--once", var=tmp_path)
    assert said.returncode == 1
    assert f"The {process} process has no address of {lacking}" in said.stderr
    assert f"SYNTHREVIEW_PROCESS={queue}" in said.stderr


def test_a_queue_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    said = work("shell", "work", "--queues", "generation,nonsense", "--once", var=tmp_path)
    assert (said.returncode, "There is no queue 'nonsense'" in said.stderr) == (1, True)


def test_each_worker_runs_its_queue_with_its_own_addresses(tmp_path: Path) -> None:
    prepared = work("shell", "prepare", var=tmp_path)
    assert prepared.stdout == "Ready: default, holdout, leakage.\n"
    assert work("shell", "prepare", var=tmp_path).stdout == prepared.stdout
    for queue in QUEUES:
        said = work(sweeps.PROCESS_OF[queue], "work", "--queues", queue, "--once", var=tmp_path)
        assert (said.returncode, said.stdout) == (0, f"Nothing is due in {queue}.\n"), said.stderr
        assert said.stderr == ""
