"""The stand-ins by themselves: their faults meet what they should, and their model says what was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import RemoteDisconnected
from typing import Any

import jsonschema
import pytest

from tests.providers.__main__ import SERVERS, behaviour_of
from tests.providers.standins.base import (
    Behaviour,
    EndAs,
    Reply,
    Request,
    Route,
    StandIn,
    answer_for,
    count_in,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["records"],
    "properties": {"records": {"type": "array", "items": {"$ref": "#/$defs/record"}}},
    "$defs": {
        "record": {
            "type": "object",
            "additionalProperties": False,
            "required": ["input", "output", "note", "score", "is_hard"],
            "properties": {
                "input": {
                    "type": "object",
                    "required": ["text"],
                    "properties": {"text": {"type": "string"}},
                },
                "output": {
                    "type": "object",
                    "required": ["label"],
                    "properties": {"label": {"enum": ["refund", "late_delivery"]}},
                },
                "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
                "score": {"type": "integer", "minimum": 1, "maximum": 5},
                "is_hard": {"type": "boolean"},
            },
        }
    },
}
PROMPT = "Write 7 varied customer messages for the label late_delivery."


class Counter(StandIn):
    """Makes things, lists nothing."""

    def __init__(self) -> None:
        self.made = 0
        super().__init__()

    def routes(self) -> list[Route]:
        return [("POST", "/things", lambda request: self.on_create(self.make)), ("POST", "/echo", self.echo)]

    def make(self) -> Reply:
        self.made += 1
        return Reply(body={"made": self.made})

    def echo(self, request: Request) -> Reply:
        return Reply(body=request.body)


def post(url: str, body: Any = b"") -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST")) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_fault_meets_the_next_create_alone() -> None:
    with Counter() as server:
        server.behaviour = Behaviour(drop_after_accept=True)
        with pytest.raises(RemoteDisconnected):
            post(f"{server.url}/things")
        assert post(f"{server.url}/things") == (200, b'{"made": 2}')
        server.behaviour = Behaviour(drop_before_accept=True)
        with pytest.raises(RemoteDisconnected):
            post(f"{server.url}/things")
        assert (server.creates, server.made, server.posts("/things")) == (3, 2, 3)


def test_a_fault_can_meet_every_create() -> None:
    with Counter() as server:
        server.behaviour = Behaviour(refuse=(429, {"no": 1}, {}), every_time=True)
        assert [post(f"{server.url}/things") for _ in range(2)] == [(429, b'{"no": 1}')] * 2
        assert (server.creates, server.made) == (2, 0)


def test_a_body_in_pieces_arrives_whole() -> None:
    with Counter() as server:
        assert post(f"{server.url}/echo", iter([b"one ", b"two"])) == (200, b"one two")


def test_an_unknown_path_is_404() -> None:
    with Counter() as server:
        assert post(f"{server.url}/nowhere")[0] == 404


def test_arranging_keeps_every_line() -> None:
    lines = [b"1", b"2", b"3"]
    assert Behaviour().arranged(lines) == lines
    behaviour = Behaviour(duplicate=True, shuffle=True, poison_lines=[b"{", b"x"])
    assert sorted(behaviour.arranged(lines)) == sorted([*lines, b"1", b"{", b"x"])


def test_answers_are_valid_varied_and_the_same_for_the_same_request() -> None:
    assert count_in(PROMPT) == 7
    answer = answer_for(SCHEMA, PROMPT, 7, salt="a")
    value = json.loads(answer)
    jsonschema.validate(value, SCHEMA)
    assert len(value["records"]) == 7
    assert {record["output"]["label"] for record in value["records"]} == {"late_delivery"}
    assert len({record["input"]["text"] for record in value["records"]}) == 7
    assert answer == answer_for(SCHEMA, PROMPT, 7, salt="a") != answer_for(SCHEMA, PROMPT, 7, salt="b")


@pytest.mark.parametrize(
    ("prompt", "count"),
    [("Write 12 messages.", 12), ("exactly 4", 4), ("Make 3 new records", 3), ("Go on.", 3)],
)
def test_the_count_is_read_from_the_prompt(prompt: str, count: int) -> None:
    assert count_in(prompt) == count


def test_faults_can_be_named_by_hand() -> None:
    behaviour = behaviour_of(["drop_after_accept", "answered=3", "end_as=expired", "shuffle=no"])
    assert behaviour.drop_after_accept
    assert (behaviour.answered, behaviour.end_as, behaviour.shuffle) == (3, EndAs.EXPIRED, False)
    with pytest.raises(ValueError, match="there is answered, "):
        behaviour_of(["no_such_fault"])


def test_each_stand_in_is_started_by_its_provider_s_name() -> None:
    assert set(SERVERS) == {
        "openai", "azure_openai", "openai_compatible", "anthropic", "bedrock", "gemini", "vertex",
    }  # fmt: skip


def test_one_can_be_started_by_hand() -> None:
    command = [sys.executable, "-m", "tests.providers", "openai", "--fault", "status_after_accept=500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().rsplit(" ", 1)[1].strip()
            assert post(f"{url}/batches", b'{"input_file_id": "none"}')[0] == 400
        finally:
            process.terminate()
