"""What stands for tasks and records before people who must not tell a gold item by its number.

Rows are numbered in the order in which they are made, and gold items are made apart from what they stand among. So
a browser knows a task by a number that says nothing of its place: the task's own, sent through a permutation under
the secret key (a Feistel network of four rounds: nobody tells it from chance, as Luby and Rackoff showed in 1988).
And where a project has gold items, a record is called by the beginning of its random uuid.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.records.models import Record
from apps.review.models import ReviewTask, TaskKind
from apps.review.opening import CAME_BACK
from apps.review.rules import ReviewRules

HALF = 24
MASK = (1 << HALF) - 1
LIMIT = 1 << (2 * HALF)
"""Task numbers and references lie below it; a script's numbers are exact up to 2^53."""
ROUNDS = 4
CODE = re.compile(r"#?([0-9a-f]{8})")


def reference_of(task_id: int) -> int:
    """What stands for the task in a page."""
    left, right = task_id >> HALF, task_id & MASK
    for turn in range(ROUNDS):
        left, right = right, left ^ _scrambled(right, turn)
    return (left << HALF) | right


def task_id_of(reference: int) -> int:
    """The task that ``reference`` stands for; there may be none of that number. ValidationError beyond LIMIT."""
    if not 0 <= reference < LIMIT:
        raise ValidationError("This is the number of no task.")
    left, right = reference >> HALF, reference & MASK
    for turn in reversed(range(ROUNDS)):
        left, right = right ^ _scrambled(left, turn), left
    return (left << HALF) | right


def interleaved(tasks: Sequence[ReviewTask]) -> list[ReviewTask]:
    """``tasks``, given in queue order, with the gold among them where chance would have put them, each time alike.

    They were made last, so by their numbers they would stand at the end. What somebody took back stays in front.
    """
    gold = [task for task in tasks if task.kind == TaskKind.GOLD and task.priority > CAME_BACK]
    order = [task for task in tasks if task not in gold]
    first = sum(task.priority <= CAME_BACK for task in order)
    for task in gold:
        order.insert(first + reference_of(task.pk) % (len(order) - first + 1), task)
    return order


def name_of(record: Record, rules: ReviewRules) -> str:
    """How ``record`` is called in the review room of a project under ``rules``, without a number sign."""
    return called(record.pk, record.uuid, rules)


def called(number: int, uuid: UUID, rules: ReviewRules) -> str:
    """``name_of`` a record of which only this is known."""
    return uuid.hex[:8] if rules.hides_records else str(number)


def named(words: str) -> Q | None:
    """The records that are called ``words``, by their number or their code; None where that is no name."""
    found = Q()
    if words.removeprefix("#").isdecimal() and (words.startswith("#") or len(words) < 12):
        found |= Q(pk=int(words.removeprefix("#")))
    if code := CODE.fullmatch(words.lower()):
        first, last = (UUID(code[1] + digit * 24) for digit in "0f")
        found |= Q(uuid__gte=first, uuid__lte=last)
    return found or None


class TaskConverter:
    """A task in an address, by its reference."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        try:
            return task_id_of(int(value))
        except ValidationError as error:
            raise ValueError(value) from error

    def to_url(self, value: int) -> str:
        return str(reference_of(value))


def _scrambled(half: int, turn: int) -> int:
    key = hashlib.sha256(f"task references {settings.SECRET_KEY}".encode()).digest()
    digest = hashlib.blake2b(half.to_bytes(3), key=key, salt=bytes([turn]), digest_size=3)
    return int.from_bytes(digest.digest())
