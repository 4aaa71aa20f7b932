"""Files as they come in the wild: calls of the leaderboard, receipts, repairs. Only where they lie beside us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from apps.records.real_rows import ColumnMap, RealRow, RowRules, read_real_rows
from apps.task_types import task_type_of
from apps.task_types.accepted_values import first_of
from apps.task_types.base import SpecView

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="NO ../shared/data")


def rows(task: str, name: str, content: bytes, *mapping: str) -> list[RealRow]:
    rules = RowRules(task_type_of(task), frozenset(), frozenset(), None)
    read = list(read_real_rows(content, name, ColumnMap.parse(mapping), rules))
    refused = [row for row in read if not isinstance(row, RealRow)]
    assert not refused
    return [row for row in read if isinstance(row, RealRow)]


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def test_calls_of_the_leaderboard_agree_with_its_accepted_answers() -> None:
    truth = {each["id"]: each["ground_truth"] for each in lines("bfcl-live-simple-answers.jsonl")}
    joined = [each | {"ground_truth": truth[each["id"]]} for each in lines("bfcl-live-simple.jsonl")]
    content = "\n".join(map(json.dumps, joined)).encode()
    read = rows(
        "tool_call",
        "calls.jsonl",
        content,
        "input.text=question",
        "input.tools=function",
        "output.call=ground_truth",
        "id=id",
    )
    task, spec = task_type_of("tool_call"), SpecView()
    assert len(read) == 150
    for row in read:
        item = {"input": row.input, "output": row.output}
        ((name, named),) = truth[row.row_id][0].items()
        right = task.prediction_from_row({"call": {"name": name, "arguments": first_of(named)}})
        scores = task.score(item, right, spec)
        assert scores["exact"] == 1, row.row_id
        other = task.prediction_from_row({"call": {"name": name, "arguments": {"nobody": "said this"}}})
        assert task.score(item, other, spec)["exact"] == 0, row.row_id
        assert task.score(item, {"call": None}, spec)["relevance"] == 0


def test_receipts_become_records_and_their_own_answers_are_right() -> None:
    content = (DATA / "sroie-receipts.jsonl").read_bytes()
    read = rows("extraction", "receipts.jsonl", content, "input.text=text", "output.fields=key", "id=id")
    assert len(read) == 130
    assert {"company", "date", "total"} <= read[0].output.keys()
    task = task_type_of("extraction")
    for row in read:
        assert (
            task.score({"input": row.input, "output": row.output}, row.output, SpecView())["document_exact"]
            == 1
        )


def test_repairs_become_records_that_their_fixes_solve_and_their_bugs_do_not() -> None:
    read = rows(
        "code_repair",
        "repairs.jsonl",
        (DATA / "quixbugs.jsonl").read_bytes(),
        "input.code=buggy",
        "input.tests=testcases",
        "input.function=id",
        "output.code=fixed",
        "id=id",
    )
    task = task_type_of("code_repair")
    schema = jsonschema.Draft202012Validator(task.record_schema(SpecView()))
    assert len(read) == 16
    for row in read:
        item = {"input": row.input, "output": row.output}
        assert schema.is_valid(item)
        # Others take seconds or gigabytes in their last case, or loop for ever when they are broken.
        if row.row_id in ("bucketsort", "flatten", "kth"):
            assert task.score(item, row.output, SpecView())["pass_at_1"] == 1, row.row_id
            assert task.score(item, {"code": row.input["code"]}, SpecView())["pass_at_1"] == 0, row.row_id
