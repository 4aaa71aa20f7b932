"""Untrusted code: run it where it can do nothing, and trust nothing that it says of itself.

`run` takes a `Job` and gives an `Outcome`; `run_python_cases` judges a function by its cases; `call_python` calls a
declared stub. Where no sandbox works nothing is run, and SandboxUnavailableError or UNVERIFIED says so.
"""

from __future__ import annotations

from apps.sandbox.jobs import Job, Limits, Outcome, SandboxUnavailableError, Status
from apps.sandbox.probing import run
from apps.sandbox.python_calls import (
    Answer,
    AnswerKind,
    Call,
    Case,
    CaseResult,
    Stop,
    Verdict,
    call_python,
    run_python_cases,
    same,
)

__all__ = [
    "Answer",
    "AnswerKind",
    "Call",
    "Case",
    "CaseResult",
    "Job",
    "Limits",
    "Outcome",
    "SandboxUnavailableError",
    "Status",
    "Stop",
    "Verdict",
    "call_python",
    "run",
    "run_python_cases",
    "same",
]
