"""The cases by which code is judged: written as data, or read out of a unit test.

A unit test is read, not run. In one process with the code it could be made to pass, so what it asserts becomes a
case: these arguments, this value. Only assertions that say so plainly can be read, and one that cannot is an error:
a test that is half read proves nothing.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from apps.core.strict_json import MAX_INTEGER, MIN_INTEGER, JsonValue
from apps.sandbox import Call, Case

LONGEST_TEST = 20_000
"""Characters: the parser's stack is not endless."""
MOST_CASES = 500
_KEYS_OF_A_CASE = {"function", "arguments", "expected"}


class CasesError(ValueError):
    """These are no cases; ``pointer`` says where, from the cases on."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(f"{pointer}: {message}" if pointer else message)
        self.pointer = pointer
        self.message = message


class UnreadableTestError(CasesError):
    """A unit test that asserts something which cannot be read as a case."""


def read_cases(written: Any, *, function: str = "") -> list[Case]:
    """At least one case. ``function`` is called where a case names no other.

    ``written`` is a list of `{"arguments": [...] or {...}, "expected": ..., "function": "optional"}` or of pairs
    `[[arguments], expected]`, or the text of a unit test. Raises CasesError.
    """
    if isinstance(written, str):
        cases = _of_unit_test(written)
    elif isinstance(written, list):
        cases = [_of_data(each, number, function) for number, each in enumerate(written[: MOST_CASES + 1])]
    else:
        raise CasesError("", "cases are a list, or the text of a unit test")
    if not cases:
        raise CasesError("", "there is no case, so nothing would be proven")
    if len(cases) > MOST_CASES:
        raise CasesError("", f"there are more than {MOST_CASES} cases")
    return cases


def _of_data(written: Any, number: int, function: str) -> Case:
    pointer = f"/{number}"
    if isinstance(written, list) and len(written) == 2:
        written = {"arguments": written[0], "expected": written[1]}
    if not isinstance(written, dict) or not {"arguments", "expected"} <= written.keys() <= _KEYS_OF_A_CASE:
        raise CasesError(
            pointer, 'a case is {"arguments": [...], "expected": ...} or a pair [[arguments], expected]'
        )
    name, arguments = written.get("function", function), written["arguments"]
    if not isinstance(name, str) or not name.isidentifier():
        raise CasesError(pointer, "it does not say which function is called")
    if isinstance(arguments, dict):
        return Case(Call(kwargs=arguments, function=name), written["expected"])
    if isinstance(arguments, list):
        return Case(Call(arguments, function=name), written["expected"])
    raise CasesError(pointer, "its arguments are a list, or an object when they have names")


def _of_unit_test(text: str) -> list[Case]:
    if len(text) > LONGEST_TEST:
        raise UnreadableTestError("", f"a unit test is read up to {LONGEST_TEST:,} characters")
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise UnreadableTestError("", f"the test is no Python{f', line {line}' if line else ''}") from error
    return list(_cases_of(module.body))


def _cases_of(statements: Sequence[ast.stmt]) -> Iterator[Case]:
    for statement in statements:
        match statement:
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
            case ast.ClassDef(decorator_list=[]):
                yield from _cases_of(statement.body)
            case ast.FunctionDef(decorator_list=[]) if _takes_nothing(statement):
                yield from _cases_of(statement.body)
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), orelse=[]):
                continue
            case ast.Assert(test=test):
                yield _of_condition(test)
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=args)
            ):
                yield _of_method(statement, name, args)
            case _:
                raise _unreadable(statement)


def _takes_nothing(function: ast.FunctionDef) -> bool:
    taken = function.args
    names = [each.arg for each in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    return names in ([], ["self"]) and taken.vararg is None and taken.kwarg is None


def _of_condition(test: ast.expr) -> Case:
    match test:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return _of_equality(test, left, right)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call):
            return Case(_call(call), expected=False)
        case ast.Call():
            return Case(_call(test), expected=True)
    raise _unreadable(test)


def _of_method(statement: ast.stmt, name: str, args: Sequence[ast.expr]) -> Case:
    match name, args:
        case (
            ("assertEqual" | "assertEquals" | "assertListEqual" | "assertDictEqual" | "assertIs"),
            [one, other],
        ):
            return _of_equality(statement, one, other)
        case "assertTrue", [ast.Call() as call]:
            return Case(_call(call), expected=True)
        case "assertFalse", [ast.Call() as call]:
            return Case(_call(call), expected=False)
        case "assertIsNone", [ast.Call() as call]:
            return Case(_call(call), expected=None)
    raise _unreadable(statement)


def _of_equality(where: ast.AST, one: ast.expr, other: ast.expr) -> Case:
    if isinstance(other, ast.Call) and not isinstance(one, ast.Call):
        one, other = other, one
    if not isinstance(one, ast.Call):
        raise _unreadable(where)
    return Case(_call(one), expected=_literal(other, is_argument=False))


def _call(call: ast.Call) -> Call:
    if not isinstance(call.func, ast.Name) or any(keyword.arg is None for keyword in call.keywords):
        raise _unreadable(call)
    return Call(
        args=[_literal(each, is_argument=True) for each in call.args],
        kwargs={str(each.arg): _literal(each.value, is_argument=True) for each in call.keywords},
        function=call.func.id,
    )


def _literal(node: ast.expr, *, is_argument: bool) -> JsonValue:
    """Its value as JSON. A tuple comes back from a function as a list; handed to one it would not be the same."""
    try:
        value = ast.literal_eval(node)
        return _as_json(value, node, exactly=is_argument)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        if isinstance(error, CasesError):
            raise
        raise _unreadable(node) from error


def _as_json(value: Any, node: ast.expr, *, exactly: bool) -> JsonValue:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and MIN_INTEGER <= value <= MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list) or (isinstance(value, tuple) and not exactly):
        return [_as_json(each, node, exactly=exactly) for each in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _as_json(each, node, exactly=exactly) for key, each in value.items()}
    if isinstance(value, dict) and not exactly and all(isinstance(key, int | float) for key in value):
        # As the answer of a function comes out: JSON knows names only.
        return {json.dumps(key): _as_json(each, node, exactly=exactly) for key, each in value.items()}
    raise UnreadableTestError(
        "", f"line {node.lineno}: a {type(value).__name__} cannot be handed over as JSON"
    )


def _unreadable(node: ast.AST) -> UnreadableTestError:
    line = getattr(node, "lineno", 0)
    return UnreadableTestError(
        "", f"line {line} is no assertion that a call with written-out arguments gives a written-out value"
    )
