"""OpenAI's happy path against a simulator that others wrote, so that our reading of the protocol is not only ours.

``@copilotkit/aimock`` from npm, into a folder of its own. Its batches answer with one fixed text, so what is
shown is the way there and back: upload, create, find, poll, results, cancel.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.core.strict_json import canonical_dumps, loads_line
from apps.providers.base import AnswerStatus, Batch, BatchState, DefiniteRefusalError, Endpoint
from apps.providers.openai import OpenAI
from tests.providers.chat.scene import ASK, NONCE, last_poll, sent

PACKAGE = "@copilotkit/aimock@1.43.0"
FIXTURE = (
    '{"fixtures": [{"match": {"userMessage": "refund"}, "response": {"content": "{\\"records\\": []}"}}]}'
)
PROVIDER = OpenAI()


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL; skips, saying why, where it cannot be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip(f"The independent simulator needs npm and node to install {PACKAGE}.")
    folder = tmp_path_factory.mktemp("aimock")
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        PACKAGE,
    ]
    try:
        installed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGE} within two minutes.")
    if installed.returncode:
        pytest.skip(f"npm could not install {PACKAGE}: {installed.stderr.strip()[-300:]}")
    fixtures = folder / "fixture.json"
    fixtures.write_text(FIXTURE, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = folder / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    arguments = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--fixtures",
        str(fixtures),
        "--log-level",
        "silent",
    ]
    with subprocess.Popen([node, str(script), *arguments]) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{PACKAGE} was installed and does not answer.")


@pytest.fixture
def outside(simulator: str, tmp_path: Path) -> Batch:
    endpoint = Endpoint(model="gpt-4o-mini", base_url=simulator, key_name="TEST_CHAT_API_KEY")
    file = tmp_path / "requests.jsonl"
    lines = [PROVIDER.request_line(f"{NONCE}-{n:06}", ASK, endpoint=endpoint) for n in range(1, 4)]
    file.write_bytes(b"".join(canonical_dumps(line) + b"\n" for line in lines))
    return Batch(nonce=NONCE, endpoint=endpoint, request_file=file, request_count=3)


def test_a_batch_goes_there_and_back(outside: Batch) -> None:
    batch = sent(PROVIDER, outside)
    assert batch.batch_id in [found.batch_id for found in PROVIDER.find(batch)]
    assert PROVIDER.poll(batch).state == BatchState.RUNNING
    assert last_poll(PROVIDER, batch).state == BatchState.ENDED
    answers = [PROVIDER.read_answer(loads_line(line)) for line in PROVIDER.results(batch)]
    assert sorted(answer.custom_id for answer in answers) == [f"{NONCE}-{n:06}" for n in range(1, 4)]
    # "Mock batch completion" is no JSON: read as strictly as any model's text, and counted with its tokens.
    assert {(answer.status, answer.reason) for answer in answers} == {
        (AnswerStatus.UNREADABLE, "invalid_json")
    }
    assert all(answer.usage.input_tokens == answer.usage.output_tokens == 1 for answer in answers)


def test_a_cancelled_batch_ends_as_cancelled(outside: Batch) -> None:
    batch = sent(PROVIDER, outside)
    PROVIDER.cancel(batch)
    assert last_poll(PROVIDER, batch).state == BatchState.CANCELLED
    assert list(PROVIDER.results(batch)) == []
    PROVIDER.cancel(batch)


def test_an_answer_now(outside: Batch) -> None:
    line = PROVIDER.request_line(f"{NONCE}-000001", ASK, endpoint=outside.endpoint)
    answer = PROVIDER.read_answer(loads_line(PROVIDER.answer_now(line, endpoint=outside.endpoint)))
    assert (answer.custom_id, answer.status, answer.value) == (
        f"{NONCE}-000001",
        AnswerStatus.OK,
        {"records": []},
    )


def test_no_such_batch_is_a_definite_no(outside: Batch) -> None:
    with pytest.raises(DefiniteRefusalError, match="No such batch"):
        PROVIDER.poll(replace(outside, batch_id="batch_none"))
