"""The rules provider behaves as a batch provider does: it keeps what it made, under our nonce."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from apps.core.errors import DomainError
from apps.core.strict_json import canonical_dumps, loads_line
from apps.providers import REGISTRY, provider_of, rules_journal
from apps.providers.base import (
    AnswerStatus,
    Ask,
    Batch,
    BatchState,
    DefiniteRefusalError,
    Endpoint,
    UnreadableAnswerError,
    Volume,
)
from apps.providers.rules import Rules
from apps.providers.rules_phrases import parse_phrases

ENDPOINT = Endpoint(model="rules-1")
PROMPT = parse_phrases("labels: {}").prompt_for("refund")
ASK = Ask(
    prompt=PROMPT,
    label="refund",
    count=3,
    first=0,
    seed=1,
    example={"input": {"text": "{text}"}, "output": {"label": "refund"}},
    seeds=("where is my money",),
    axes={"tone": "angry"},
)


@pytest.fixture
def provider() -> Rules:
    return Rules()


@pytest.fixture
def batch(provider: Rules, tmp_path: Path) -> Batch:
    file = tmp_path / "requests.jsonl"
    lines = [
        provider.request_line(f"id-{number}", replace(ASK, first=3 * number), endpoint=ENDPOINT)
        for number in range(2)
    ]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(nonce="ab" * 16, endpoint=ENDPOINT, request_file=file, request_count=2)


def created(provider: Rules, batch: Batch) -> Batch:
    return replace(batch, batch_id=provider.create(batch).batch_id)


def test_the_registry_names_it_by_its_key() -> None:
    assert provider_of("rules").key == "rules"
    assert {key: provider.key for key, provider in REGISTRY.items()} == {key: key for key in REGISTRY}
    with pytest.raises(DomainError, match="There is no provider 'nobody'; there is anthropic"):
        provider_of("nobody")


def test_each_request_is_answered_with_records_of_its_label(provider: Rules, batch: Batch) -> None:
    answers = [provider.read_answer(loads_line(line)) for line in provider.results(created(provider, batch))]
    assert [answer.custom_id for answer in answers] == ["id-0", "id-1"]
    for answer in answers:
        assert answer.status == AnswerStatus.OK
        assert isinstance(answer.value, dict)
        records = answer.value["records"]
        assert isinstance(records, list)
        assert len(records) == 3
        assert all(record["output"] == {"label": "refund"} for record in records)  # type: ignore[index,call-overload]


def test_the_same_request_line_gives_the_same_answer_bytes(provider: Rules, batch: Batch) -> None:
    assert list(provider.results(batch)) == list(Rules().results(batch))


def test_what_was_made_is_found_again_by_the_nonce(provider: Rules, batch: Batch) -> None:
    assert provider.find(batch) == []
    made = created(provider, batch)
    (found,) = Rules().find(batch)
    assert found.batch_id == made.batch_id
    assert Rules().find(replace(batch, nonce="cd" * 16)) == []


def test_posting_twice_makes_two_batches(provider: Rules, batch: Batch) -> None:
    """As every provider without idempotency keys does: this is what the money wall is for."""
    first, second = created(provider, batch), created(provider, batch)
    assert [found.batch_id for found in provider.find(batch)] == [first.batch_id, second.batch_id]
    assert first.batch_id != second.batch_id


def test_a_batch_ends_or_is_cancelled(provider: Rules, batch: Batch) -> None:
    first, second = created(provider, batch), created(provider, batch)
    provider.cancel(first)
    assert provider.poll(first).state == BatchState.CANCELLED
    assert provider.poll(second).state == BatchState.ENDED
    assert provider.poll(replace(batch, batch_id="nothing")).state == BatchState.FAILED


def test_a_missing_request_file_is_a_definite_refusal(provider: Rules, batch: Batch) -> None:
    with pytest.raises(DefiniteRefusalError):
        provider.create(replace(batch, request_file=batch.request_file.with_name("gone")))
    assert provider.find(batch) == []


def test_a_half_written_journal_line_never_happened(provider: Rules, batch: Batch) -> None:
    made = created(provider, batch)
    path = rules_journal._path(batch.nonce)
    path.write_bytes(path.read_bytes() + b'\n{"event": "created", "batch')
    again = created(provider, batch)
    assert [found.batch_id for found in provider.find(batch)] == [made.batch_id, again.batch_id]


def test_a_nonce_is_no_path(provider: Rules, batch: Batch) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal"):
        provider.find(replace(batch, nonce="../../etc/passwd"))


def test_nothing_to_make_it_from_is_said_with_label_and_remedy(provider: Rules) -> None:
    with pytest.raises(DomainError, match=r"nothing to make 'refund' from.*import a real row of it as seed"):
        provider.request_line("id", replace(ASK, seeds=()), endpoint=ENDPOINT)


@pytest.mark.parametrize(
    "line",
    ["[]", '{"custom_id": "a"}', '{"custom_id": 1, "status": "ok"}', '{"custom_id": "a", "status": "odd"}'],
)
def test_a_line_that_is_no_result_is_unreadable(provider: Rules, line: str) -> None:
    with pytest.raises(UnreadableAnswerError):
        provider.read_answer(json.loads(line))


def test_it_costs_nothing_and_says_so(provider: Rules) -> None:
    time = provider.time_for(Volume(requests=1000, records=10_000, request_bytes=1), is_batch=True)
    price = provider.price("rules-1", is_batch=True)
    assert price is not None
    assert not price.input + price.output
    assert not price.is_guess
    assert time is not None
    assert time.total_seconds() > 10
