"""Dialogue: an outcome is right or wrong; messages of chat interfaces are read as turns."""

from __future__ import annotations

from apps.task_types import task_type_of
from tests.task_types.scoring import score


def test_an_outcome_is_right_or_wrong() -> None:
    assert score("dialogue", {"label": "solved"}, {"label": "solved"}) == {"accuracy": 1}
    assert score("dialogue", {"label": "solved"}, {"label": "sold"}) == {"accuracy": 0}


def test_messages_of_a_chat_interface_become_turns() -> None:
    calls = [{"function": {"name": "find", "arguments": "{}"}}]
    written = {
        "turns": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": None, "tool_calls": calls},
        ]
    }
    input_, _ = task_type_of("dialogue").normalised(written, {"label": "solved"})
    assert input_["turns"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "calls": calls},
    ]
