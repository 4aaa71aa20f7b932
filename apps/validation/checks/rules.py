"""Rules across fields that the spec writes down: sums, dates, "if this then that".

They are written in CEL, the Common Expression Language (https://cel.dev): no loops but its macros, no side effects,
no way out of the record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import cel
import re2

from apps.core.pointers import SCHEMA as POINTER
from apps.core.strict_json import JsonValue
from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

READS = ("input", "output")
MAX_LOOPS = 2
MAX_MEMBERS = 1_000
"""Of a list or object that rules read: two loops over them take 0.6 s at worst."""
_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,")


_OUTPUT_FIELD = re.compile(r"output\.(\w+)")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_BRACKETS = re.compile(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")
_LOOSE = re.compile(r"[=!<>?&|()\[\]{}\"']|\bin\b")


class RulesCheck(Check):
    """Each rule is an expression that is true of a good record. One that cannot be worked out is not true."""

    name = "rules"
    title = "Rules of the spec"
    is_repairable = True
    is_on = False
    options = {
        "rules": {
            "type": "array",
            "default": [],
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["expression", "message"],
                "additionalProperties": False,
                "properties": {
                    "expression": {"type": "string", "minLength": 1, "maxLength": 1_000},
                    "message": {"type": "string", "minLength": 1, "maxLength": 300},
                    "pointer": POINTER,
                },
            },
            "description": "CEL expressions that are true of a good record, and what to say where they are not. They "
            "read `input` and `output` (numbers are doubles: write 2.0 in arithmetic) and, beside CEL's own "
            "functions, sum(list), days_between(date, date) and matches(text, pattern).",
        }
    }

    def proves(self, batch: Batch) -> Sequence[str]:
        """What a rule derives from the input alone has one right value."""
        names = [derived_field(rule["expression"]) for rule in self.option(batch, "rules")]
        return [f"/output/{name}" for name in names if name]

    def definitions(self, batch: Batch) -> Mapping[str, JsonValue]:
        return {f"“{each['message']}”": each for each in self.option(batch, "rules")}

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        return [
            f"rules/{number}/expression: {problem}"
            for number, rule in enumerate(options.get("rules", ()))
            if (problem := _problem(rule["expression"]))
        ]

    def run(self, batch: Batch) -> Findings:
        rules = self.option(batch, "rules")
        findings = {}
        for position, item in enumerate(batch.items):
            if found := list(_broken(rules, item.payload)):
                findings[position] = found
        return findings


def derived_field(expression: str) -> str:
    """``total`` of ``output.total == sum(input.prices)``; empty where a rule does not settle one field of the output.

    The other side must be one value that reads the input and nothing of the output: no comparison, condition or "or"
    stands beside the equals sign, for then more than one value could be true.
    """
    left, equals, right = expression.partition("==")
    for field, value in ((left, right), (right, left)):
        named = _OUTPUT_FIELD.fullmatch(field.strip())
        if equals and named and _is_one_value(value) and not _problem(value) and _reads(value) == {"input"}:
            return named[1]
    return ""


def _reads(expression: str) -> set[str]:
    return set(cel.compile(expression).variables()) & set(READS)


def _is_one_value(expression: str) -> bool:
    """Nothing that binds more loosely than ``==``, or as loosely, outside brackets and strings."""
    bare, before = _STRING.sub("", expression), ""
    while bare != before:
        before, bare = bare, _BRACKETS.sub("", bare)
    return not _LOOSE.search(bare)


def _broken(rules: Sequence[Mapping[str, str]], payload: Mapping[str, Any]) -> Iterator[FindingData]:
    if not rules:
        return
    if _largest(payload) > MAX_MEMBERS:
        yield _finding(
            "too_long", f"A list of more than {MAX_MEMBERS:,} members: no rule of the spec is tried on it."
        )
        return
    context = _context(payload)
    for number, rule in enumerate(rules, start=1):
        pointer = rule.get("pointer", "")
        try:
            answer = _compiled(rule["expression"]).execute(context)
        # Whatever the library throws at a record that lacks a field or holds another type.
        except Exception as error:  # noqa: BLE001
            message = f"Rule {number} of the spec could not be worked out ({type(error).__name__})."
            yield _finding("cannot_tell", f"{message} It says: {rule['message']}", pointer)
            continue
        if answer is not True:
            code = "broken" if answer is False else "cannot_tell"
            yield _finding(code, rule["message"], pointer)


def _finding(code: str, message: str, pointer: str = "") -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)


@cache
def _compiled(expression: str) -> Any:
    return cel.compile(expression)


def _context(payload: Mapping[str, Any]) -> Any:
    context = cel.Context()
    for name in READS:
        context.add_variable(name, _as_cel(payload[name]))
    for name, function in FUNCTIONS.items():
        context.add_function(name, function)
    return context


def _as_cel(value: Any) -> Any:
    """JSON as CEL reads it: every number is a double, so that 2 and 2.5 can be added."""
    if isinstance(value, Mapping):
        return {str(name): _as_cel(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_cel(member) for member in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _largest(value: Any) -> int:
    if not isinstance(value, (Mapping, list)):
        return 0
    members = value.values() if isinstance(value, Mapping) else value
    return max(len(value), *map(_largest, members), 0)


def _sum(numbers: Sequence[float]) -> float:
    """In decimals: three times 0.1 makes 0.3, as on an invoice."""
    return float(sum((Decimal(str(number)) for number in numbers), Decimal(0)))


def _days_between(first: str, last: str) -> float:
    """From the first day to the last, both ISO 8601; negative when the last comes first."""
    return float((_day(last) - _day(first)).days)


def _day(text: str) -> date:
    return date.fromisoformat(text) if len(text) <= len("2026-01-01") else datetime.fromisoformat(text).date()


def _matches(text: str, pattern: str) -> bool:
    """Whether an RE2 pattern, in linear time, is found in a text."""
    return re2.search(pattern, text) is not None


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": _sum,
    "days_between": _days_between,
    "matches": _matches,
}


def _problem(expression: str) -> str:
    """What is wrong with an expression, to be said when it is saved."""
    try:
        program = cel.compile(expression)
    except ValueError as error:
        return f"is no CEL expression: {str(error).splitlines()[0][:200]}"
    loops = _LOOP.findall(expression)
    if len(loops) > MAX_LOOPS:
        return f"has {len(loops)} loops (all, exists, map, filter); {MAX_LOOPS} is the most"
    if strangers := sorted(set(program.variables()) - {*READS, *loops}):
        return f"reads {', '.join(strangers)}; a rule reads {' and '.join(READS)}"
    called = {name for name in program.functions() if name.isidentifier()}
    if unknown := sorted(called - CEL_FUNCTIONS - set(FUNCTIONS)):
        return f"calls {', '.join(unknown)}; there is {', '.join(sorted({*CEL_FUNCTIONS, *FUNCTIONS}))}"
    return ""


CEL_FUNCTIONS = frozenset(
    {
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "int",
        "uint",
        "double",
        "string",
        "bool",
        "bytes",
        "dyn",
        "type",
    }
    | {"timestamp", "duration", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek"}
    | {"getDayOfYear", "getHours", "getMinutes", "getSeconds"}
)
