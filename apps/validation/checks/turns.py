"""The turns of a dialogue follow each other as a conversation does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.task_types.dialogue import ROLES
from apps.task_types.tool_calls import ToolCallError, read_calls
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

TURNS = "/input/turns"


class TurnsCheck(Check):
    """A system turn stands first or nowhere, people and assistant take turns, a tool answers calls alone."""

    name = "turns"
    title = "Turns"
    is_on = False
    is_repairable = True
    options = {
        "first": {
            "enum": [role for role in ROLES if role != "tool"],
            "default": "user",
            "description": "Who begins, after a system turn.",
        },
        "alternate": {
            "type": "boolean",
            "default": True,
            "description": "Whether nobody but a tool may speak twice in a row.",
        },
        "min_turns": {"type": "integer", "minimum": 1, "default": 1, "description": "Fewest turns."},
        "max_turns": {"type": "integer", "minimum": 1, "default": 200, "description": "Most turns."},
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        low, high = (options.get(name, self.options[name]["default"]) for name in ("min_turns", "max_turns"))
        return [f"max_turns: {high} is less than min_turns, {low}"] if low > high else []

    def run(self, batch: Batch) -> Findings:
        rules = {name: self.option(batch, name) for name in self.options}
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_wrong(item, rules)))
        }


def _wrong(item: Item, rules: Mapping[str, Any]) -> Iterator[FindingData]:
    written = item.input.get("turns")
    turns = [turn for turn in written if isinstance(turn, dict)] if isinstance(written, list) else []
    if not rules["min_turns"] <= len(turns) <= rules["max_turns"]:
        allowed = f"{rules['min_turns']} to {rules['max_turns']}"
        yield _block("number", f"{len(turns)} turns; allowed are {allowed}.", TURNS)
    spoken = [turn for turn in turns if turn.get("role") != "system"]
    if spoken and spoken[0].get("role") != rules["first"]:
        yield _block("first", f"The first to speak has to be the {rules['first']}.", TURNS)
    waiting = 0
    for number, turn in enumerate(turns):
        place = f"{TURNS}/{number}"
        before = turns[number - 1] if number else {}
        yield from _wrong_turn(turn, before, place, waiting=waiting, alternate=bool(rules["alternate"]))
        try:
            calls = len(read_calls(turn.get("calls")))
        except ToolCallError as error:
            calls = 0
            yield _block(error.code, error.message, f"{place}/calls{error.pointer}")
        waiting = max(0, waiting - 1) if turn.get("role") == "tool" else calls
    if waiting:
        yield _block("no_answer", "The last calls of tools have no answer.", TURNS)


def _wrong_turn(
    turn: Mapping[str, Any], before: Mapping[str, Any], place: str, *, waiting: int, alternate: bool
) -> Iterator[FindingData]:
    role = turn.get("role")
    if role == "system" and before:
        yield _block("system", "A system turn stands first.", place)
    if role == "tool" and not waiting:
        yield _block("no_call", "A tool answers here, and nobody has called it.", place)
    if role != "tool" and waiting:
        yield _block("no_answer", "A call of a tool has no answer before this turn.", place)
    if alternate and role != "tool" and role == before.get("role"):
        yield _block("twice", f"The {role} speaks twice in a row.", place)
    if turn.get("calls") and role != "assistant":
        yield _block("who_calls", "Only the assistant calls tools.", f"{place}/calls")
    if not str(turn.get("content") or "").strip() and not turn.get("calls"):
        yield _block("empty", "The turn says nothing.", f"{place}/content")


def _block(code: str, message: str, pointer: str) -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)
