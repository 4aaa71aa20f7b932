"""Vertex AI through its SDK and that of Cloud Storage, against a stand-in and an emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_django import Settings

from apps.core.errors import DomainError
from apps.core.strict_json import JsonValue, canonical_dumps, loads_line
from apps.providers.base import (
    AmbiguousError,
    AnswerStatus,
    Ask,
    Batch,
    BatchState,
    DefiniteRefusalError,
    Endpoint,
    NotOursError,
    RetryLaterError,
    UnreadableAnswerError,
)
from apps.providers.vertex import CHUNK, Vertex
from tests.providers.standins.base import Behaviour, EndAs, Outcome
from tests.providers.standins.google import BUCKET, PAGE, VertexStandIn

NONCE = "0123456789abcdef0123456789abcdef"
JOBS = "/v1beta1/projects/project/locations/us-central1/batchPredictionJobs"
TOKEN = "token-of-a-test"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["records"],
    "properties": {"records": {"type": "array", "items": {"type": "string"}}},
}
ASK = Ask(prompt="Write 3 messages.", schema=SCHEMA, label="refund", max_output_tokens=900)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[VertexStandIn]:
    settings.PROVIDER_HOSTS = ("127.0.0.1",)
    with VertexStandIn() as running:
        monkeypatch.setenv("VERTEX_CREDENTIALS", running.service_account())
        yield running


@pytest.fixture
def batch(server: VertexStandIn, tmp_path: Path) -> Batch:
    return make_batch(server, tmp_path)


def make_batch(server: VertexStandIn, folder: Path, *, nonce: str = NONCE, prompt: str = "") -> Batch:
    endpoint = Endpoint(
        model="gemini-2.5-flash",
        base_url=server.base_url,
        settings={
            "project": "project",
            "location": "us-central1",
            "bucket": BUCKET,
            "storage_url": server.storage_url,
        },
    )
    ask = replace(ASK, prompt=prompt) if prompt else ASK
    file = folder / f"{nonce}.jsonl"
    lines = [Vertex().request_line(f"{nonce}-{n:06}", ask, endpoint=endpoint) for n in range(1, 5)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(nonce=nonce, endpoint=endpoint, request_file=file, request_count=len(lines))


def sent(batch: Batch) -> Batch:
    uploaded = replace(batch, upload=Vertex().upload(batch))
    return replace(uploaded, batch_id=Vertex().create(uploaded).batch_id)


def ended(batch: Batch) -> BatchState:
    for _ in range(10):
        state = Vertex().poll(batch).state
        if state not in {BatchState.WAITING, BatchState.RUNNING}:
            return state
    raise AssertionError("It never ends.")


def lines_of(batch: Batch) -> list[JsonValue]:
    return [loads_line(line) for line in Vertex().results(batch)]


class Impatient(Vertex):
    call_within = timedelta(seconds=1)


def test_a_batch_from_upload_to_answers_in_any_order(server: VertexStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(shuffle=True)
    batch = sent(batch)
    assert batch.upload == f"gs://{BUCKET}/synthreview/{NONCE}/requests.jsonl"
    assert ended(batch) == BatchState.ENDED
    answers = {answer.custom_id: answer for answer in map(Vertex().read_answer, lines_of(batch))}
    assert sorted(answers) == [f"{NONCE}-{n:06}" for n in range(1, 5)]
    assert {answer.status for answer in answers.values()} == {AnswerStatus.OK}
    assert all(answer.usage.input_tokens for answer in answers.values())
    assert server.posts(JOBS) == server.creates == 1


def test_the_request_line_carries_its_id_as_the_last_part_of_the_prompt() -> None:
    line = Vertex().request_line(f"{NONCE}-000001", ASK, endpoint=Endpoint(model="m"))
    request = cast("dict[str, Any]", line["request"])
    assert list(line) == ["request"]
    assert request["contents"] == [
        {
            "role": "user",
            "parts": [
                {"text": "Write 3 messages."},
                {"text": f"(Request {NONCE}-000001. It is no part of the task.)"},
            ],
        }
    ]
    assert sorted(request["generationConfig"]) == [
        "maxOutputTokens",
        "responseJsonSchema",
        "responseMimeType",
    ]


def test_an_id_that_the_prompt_quotes_is_not_taken_for_the_requests_own(
    server: VertexStandIn, tmp_path: Path
) -> None:
    quoted = f"Rewrite: (Request {'e' * 32}-000009. It is no part of the task.)"
    batch = sent(make_batch(server, tmp_path, prompt=quoted))
    ended(batch)
    answers = [Vertex().read_answer(line) for line in lines_of(batch)]
    assert {answer.custom_id[:32] for answer in answers} == {NONCE}


@pytest.mark.parametrize("fault", ["drop_before_accept", "drop_after_accept", "hang_after_accept"])
def test_a_lost_answer_is_one_post_and_nobody_knows(server: VertexStandIn, batch: Batch, fault: str) -> None:
    uploaded = replace(batch, upload=Vertex().upload(batch))
    server.behaviour = Behaviour(**cast("dict[str, Any]", {fault: True, "every_time": True}))
    with pytest.raises(AmbiguousError):
        Impatient().create(uploaded)
    assert server.posts(JOBS) == 1
    assert len(Vertex().find(batch)) == (0 if fault == "drop_before_accept" else 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, DefiniteRefusalError), (403, DefiniteRefusalError), (429, RetryLaterError), (409, AmbiguousError)],
)
def test_what_a_status_says_of_money(
    server: VertexStandIn, batch: Batch, status: int, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    uploaded = replace(batch, upload=Vertex().upload(batch))
    body = {"error": {"code": status, "message": f"Not with {TOKEN}.", "status": "NO"}}
    server.behaviour = Behaviour(refuse=(status, body, {}), every_time=True)
    with caplog.at_level("DEBUG"), pytest.raises(kind, match=r"Not with \[key\]"):
        Vertex().create(uploaded)
    assert (server.posts(JOBS), server.jobs) == (1, {})
    assert "PRIVATE KEY" not in caplog.text
    assert TOKEN not in caplog.text
    # The control: it was sent.
    assert server.calls[-1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "Account disabled."}, DefiniteRefusalError),
        (200, {"error": "nothing here"}, DefiniteRefusalError),
    ],
)
def test_without_a_token_nothing_is_sent(
    server: VertexStandIn, batch: Batch, status: int, body: dict[str, str], kind: type[Exception]
) -> None:
    uploaded = replace(batch, upload=Vertex().upload(batch))
    server.no_token = (status, body)
    with pytest.raises(kind, match="Nothing was sent"):
        Vertex().create(uploaded)
    assert server.creates == 0


def test_a_token_service_that_nobody_answers_at_is_not_now(
    server: VertexStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = json.loads(server.service_account())
    monkeypatch.setenv("VERTEX_CREDENTIALS", json.dumps({**account, "token_uri": "http://127.0.0.1:9/token"}))
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(RetryLaterError, match="Nothing was sent"):
        Vertex().create(replace(batch, upload="gs://b/x"))
    assert server.creates == 0


@pytest.mark.parametrize("value", ["not json", '{"type": "authorized_user"}', '{"type": "service_account"}'])
def test_credentials_that_are_none_are_a_no_that_quotes_nothing(
    server: VertexStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("VERTEX_CREDENTIALS", value)
    with pytest.raises(DefiniteRefusalError, match="must hold the JSON of a service account") as caught:
        Vertex().create(replace(batch, upload="gs://b/x"))
    assert value not in str(caught.value)
    assert not server.calls


def test_without_a_key_this_machine_speaks_for_itself(
    server: VertexStandIn, batch: Batch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VERTEX_CREDENTIALS")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(DomainError, match="VERTEX_CREDENTIALS_FILE"):
        Vertex().upload(batch)
    (tmp_path / "account.json").write_text(server.service_account())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    assert Vertex().upload(batch).startswith("gs://")


def test_a_key_that_the_connection_names_must_be_there(server: VertexStandIn, batch: Batch) -> None:
    named = replace(batch, endpoint=replace(batch.endpoint, key_name="TEAM_CREDENTIALS"))
    with pytest.raises(DomainError, match="TEAM_CREDENTIALS"):
        Vertex().upload(named)
    assert not server.calls


def test_a_setting_that_is_missing_is_named(server: VertexStandIn, batch: Batch) -> None:
    bare = replace(batch, endpoint=replace(batch.endpoint, settings={"project": "project"}))
    with pytest.raises(DefiniteRefusalError, match="'location'"):
        Vertex().create(bare)
    assert not server.calls


def test_a_store_that_is_not_listed_gets_neither_file_nor_token(
    server: VertexStandIn, batch: Batch, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = (server.url.removeprefix("http://"),)
    with pytest.raises(DefiniteRefusalError, match="PROVIDER_HOSTS"):
        Vertex().upload(batch)


def test_a_large_file_goes_up_and_comes_back_in_pieces(server: VertexStandIn, batch: Batch) -> None:
    batch.request_file.write_bytes(batch.request_file.read_bytes() * (3 * CHUNK // 2000))
    assert batch.request_file.stat().st_size > CHUNK
    server.behaviour = Behaviour(answered=1)
    batch = sent(batch)
    assert server.read(batch.upload) == batch.request_file.read_bytes()
    ended(batch)
    (job,) = server.jobs.values()
    body = server.read(f"{job.result}/predictions.jsonl") * (2 * CHUNK // 1000)
    assert len(body) > CHUNK
    server.write(f"{job.result}/predictions.jsonl", body)
    assert b"".join(line + b"\n" for line in Vertex().results(batch)) == body


def test_find_asks_for_its_name_and_reads_every_page(server: VertexStandIn, batch: Batch) -> None:
    batch = sent(batch)
    for number in range(PAGE + 5):
        server.add(f"{JOBS[9:]}/9{number}", f"synthreview-{number:032x}", batch.upload)
    assert [found.batch_id for found in Vertex().find(batch)] == [batch.batch_id]
    assert server.calls[-1].query["filter"] == f'display_name="synthreview-{NONCE}"'
    assert sum(call.method == "GET" and call.path == JOBS for call in server.calls) == 2


def test_a_list_that_lags_or_is_down_finds_nothing_or_fails(server: VertexStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(listing_lag=1, list_down=True)
    batch = sent(batch)
    with pytest.raises(AmbiguousError, match="503"):
        Vertex().find(batch)
    server.behaviour.list_down = False
    assert Vertex().find(batch) == []
    assert len(Vertex().find(batch)) == 1


@pytest.mark.parametrize(
    ("end_as", "state"),
    [
        (EndAs.PARTIALLY_SUCCEEDED, BatchState.ENDED),
        (EndAs.EXPIRED, BatchState.EXPIRED),
        (EndAs.CANCELLED, BatchState.CANCELLED),
    ],
)
@pytest.mark.parametrize("answered", [0, 2])
def test_every_end_gives_what_it_has(
    server: VertexStandIn, batch: Batch, end_as: EndAs, state: BatchState, answered: int
) -> None:
    server.behaviour = Behaviour(end_as=end_as, answered=answered)
    batch = sent(batch)
    assert ended(batch) == state
    assert len(lines_of(batch)) == answered


def test_a_failed_job_says_why(server: VertexStandIn, batch: Batch) -> None:
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    poll = Vertex().poll(sent(batch))
    assert (poll.state, poll.message) == (BatchState.FAILED, "Line 1 is not valid.")


@pytest.mark.parametrize(
    ("more", "state"),
    [({}, BatchState.DEFERRED), ({"startTime": "2026-11-24T10:00:00Z"}, BatchState.FAILED)],
)
def test_a_job_that_quota_turned_away_before_it_began_is_put_off(
    server: VertexStandIn,
    batch: Batch,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, str],
    state: BatchState,
) -> None:
    server.behaviour = Behaviour(end_as=EndAs.FAILED)
    batch = sent(batch)
    shown = server.shown
    error = {"code": 8, "message": "Quota exceeded."}
    monkeypatch.setattr(server, "shown", lambda job: {**shown(job), "error": error, **more})
    assert Vertex().poll(batch).state == state


def test_requests_that_fail_by_themselves_are_errors_with_the_vendors_words(
    server: VertexStandIn, batch: Batch
) -> None:
    server.behaviour = Behaviour(per_request=lambda number, line: Outcome.ERROR if number else Outcome.OK)
    batch = sent(batch)
    ended(batch)
    answers = [Vertex().read_answer(line) for line in lines_of(batch)]
    assert [answer.status for answer in answers] == [AnswerStatus.OK] + 3 * [AnswerStatus.ERROR]
    assert answers[1].message == "The model broke."


def test_results_of_another_batch_are_not_ours(server: VertexStandIn, batch: Batch, tmp_path: Path) -> None:
    other = sent(make_batch(server, tmp_path, nonce="f" * 32))
    ended(other)
    with pytest.raises(NotOursError):
        list(Vertex().results(replace(other, nonce=NONCE)))
    assert len(list(Vertex().results(other))) == 4


def test_poison_goes_on_raw(server: VertexStandIn, batch: Batch) -> None:
    poison = [b"\xff\xfe{", b'{"request": NaN}', '{"request":"\u2028"}'.encode()]
    server.behaviour = Behaviour(poison_lines=poison, shuffle=True)
    batch = sent(batch)
    ended(batch)
    lines = list(Vertex().results(batch))
    assert len(lines) == 4 + len(poison)
    assert set(poison) < set(lines)


def test_cancelling_is_harmless_when_it_is_over(server: VertexStandIn, batch: Batch) -> None:
    batch = sent(batch)
    Vertex().cancel(batch)
    assert ended(batch) == BatchState.CANCELLED
    Vertex().cancel(batch)


def test_an_answer_now_is_one_post_and_a_result_line(server: VertexStandIn, batch: Batch) -> None:
    line = cast("dict[str, Any]", loads_line(batch.request_file.read_bytes().splitlines()[0]))
    answer = Vertex().read_answer(loads_line(Vertex().answer_now(line, endpoint=batch.endpoint)))
    assert (answer.custom_id, answer.status) == (f"{NONCE}-000001", AnswerStatus.OK)
    assert server.calls[-1].json() == line["request"]
    server.behaviour = Behaviour(drop_after_accept=True, every_time=True)
    with pytest.raises(AmbiguousError):
        Vertex().answer_now(line, endpoint=batch.endpoint)
    assert server.creates == 2


@pytest.mark.parametrize("line", [None, [], {}, {"request": {}}, {"request": "x", "status": "Bad"}])
def test_what_is_no_result_line_is_unreadable(line: JsonValue) -> None:
    with pytest.raises(UnreadableAnswerError):
        Vertex().read_answer(line)


def test_price_and_limits() -> None:
    now = Vertex().price("publishers/google/models/gemini-2.5-flash", is_batch=False)
    batched = Vertex().price("gemini-2.5-flash", is_batch=True)
    assert now is not None
    assert batched is not None
    assert batched.output * 2 == now.output
    assert Vertex().limits(Endpoint(model="m")).bytes < 1_000_000_000
