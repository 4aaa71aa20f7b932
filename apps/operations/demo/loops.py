"""What one turn of the loop needs for a task type: real rows, material to generate from, an edit, and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Parts = dict[str, Any]
"""``{"input": …, "output": …}``."""


@dataclass(frozen=True)
class Loop:
    """``rare`` is the gap. ``row(label, number)`` is a real row; two numbers give texts that differ."""

    task_type: str
    task: str
    """What the spec asks for, in a sentence."""
    rare: str
    common: str
    means: Mapping[str, str]
    """Label → what the guide says of it."""
    row: Callable[[str, int], Parts]
    mapping: Sequence[str]
    phrases: Mapping[str, Any]
    edit: Callable[[Parts], Parts]
    answer_column: str
    answer: Callable[[Parts], Any]
    """What a model that is right says there of a row with this gold output."""
    wrong: Any
    """What a model says in ``answer_column`` that is right nowhere."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    more_answers: Callable[[Parts, bool], dict[str, Any]] = lambda gold, is_wrong: {}
    """Further columns of a prediction, by the gold output and whether the model is wrong."""

    @property
    def template(self) -> str:
        """The prompt of the rules generator. JSON is YAML."""
        return json.dumps({"labels": {self.rare: self.phrases}, "noise": {}})


THINGS = (
    *("lamp", "kettle", "tent", "printer", "violin", "ladder", "mixer"),
    *("camera", "drill", "sofa", "clock", "radio", "heater", "scooter"),
)
PLACES = (
    *("Bergen", "Porto", "Graz", "Galway", "Turku", "Lyon", "Leeds"),
    *("Gdansk", "Ghent", "Malmo", "Basel", "Trieste", "Seville", "Tartu"),
)


def thing(number: int) -> str:
    return THINGS[number % len(THINGS)]


def place(number: int) -> str:
    return PLACES[number % len(PLACES)]


def framed(number: int, *frames: str) -> str:
    """One of ``frames``, about a thing and a place: rows with other numbers are no near copies of each other."""
    return frames[number % len(frames)].format(thing=thing(number), place=place(number))


def changed(side: str, name: str, change: Callable[[Any], Any]) -> Callable[[Parts], Parts]:
    def edit(payload: Parts) -> Parts:
        edited: Parts = json.loads(json.dumps(payload))
        edited[side][name] = change(edited[side].get(name))
        return edited

    return edit
