"""Runs inside the sandbox: loads the candidate, calls it once for each list of arguments, writes what it returned.

Nothing here decides anything. The candidate shares this process and may do with it what it likes: read it, patch it,
write in its name. It knows no expected value, so all that it can make this say is a wrong answer or none.
"""

import contextlib
import io
import json
import os
import sys
from typing import Any

task = json.load(sys.stdin)
# Prints of the candidate go nowhere near the answers.
answers = os.dup(1)
os.dup2(2, 1)
sys.stdin = io.StringIO()


def answer(case: int, **what: Any) -> None:
    data = json.dumps({"nonce": task["nonce"], "case": case, **what}, allow_nan=False).encode() + b"\n"
    while data:
        data = data[os.write(answers, data) :]


def plain(value: Any) -> Any:
    """Generators are run out; tuples become lists in JSON by themselves."""
    return list(value) if hasattr(value, "__next__") else value


def raised(error: BaseException) -> str:
    words = "its message cannot be read"
    with contextlib.suppress(BaseException):
        words = str(error)[:300]
    return f"{type(error).__name__}: {words}"


space: dict[str, Any] = {"__name__": "candidate"}
try:
    exec(compile(task["source"], "candidate.py", "exec"), space)  # noqa: S102  what this process is for
except BaseException as error:  # noqa: BLE001  sys.exit() is an answer too
    for case in range(len(task["calls"])):
        answer(case, raised=raised(error))
else:
    for case, call in enumerate(task["calls"]):
        try:
            answer(case, value=plain(space[call["function"]](*call["args"], **call["kwargs"])))
        except BaseException as error:  # noqa: BLE001  sys.exit() is an answer too
            answer(case, raised=raised(error))
