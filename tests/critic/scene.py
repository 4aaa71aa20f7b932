"""A project with records in review, and a judge behind a stand-in that says what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from apps.critic.models import JudgeVersion
from apps.critic.rubric import CRITERIA, STARTER
from apps.critic.services import create_judge, switch_judge
from apps.operations.work import work_once
from apps.submissions.models import TERMINAL, Connection, Price, Submission
from tests.generation.scene import time_passes
from tests.providers.matrix import worker_environment
from tests.providers.rigs import KEY, Rig
from tests.providers.standins.base import Outcome
from tests.providers.standins.openai import OpenAIStandIn
from tests.review.scene import Scene

MOST_ROUNDS = 12
FINE = dict.fromkeys(CRITERIA, 5)


def verdict(*, doubt: int = 1, reason: str = "as it should be", **scores: int) -> dict[str, Any]:
    """A whole answer, fine but for ``scores``."""
    return {
        **{name: {"reason": reason, "score": score} for name, score in (FINE | scores).items()},
        "doubt": doubt,
    }


class JudgeStandIn(OpenAIStandIn):
    """OpenAI's batches and chat, with a model whose answers are chosen by what stands in the prompt."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        """A piece of the prompt → the answer: JSON, or a text as it is."""
        self.otherwise: Any = verdict()
        self.prompts: list[str] = []
        super().__init__()

    def succeeded(self, line: dict[str, Any], outcome: Outcome) -> bytes:
        said: dict[str, Any] = json.loads(super().succeeded(line, outcome))
        if outcome == Outcome.OK:
            prompt = line["body"]["messages"][0]["content"]
            self.prompts.append(prompt)
            answer = next((value for part, value in self.says.items() if part in prompt), self.otherwise)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            said["response"]["body"]["choices"][0]["message"]["content"] = text
        return json.dumps(said).encode()


@contextmanager
def judge_rig() -> Iterator[Rig]:
    with JudgeStandIn() as server:
        rig = Rig(
            provider="openai",
            server=server,
            model="gpt-4o-mini",
            base_url=server.base_url,
            key_name="TEST_OPENAI_API_KEY",
            environment={"TEST_OPENAI_API_KEY": KEY, "PROVIDER_HOSTS": "127.0.0.1"},
        )
        with worker_environment(rig):
            yield rig


@dataclass
class Court:
    """A judge of the family of gpt over records that ``rules`` wrote."""

    scene: Scene
    connection: Connection
    server: JudgeStandIn
    version: JudgeVersion = field(init=False)

    def __post_init__(self) -> None:
        self.version = make_judge(self.scene, self.connection)

    def goes_on(self) -> None:
        """Both workers' work, every pause over at once, until nothing of a judge is left to do."""
        for _ in range(MOST_ROUNDS):
            time_passes()
            work_once("validation")
            work_once("generation")
            if not Submission.objects.exclude(status__in=TERMINAL).exists():
                break
        work_once("generation")
        work_once("validation")


def make_judge(scene: Scene, connection: Connection, *, name: str = "strict", **values: Any) -> JudgeVersion:
    version = create_judge(
        project=scene.project, name=name, connection=connection, rubric=STARTER, actor=None, **values
    )
    switch_judge(judge=version.judge, is_on=True, audits=False, actor=None)
    return version


def set_price(connection: Connection, *, input_: int, output: int) -> None:
    """US dollars per million tokens, in a batch and one by one."""
    for is_batch in (True, False):
        Price.objects.create(
            provider=connection.provider, model=connection.model, is_batch=is_batch, input=input_, output=output,
            source="test", as_of="2026-01-01",
        )  # fmt: skip
