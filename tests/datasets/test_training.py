"""What trainers read of a release: the train split alone, in the shape that is usual for the task."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from apps.datasets import files
from apps.datasets.writers.training import TrainingWriter
from apps.task_types import REGISTRY, task_type_of
from tests.datasets.scene import Warehouse

TOOL = {
    "name": "ride",
    "description": "Rides.",
    "parameters": {"type": "dict", "properties": {"to": {"type": "string"}}},
}
CALL = {"name": "ride", "arguments": {"to": "home"}}
PASSAGES = {
    "positive": {"id": "p", "text": "yes"},
    "negatives": [{"id": "a", "text": "no"}, {"id": "b", "text": "never"}],
}
TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "", "calls": [CALL]}]
LINES: list[tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = [
    (
        "classification",
        {"text": "hello", "channel": "chat"},
        {"label": "refund"},
        [{"text": "hello", "channel": "chat", "label": "refund"}],
    ),
    ("multi_label", {"text": "hello"}, {"labels": ["a", "b"]}, [{"text": "hello", "labels": ["a", "b"]}]),
    (
        "extraction",
        {"text": "Total 9"},
        {"total": "9"},
        [
            {
                "messages": [
                    {"role": "user", "content": "Total 9"},
                    {"role": "assistant", "content": '{"total": "9"}'},
                ]
            }
        ],
    ),
    (
        "redaction",
        {"text": "I am Ann"},
        {"spans": [{"start": 5, "end": 8, "kind": "name"}]},
        [{"text": "I am Ann", "spans": [{"start": 5, "end": 8, "label": "name"}]}],
    ),
    (
        "code_repair",
        {"code": "x = 1"},
        {"code": "x = 2"},
        [{"messages": [{"role": "user", "content": "x = 1"}, {"role": "assistant", "content": "x = 2"}]}],
    ),
    (
        "policy",
        {"text": "how"},
        {"label": "talk", "refusal": False, "note": "harmless"},
        [{"text": "how", "label": "talk", "refusal": False, "note": "harmless"}],
    ),
    (
        "dialogue",
        {"turns": TURNS},
        {"label": "solved"},
        [
            {
                "messages": [
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": "", "tool_calls": [CALL]},
                ],
                "label": "solved",
            }
        ],
    ),
    (
        "instruction",
        {"text": "Say hi", "kind": "x"},
        {"response": "hi"},
        [{"messages": [{"role": "user", "content": "Say hi"}, {"role": "assistant", "content": "hi"}]}],
    ),
    (
        "retrieval",
        {"text": "why"},
        PASSAGES,
        [
            {"anchor": "why", "positive": "yes", "negative": "no"},
            {"anchor": "why", "positive": "yes", "negative": "never"},
        ],
    ),
]


@pytest.mark.parametrize(("task", "input_", "output", "lines"), LINES, ids=[line[0] for line in LINES])
def test_the_usual_shape(
    task: str, input_: dict[str, Any], output: dict[str, Any], lines: list[dict[str, Any]]
) -> None:
    assert task_type_of(task).to_training(input_, output) == lines


def test_a_call_is_as_openais_fine_tuning_wants_it() -> None:
    input_ = {"text": "take me home", "tools": [TOOL]}
    (line,) = task_type_of("tool_call").to_training(input_, {"call": CALL})
    function = {"name": "ride", "arguments": '{"to": "home"}'}
    assert line["messages"] == [
        {"role": "user", "content": "take me home"},
        {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]},
    ]
    (tool,) = line["tools"]
    assert (tool["type"], tool["function"]["name"], tool["function"]["description"]) == (
        "function",
        "ride",
        "Rides.",
    )
    assert tool["function"]["parameters"]["type"] == "object"
    assert line["parallel_tool_calls"] is False


def test_no_call_is_an_empty_answer_and_what_no_vendor_takes_is_left_out() -> None:
    task = task_type_of("tool_call")
    (line,) = task.to_training({"text": "hello", "tools": [TOOL]}, {"call": None})
    assert line["messages"][-1] == {"role": "assistant", "content": ""}
    assert task.to_training({"text": "hello", "tools": [{"parameters": {}}]}, {"call": None}) == []


def test_every_task_type_has_a_shape_that_is_shown_above() -> None:
    assert {line[0] for line in LINES} | {"tool_call"} == set(REGISTRY)


def test_only_the_train_split_is_written() -> None:
    examples = [
        {"input": {"text": split}, "output": {"label": "x"}, "eval_split": split, "id": split}
        for split in ("train", "dev", "train")
    ]
    target = io.BytesIO()
    TrainingWriter().write(examples, target, task_type="classification")
    lines = [json.loads(line) for line in target.getvalue().splitlines()]
    assert lines == [{"text": "train", "label": "x"}] * 2


@pytest.mark.django_db(databases=["default", "leakage", "holdout"])
def test_a_release_has_the_file_and_its_hash_in_the_manifest(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    written = (files.directory_of(release) / "training.jsonl").read_bytes()
    assert release.manifest["files"]["training.jsonl"]["bytes"] == len(written)
    texts = {json.loads(line)["text"] for line in written.splitlines()}
    whole = (files.directory_of(release) / "dataset.jsonl").read_bytes()
    train = [line for line in map(json.loads, whole.splitlines()) if line["eval_split"] == "train"]
    assert texts == {line["input"]["text"] for line in train}
    release.manifest["files"].pop("training.jsonl")
    assert "training.jsonl" not in files.names_of(release)
