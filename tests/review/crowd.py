"""Many people who review at once, in threads or in processes that may be killed, and whether the ledger bears it out.

Each person writes a journal: what they are about to send, and what they were answered. A kill between the two leaves a
decision that was tried and not confirmed, which may be in the ledger or not; whatever was confirmed has to be in it.

python -m tests.review.crowd PROJECT JOURNAL PERSON…      (keys; one process with a thread for each person)
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synthreview.settings")
    django.setup()

from django.db import connections
from django.db.models import Count

from apps.accounts.models import User
from apps.core.errors import StaleStateError
from apps.review.claiming import claim_next
from apps.review.decisions import decide
from apps.review.leases import release_leases
from apps.review.ledger import Tally, verify
from apps.review.lots import counts_of
from apps.review.models import Action, Decision, ReviewTask
from apps.review.undo import undo
from apps.specs.models import Project

if TYPE_CHECKING:
    Claim = Callable[[Project, User, int], list[ReviewTask]]

SOMETIMES = 0.02
"""How often a person gives a card back instead of deciding, and how often they take a decision back."""


def claim(project: Project, user: User, count: int) -> list[ReviewTask]:
    return claim_next(project=project, user=user, session_key=str(user.pk), count=count)


class Journal:
    """Lines that survive the death of the process that writes them: each is one append."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def write(self, *words: object) -> None:
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())


def review(project: Project, user: User, journal: Journal, *, claims: Claim = claim, rounds: int = 0) -> None:
    """Claims and decides until nothing of ``project`` is open, or ``rounds`` claims long."""
    done = 0
    while True:
        tasks = claims(project, user, random.randint(1, 4))
        for task in tasks:
            journal.write("claim", task.pk, task.fence, user.pk)
            _answer(project, user, task, journal)
        done += 1
        if done == rounds or (not tasks and not ReviewTask.objects.open().filter(project=project).exists()):
            return
        if not tasks:
            # The last cards are in the hands of others, who may give them back.
            time.sleep(0.1)


def _answer(project: Project, user: User, task: ReviewTask, journal: Journal) -> None:
    if random.random() < SOMETIMES:
        release_leases(project=project, user=user, fences={task.pk: task.fence})
        return
    key = uuid4()
    journal.write("try", key)
    is_rejected = random.random() < 0.3
    try:
        decision = decide(
            task=task,
            actor=user,
            fence=task.fence,
            key=key,
            action=Action.REJECTED if is_rejected else Action.ACCEPTED,
            reasons=["too_clean"] if is_rejected else [],
        )
    except StaleStateError:
        journal.write("refused", key)
        return
    journal.write("done", key)
    if random.random() < SOMETIMES:
        undo(decision_uuid=decision.uuid, actor=user)


def review_together(
    project: Project, people: Sequence[User], journal: Path, *, claims: Claim = claim, rounds: int = 0
) -> None:
    """A thread for each of ``people``."""
    lines = Journal(journal)

    def run(person: User) -> None:
        try:
            review(project, person, lines, claims=claims, rounds=rounds)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(run, people))


@dataclass
class Findings:
    """What went wrong. All of it is empty in an honest run."""

    double_leases: int = 0
    """Cards that two people held under one fence."""
    refused: int = 0
    lost: set[str] = field(default_factory=set)
    """Decisions that were confirmed and are not in the ledger."""
    unheard_of: set[str] = field(default_factory=set)
    """Decisions in the ledger that nobody sent."""
    not_once: int = 0
    """Records that have not exactly one standing decision."""
    miscounted: int = 0
    """By how much the folded counts of the lots differ from the ledger."""
    faults: list[str] = field(default_factory=list)


def findings(project: Project, journals: Sequence[Path]) -> Findings:
    """Reads the journals beside the ledger, the counts and the chains."""
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    keys: dict[str, set[str]] = defaultdict(set)
    for path in journals:
        for line in path.read_text().splitlines():
            what, *words = line.split(" ")
            if what == "claim":
                task, fence, person = words
                holders[task, fence].add(person)
            else:
                keys[what].add(words[0])
    made = {str(uuid) for uuid in Decision.objects.filter(project=project).values_list("uuid", flat=True)}
    standing = Decision.objects.standing().filter(project=project)
    per_record = standing.values("record").annotate(n=Count("pk")).values_list("n", flat=True)
    decided = list(per_record.order_by())
    counts, records = counts_of(project), project.records.candidates().count()
    return Findings(
        double_leases=sum(len(people) - 1 for people in holders.values()),
        refused=len(keys["refused"]),
        lost=keys["done"] - made,
        unheard_of=made - keys["try"],
        not_once=sum(n != 1 for n in decided) + records - len(decided),
        miscounted=abs(counts.opened - records) + abs(counts.decided - len(decided)),
        faults=[str(fault) for fault in verify(project=project, tally=Tally())],
    )


if __name__ == "__main__":
    project_key, path, *person_keys = sys.argv[1:]
    review_together(
        Project.objects.get(pk=project_key),
        list(User.objects.filter(pk__in=person_keys).order_by("pk")),
        Path(path),
    )
