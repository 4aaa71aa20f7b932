"""Gold items: cards whose right answer is known, to see how reliably each person decides.

Half are real train rows with the labels they came with; half carry a defect that we put in. They are copies in a
status of their own, from which nothing is ever released; the holdout is never touched.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.core.text import flatten_strings
from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records, move_records
from apps.records.states import RecordStatus
from apps.review.gold_looks import keep_looks, look_at
from apps.review.models import Action, Decision, GoldItem, GoldKind, ReviewTask, TaskKind, TaskStatus
from apps.review.payloads import Payload
from apps.review.references import name_of
from apps.review.rules import ReviewRules
from apps.specs.models import GapStatus, Project
from apps.specs.selectors import spec_view
from apps.task_types import task_type_of
from apps.validation.checks import FindingData

MOST_AT_ONCE = 500
LOOKED_AT = 200
"""Candidates, the latest, by which is told what a card has beside its text."""
PHONES = [f"415-555-01{number:02}" for number in range(100)]
"""Set aside for fiction: they ring nowhere."""
PHONE_SENTENCES = (" You can reach me at {}.", " My number is {}.", " Call me back: {}")
DEFECTS = (GoldKind.WRONG_LABEL, GoldKind.PERSONAL_DATA, GoldKind.NEAR_DUPLICATE)


@dataclass(frozen=True)
class Planted:
    """What is shown, and the word that must not survive an edit ("" where there is none)."""

    input: dict[str, Any]
    output: dict[str, Any]
    planted: str = ""

    @property
    def payload(self) -> Payload:
        return {"input": self.input, "output": self.output}


@dataclass(frozen=True)
class Plan:
    """What becomes of a train row. ``found``: what the checks say of it; None where it cannot be in review."""

    row: Record
    kind: GoldKind
    shown: Planted
    found: list[FindingData] | None


@transaction.atomic
def make_gold(*, project: Project, count: int, actor: User, seed: int | None = None) -> list[GoldItem]:
    """Makes ``count`` items of train rows that are in none yet, drawn at random; fewer where there are fewer.

    A row that a check would keep out of review makes none, as it would be known by that. RefusedError when nothing
    is left to make items of. ``seed`` makes the draw repeatable.
    """
    used = GoldItem.objects.filter(project=project).values("record__derived_from")
    free = list(Record.objects.filter(project=project).train_rows().exclude(pk__in=used).order_by("id"))
    draw = random.Random(seed)  # noqa: S311  no secret hangs on it
    drawn = _drawn(project, free, min(count, MOST_AT_ONCE, len(free)), draw)
    plans = [plan for plan in _plans(project, drawn, draw) if plan.found is not None]
    if not plans:
        raise RefusedError("Gold items are made of real train rows, and none is left: import some first.")
    records = create_records(
        project=project,
        rows=[
            NewRecord(
                source_type=SourceType.WRITTEN,
                input=plan.shown.input,
                output=plan.shown.output,
                derived_from=plan.row,
                rights_note=plan.row.rights_note,
            )
            for plan in plans
        ],
        actor=actor,
        reason="gold item",
    )
    # In the same transaction: no worker checks or indexes them as candidates.
    move_records(records=records, to=RecordStatus.GOLD, actor=actor, reason="gold item")
    items = [
        GoldItem(
            project=project,
            record=record,
            kind=plan.kind,
            right_output=plan.row.current_output,
            planted=plan.shown.planted,
            made_by=actor,
        )
        for plan, record in zip(plans, records, strict=True)
    ]
    GoldItem.objects.bulk_create(items)
    keep_looks(project, items, [plan.found or [] for plan in plans])
    return items


def is_right(item: GoldItem, decision: Decision) -> bool | None:
    """Whether ``decision`` saw what there was to see. None for a flag: who asks has not answered.

    A defect is seen by whoever rejects the record, or mends it.
    """
    if decision.action == Action.FLAGGED:
        return None
    is_edit, kind = decision.action == Action.EDITED, GoldKind(item.kind)
    if kind == GoldKind.KNOWN:
        return decision.action == Action.ACCEPTED or (is_edit and decision.edited_output == item.right_output)
    if decision.action == Action.REJECTED:
        return True
    if kind == GoldKind.WRONG_LABEL:
        return is_edit and decision.edited_output == item.right_output
    if kind == GoldKind.PERSONAL_DATA:
        texts = dict(flatten_strings(decision.edited_input)) if is_edit else {}
        return is_edit and not any(item.planted in text for text in texts.values())
    return False


@transaction.atomic
def take_out(*, item: GoldItem) -> None:
    """Handed to nobody any more, and what was answered to it counts for nobody: it was no good test."""
    GoldItem.objects.filter(pk=item.pk).update(is_on=False)
    waiting = ReviewTask.objects.open().filter(record=item.record_id, kind=TaskKind.GOLD)
    waiting.update(status=TaskStatus.CANCELLED, lease_holder=None, lease_until=None)


def told_of_gold(decision: Decision) -> str:
    """What a person is told at once of their answer to a gold item; "" where the project does not tell."""
    rules = ReviewRules.of(decision.project)
    if decision.task.kind != TaskKind.GOLD or not rules.gold_feedback:
        return ""
    item = GoldItem.objects.get(record=decision.record_id)
    right = is_right(item, decision)
    how = {True: " You were right.", False: " You were wrong.", None: ""}[right]
    return f"Record {name_of(decision.record, rules)} was a test card: {ABOUT[GoldKind(item.kind)]}.{how}"


ABOUT: Mapping[GoldKind, str] = {
    GoldKind.KNOWN: "a real record with its right label",
    GoldKind.WRONG_LABEL: "a real record with a wrong label",
    GoldKind.PERSONAL_DATA: "a telephone number was left in the text",
    GoldKind.NEAR_DUPLICATE: "nearly the same as its nearest neighbour",
}


def asked_for(project: Project) -> set[str]:
    """The labels of the open gaps: those that the cards of candidates have."""
    gaps = project.gaps.filter(status=GapStatus.OPEN).values_list("target_labels", flat=True)
    return {label for labels in gaps for label in labels}


def _drawn(
    project: Project, free: Sequence[Record], count: int, draw: random.Random
) -> list[tuple[GoldKind, Record]]:
    """Rows and what each is to become: every second one shall have a defect.

    As far as there are any, rows show a label that is asked for, as candidates do. A wrong label is such a one, and
    so stands on rows of the others.
    """
    labels, rows = asked_for(project), draw.sample(free, len(free))
    fitting = [row for row in rows if not labels or row.label in labels]
    others = [row for row in rows if labels and row.label not in labels]
    defects, drawn = cycle(DEFECTS), []
    for number in range(count):
        kind = next(defects) if number % 2 else GoldKind.KNOWN
        first, then = (others, fitting) if kind == GoldKind.WRONG_LABEL else (fitting, others)
        drawn.append((kind, (first or then).pop()))
    return drawn


def _plans(project: Project, drawn: Sequence[tuple[GoldKind, Record]], draw: random.Random) -> list[Plan]:
    """What becomes of each row: a known answer where its defect cannot be put in, or where a check would stop it."""
    kinds, rows = [kind for kind, _ in drawn], [row for _, row in drawn]
    worn = _worn(project)
    plain = [Planted(worn(row.current_input), row.current_output) for row in rows]
    planted = [
        PLANTERS[kind](project, row, each, draw) if kind in PLANTERS else None
        for kind, row, each in zip(kinds, rows, plain, strict=True)
    ]
    said_of_plain = look_at(project, [each.payload for each in plain])
    said = look_at(project, [(each or other).payload for each, other in zip(planted, plain, strict=True)])
    return [
        Plan(row, kind, with_defect, found)
        if with_defect is not None and found is not None
        else Plan(row, GoldKind.KNOWN, without, found_without)
        for row, kind, with_defect, found, without, found_without in zip(
            rows, kinds, planted, said, plain, said_of_plain, strict=True
        )
    ]


def _worn(project: Project) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Takes from an input what no candidate has beside its text: a channel, say, that only real tickets come by."""
    candidates = Record.objects.filter(project=project, gap__isnull=False).order_by("-id")
    inputs = candidates.values_list("input", flat=True)[:LOOKED_AT]
    members = {name for input_ in inputs for name in input_}
    return lambda input_: {name: part for name, part in input_.items() if not members or name in members}


def _wrong_label(project: Project, row: Record, plain: Planted, draw: random.Random) -> Planted | None:
    task_type = task_type_of(project.task_type)
    label = task_type.facet(row.current_input, row.current_output)
    allowed = [name for name in spec_view(project).labels if name != label]
    others = [name for name in allowed if name in asked_for(project)] or allowed
    if not others:
        return None
    wrong = draw.choice(others)
    output = {
        key: wrong if value == label and isinstance(value, str) else value
        for key, value in row.current_output.items()
    }
    is_planted = task_type.facet(row.current_input, output) == wrong
    return Planted(plain.input, output) if is_planted else None


def _leaked_phone(project: Project, row: Record, plain: Planted, draw: random.Random) -> Planted | None:
    phone = draw.choice(PHONES)
    sentence = draw.choice(PHONE_SENTENCES).format(phone)
    return _with_text(project, plain, lambda text: text.rstrip() + sentence, phone)


def _near_copy(project: Project, row: Record, plain: Planted, draw: random.Random) -> Planted | None:
    """The same text but for one word that is said twice less, or an ending."""
    return _with_text(project, plain, lambda text: _one_word_less(text, draw), "")


def _with_text(
    project: Project, plain: Planted, change: Callable[[str], str], planted: str
) -> Planted | None:
    """``plain`` with its main text changed wherever the input holds it; None where it does not."""
    text = task_type_of(project.task_type).text_of(plain.input)
    changed = change(text) if text else text
    input_ = {key: changed if value == text else value for key, value in plain.input.items()}
    return Planted(input_, plain.output, planted) if input_ != plain.input else None


def _one_word_less(text: str, draw: random.Random) -> str:
    words = re.findall(r"\S+\s*", text)
    if len(words) < 5:
        return text
    del words[draw.randrange(1, len(words) - 1)]
    return "".join(words)


PLANTERS: Mapping[GoldKind, Callable[[Project, Record, Planted, random.Random], Planted | None]] = {
    GoldKind.WRONG_LABEL: _wrong_label,
    GoldKind.PERSONAL_DATA: _leaked_phone,
    GoldKind.NEAR_DUPLICATE: _near_copy,
}
