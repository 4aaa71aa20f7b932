"""Call a stranger's Python function, and judge what it returned: here, outside, where it cannot reach.

The candidate and the judge share no process and no trust. Into the sandbox go the source, the arguments and a nonce;
the expected values never do. Out come lines of strict JSON. A candidate that prints "passed", leaves early, patches
the driver or writes lines of its own can only turn its answer into a wrong one or none; the nonce keeps what it
prints by mistake apart from what it answered.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from apps.core.strict_json import JsonValue, StrictJsonError, loads_line
from apps.sandbox.jobs import Job, Limits, Outcome, SandboxUnavailableError, Status
from apps.sandbox.mechanisms import Mechanism
from apps.sandbox.probing import run

# Read as text, never imported: it belongs inside.
_DRIVER = (Path(__file__).parent / "driver.py").read_bytes()
# A candidate that ends or loops at one case is started again for the cases after it, this often.
_STARTS = 4


@dataclass(frozen=True, slots=True)
class Call:
    """``function`` is the name of another function of the same source than the one asked for with all calls."""

    args: Sequence[JsonValue] = ()
    kwargs: dict[str, JsonValue] = field(default_factory=dict)
    function: str = ""


class AnswerKind(StrEnum):
    RETURNED = "returned"
    RAISED = "raised"
    NONE = "none"


class Stop(StrEnum):
    """Why there is no answer. UNAVAILABLE says that nothing was run; the code is to blame for the others."""

    TIMED_OUT = "timed_out"
    MEMORY = "memory"
    KILLED = "killed"
    OUTPUT = "output"
    ENDED = "ended"
    PROTOCOL = "protocol"
    NOT_REACHED = "not_reached"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """``value`` is what was returned, tuples and generators as lists; ``reason`` and ``stop`` say why there is none."""

    kind: AnswerKind
    value: JsonValue = None
    reason: str = ""
    stop: Stop | None = None


def _none(stop: Stop, reason: str) -> Answer:
    return Answer(AnswerKind.NONE, reason=reason, stop=stop)


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Case:
    call: Call
    expected: JsonValue


@dataclass(frozen=True, slots=True)
class CaseResult:
    verdict: Verdict
    reason: str
    answer: Answer


def call_python(
    *,
    source: str,
    function: str,
    calls: Sequence[Call],
    limits: Limits | None = None,
    mechanism: Mechanism | None = None,
    starts: int = _STARTS,
) -> list[Answer]:
    """One answer for each call. ``limits`` hold for each start, of which there are at most ``starts``.

    Never raises for what the code does; where no sandbox works every answer is NONE and says so.
    """
    answers: list[Answer] = []
    for _ in range(starts):
        left = calls[len(answers) :]
        if not left:
            break
        try:
            answers += _answers_of_one_start(source, function, left, limits or Limits(), mechanism)
        except SandboxUnavailableError as error:
            answers += [_none(Stop.UNAVAILABLE, str(error))] * len(left)
    missing = len(calls) - len(answers)
    return answers + [_none(Stop.NOT_REACHED, f"not reached: it was started {starts} times")] * missing


def run_python_cases(
    *,
    source: str,
    function: str,
    cases: Sequence[Case],
    limits: Limits | None = None,
    mechanism: Mechanism | None = None,
    relative_tolerance: float = 1e-9,
    starts: int = _STARTS,
) -> list[CaseResult]:
    """One verdict for each case: passed only when a value came back and equals the expected one.

    Equal means the same JSON: ``true`` is not 1, and two numbers may differ by ``relative_tolerance`` when either
    is a fraction.
    """
    answers = call_python(
        source=source,
        function=function,
        calls=[case.call for case in cases],
        limits=limits,
        mechanism=mechanism,
        starts=starts,
    )
    return [
        _judge(answer, case.expected, relative_tolerance) for answer, case in zip(answers, cases, strict=True)
    ]


def _judge(answer: Answer, expected: JsonValue, tolerance: float) -> CaseResult:
    if answer.kind is AnswerKind.NONE:
        return CaseResult(Verdict.UNVERIFIED, answer.reason, answer)
    if answer.kind is AnswerKind.RAISED:
        return CaseResult(Verdict.FAILED, answer.reason, answer)
    if same(answer.value, expected, relative_tolerance=tolerance):
        return CaseResult(Verdict.PASSED, "", answer)
    return CaseResult(Verdict.FAILED, "another value than expected", answer)


def same(one: JsonValue, other: JsonValue, *, relative_tolerance: float) -> bool:
    """Whether two JSON values are equal, the kind of each included."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(one, other, rel_tol=relative_tolerance)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            same(left, right, relative_tolerance=relative_tolerance)
            for left, right in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same(value, other[key], relative_tolerance=relative_tolerance) for key, value in one.items()
        )
    return type(one) is type(other) and one == other


def _answers_of_one_start(
    source: str, function: str, calls: Sequence[Call], limits: Limits, mechanism: Mechanism | None
) -> list[Answer]:
    """The answers that came, and one of kind NONE for the case at which it stopped giving any."""
    nonce = secrets.token_hex(16)
    task = {
        "nonce": nonce,
        "source": source,
        "calls": [
            {"function": call.function or function, "args": list(call.args), "kwargs": call.kwargs}
            for call in calls
        ],
    }
    outcome = run(
        Job(
            command=["python3", "driver.py"],
            files={"driver.py": _DRIVER},
            stdin=json.dumps(task).encode(),
            limits=limits,
        ),
        mechanism=mechanism,
    )
    answers: list[Answer] = []
    whole_lines = outcome.stdout.split(b"\n")[:-1]
    for line in whole_lines:
        answer = _read(line, nonce, len(answers), limits.output_bytes)
        if answer is None or len(answers) == len(calls):
            # Somebody else writes here: what came before is no surer than what comes after.
            return [_none(Stop.PROTOCOL, "its answers do not keep to the protocol")] * len(calls)
        answers.append(answer)
    if len(answers) < len(calls):
        answers.append(_why_it_stopped(outcome))
    elif outcome.status is not Status.FINISHED or outcome.exit_code != 0:
        # All were given and then something went wrong on its way out: no pass on doubt for the last one.
        answers[-1] = _why_it_stopped(outcome)
    return answers


def _read(line: bytes, nonce: str, case: int, max_bytes: int) -> Answer | None:
    try:
        said = loads_line(line, max_bytes=max_bytes)
    except StrictJsonError:
        return None
    if not isinstance(said, dict) or said.get("nonce") != nonce or said.get("case") != case:
        return None
    match said:
        case {"nonce": _, "case": int(), "value": value, **rest} if not rest:
            return Answer(AnswerKind.RETURNED, value=value)
        case {"nonce": _, "case": int(), "raised": str(words), **rest} if not rest:
            if words.startswith("MemoryError"):
                # Our limit, not its fault: with more it might have been right.
                return _none(Stop.MEMORY, "out of the memory that it may take")
            return Answer(AnswerKind.RAISED, reason=words)
    return None


def _why_it_stopped(outcome: Outcome) -> Answer:
    if outcome.status is Status.FINISHED:
        return _none(Stop.ENDED, f"it ended with exit code {outcome.exit_code} before it had answered")
    stop = {
        Status.TIMED_OUT: Stop.TIMED_OUT,
        Status.OUTPUT_EXCEEDED: Stop.OUTPUT,
        Status.KILLED: Stop.KILLED,
    }[outcome.status]
    return _none(stop, f"{outcome.status.replace('_', ' ')}: {outcome.reason}")
