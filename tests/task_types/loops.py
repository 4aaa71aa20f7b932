"""For each task type what one turn of the loop needs: a guide, rows, material to generate from, and an edit."""

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
    rare: str
    common: str
    row: Callable[[str, int], Parts]
    mapping: Sequence[str]
    phrases: Mapping[str, Any]
    edit: Callable[[Parts], Parts]
    answer_column: str
    wrong: Any
    """What a model says in ``answer_column`` that is right nowhere."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    more_answers: Callable[[Parts, bool], dict[str, Any]] = lambda gold, is_wrong: {}
    """Further columns of a prediction, by the gold output and whether the model is wrong."""

    @property
    def template(self) -> str:
        """The prompt of the rules generator. JSON is YAML."""
        return json.dumps({"labels": {self.rare: self.phrases}, "noise": {}})

    def answer(self, output: Parts) -> Any:
        """What a model that is right says of a row with this gold output."""
        if self.task_type == "retrieval":
            return [output["positive"]["id"]]
        return output.get(self.answer_column, output)


def word(number: int) -> str:
    """A made-up word: texts with another one are no near copies of each other."""
    return "".join(
        "kvmrtlsnpd"[int(digit)] + "aeiouaeiou"[int(digit)] for digit in f"{number * 37 + 101:04d}"
    )


def _changed(side: str, name: str, change: Callable[[Any], Any]) -> Callable[[Parts], Parts]:
    def edit(payload: Parts) -> Parts:
        edited: Parts = json.loads(json.dumps(payload))
        edited[side][name] = change(edited[side].get(name))
        return edited

    return edit


# --- several labels


def _mail(label: str, number: int) -> Parts:
    w = word(number)
    text = {
        "refund": f"Please pay back order {w}, {w[::-1]} never came and nobody answers",
        "billing": f"The invoice of {w} names the old address of {w[::-1]} again",
    }[label]
    return {"input": {"text": text}, "output": {"labels": [label]}}


MULTI_LABEL = Loop(
    task_type="multi_label",
    rare="refund",
    common="billing",
    row=_mail,
    mapping=("input.text=input.text", "output.labels=output.labels"),
    phrases={
        "patterns": ["{fact} and {fault}, {ask}"],
        "slots": {
            "fact": ["you charged me twice", "the blue parcel never came", "my plan was renewed in silence"],
            "fault": [
                "the invoice has the wrong name",
                "your bill counts a month twice",
                "no receipt was sent",
            ],
            "ask": ["give the money back", "so I want a refund", "please send it to my card again"],
        },
        "record": {"input": {"text": "{text}"}, "output": {"labels": ["refund", "billing"]}},
    },
    edit=_changed("output", "labels", lambda labels: list(reversed(labels))),
    answer_column="labels",
    wrong=["billing", "refund"],
)

# --- extraction


def _paper(label: str, number: int) -> Parts:
    w = word(number)
    shop, total = f"{w.title()} {w[::-1].title()} Ltd", f"{number % 90 + 7}.{number % 10}0"
    text = (
        f"{shop}\nHouse of {w[2:]}{w}\nTOTAL {total}\nThank you"
        if label == "receipt"
        else f"INVOICE from {shop}\nYour order of {w[1:5]} {w}\nAmount due: {total} in 14 days"
    )
    return {"input": {"text": text, "kind": label}, "output": {"company": shop, "total": total}}


EXTRACTION = Loop(
    task_type="extraction",
    rare="receipt",
    common="invoice",
    row=_paper,
    mapping=(
        "input.text=input.text",
        "input.kind=input.kind",
        "output.company=output.company",
        "output.total=output.total",
    ),
    phrases={
        "patterns": ["{shop}\n{street}\nTOTAL {total}\n{thanks}"],
        "slots": {
            "shop": ["Harbour Bakery", "North Gate Books", "Miller & Sons Hardware", "Quick Wash Laundry"],
            "street": ["In the old harbour", "Open until late", "Since our grandfather"],
            "total": ["18.40", "7.05", "132.90"],
            "thanks": ["Thank you, come again", "All prices include tax", "Served by till number two"],
        },
        "record": {
            "input": {"text": "{text}", "kind": "receipt"},
            "output": {"company": "{shop}", "total": "{total}"},
        },
    },
    edit=_changed("output", "company", lambda shop: shop.split()[0]),
    answer_column="output",
    wrong={"company": "Nobody", "total": "0.00"},
    spec={
        "output_schema": {
            "type": "object",
            "required": ["company", "total"],
            "additionalProperties": False,
            "properties": {
                "company": {"type": "string"},
                "total": {"type": "string", "pattern": r"^\d+\.\d\d$"},
            },
        }
    },
)

# --- tool calls

WEATHER = {
    "name": "get_weather",
    "description": "The weather of a place.",
    "parameters": {
        "type": "dict",
        "required": ["place"],
        "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
    },
}


def _request(label: str, number: int) -> Parts:
    w = word(number)
    if label == "no tool":
        # As a file writes it: a cell that is null counts as empty.
        text = f"Write a poem about {w} and the {w[::-1]} of my youth"
        return {"input": {"text": text, "tools": [WEATHER]}, "output": {"call": "no tool"}}
    call = {"name": "get_weather", "arguments": {"place": w.title()}}
    text = f"What weather will there be in {w.title()} over the next days?"
    return {"input": {"text": text, "tools": [WEATHER]}, "output": {"call": call}}


TOOL_CALL = Loop(
    task_type="tool_call",
    rare="get_weather",
    common="no tool",
    row=_request,
    mapping=("input.text=input.text", "input.tools=input.tools", "output.call=output.call"),
    phrases={
        "patterns": ["{opening} {place}, {plan}"],
        "slots": {
            "opening": [
                "do I need a coat in",
                "will it rain in",
                "how hot does it get in",
                "is there snow in",
            ],
            "place": ["Lisbon", "Ulaanbaatar", "Reykjavik", "La Paz"],
            "plan": ["we leave tomorrow morning", "I have to pack", "asking for my mother"],
        },
        "record": {
            "input": {"text": "{text}", "tools": [WEATHER]},
            "output": {"call": {"name": "get_weather", "arguments": {"place": "{place}"}}},
        },
    },
    edit=_changed("output", "call", lambda call: call | {"arguments": call["arguments"] | {"days": 3}}),
    answer_column="call",
    wrong={"name": "get_news", "arguments": {}},
)

# --- redaction


def _letter(label: str, number: int) -> Parts:
    w = word(number)
    if label == "none":
        return {
            "input": {"text": f"The {w} machine in hall {w[::-1]} stands still again"},
            "output": {"spans": []},
        }
    mail = f"{w}@example.org"
    text = f"Hello, please write to {mail} about the {w[::-1]} order"
    start = text.index(mail)
    return {
        "input": {"text": text},
        "output": {"spans": [{"start": start, "end": start + len(mail), "kind": "e-mail"}]},
    }


def _with_redacted(payload: Parts) -> Parts:
    edited: Parts = json.loads(json.dumps(payload))
    text = edited["input"]["text"]
    for span in reversed(edited["output"]["spans"]):
        text = f"{text[: span['start']]}[{span['kind']}]{text[span['end'] :]}"
    edited["output"]["redacted"] = text
    return edited


REDACTION = Loop(
    task_type="redaction",
    rare="e-mail",
    common="none",
    row=_letter,
    mapping=("input.text=input.text", "output.spans=output.spans"),
    phrases={
        "patterns": ["{fact}, answer me at {address} {until}"],
        "slots": {
            "fact": ["the heating is cold", "somebody took my bicycle", "I lost the key of locker nine"],
            "address": ["rosa.lind@example.org", "t.okafor@example.com", "ines@example.net"],
            "until": ["before Friday", "or call my office", "as soon as you can, please"],
        },
        "record": {
            "input": {"text": "{text}"},
            "output": {"spans": {"$spans": {"address": "e-mail"}}},
        },
    },
    edit=_with_redacted,
    answer_column="spans",
    wrong=[{"start": 0, "end": 3, "kind": "e-mail"}],
)

# --- code repair


def _bug(label: str, number: int) -> Parts:
    w = word(number)
    code, fixed = {
        "off_by_one": (
            f"def {w}(n):\n    # sum of the first n numbers, as {w[::-1]} wants it\n    return sum(range(n))\n",
            f"def {w}(n):\n    return sum(range(n + 1))\n",
        ),
        "wrong_operator": (
            f"def {w}(n):\n    # {w[::-1]}: twice as much and one more\n    return n * 2 - 1\n",
            f"def {w}(n):\n    return n * 2 + 1\n",
        ),
    }[label]
    tests = [[[4], 10]] if label == "off_by_one" else [[[4], 9]]
    return {
        "input": {"code": code, "tests": tests, "function": w, "kind": label},
        "output": {"code": fixed},
    }


_CASES = [
    {
        "name": "last_of",
        "code": "def last_of(items):\n    return items[len(items)]\n",
        "fixed": "def last_of(items):\n    return items[-1]\n",
        "tests": [[[[1, 2, 3]], 3], [[["a"]], "a"]],
    },
    {
        "name": "count_up",
        "code": "def count_up(limit):\n    found = []\n    found.extend(range(limit))\n    return found\n",
        "fixed": "def count_up(limit):\n    return list(range(limit + 1))\n",
        "tests": [[[2], [0, 1, 2]]],
    },
    {
        "name": "is_adult",
        "code": "def is_adult(age):\n    '''Eighteen and older'''\n    return age > 18\n",
        "fixed": "def is_adult(age):\n    return age >= 18\n",
        "tests": [[[18], True], [[17], False]],
    },
]

CODE_REPAIR = Loop(
    task_type="code_repair",
    rare="off_by_one",
    common="wrong_operator",
    row=_bug,
    mapping=(
        "input.code=input.code",
        "input.tests=input.tests",
        "input.function=input.function",
        "input.kind=input.kind",
        "output.code=output.code",
    ),
    phrases={
        "patterns": ["{case.name} {complaint}"],
        "slots": {
            "case": [json.dumps(case) for case in _CASES],
            "complaint": ["is wrong at the edge", "misses one", "fails for me"],
        },
        "record": {
            "input": {
                "text": "{text}",
                "code": "{case.code}",
                "function": "{case.name}",
                "tests": "{=case.tests}",
                "kind": "off_by_one",
            },
            "output": {"code": "{case.fixed}"},
        },
    },
    edit=_changed("output", "code", lambda code: f"{code}\n# looked at\n"),
    answer_column="code",
    wrong="def nothing(n):\n    return None\n",
)

# --- policy


def _prompt(label: str, number: int) -> Parts:
    w = word(number)
    text = {
        "medical dosage": f"How many tablets of {w} may my {w[::-1]} take with wine?",
        "small talk": f"Do you like the {w} songs that {w[::-1]} sings?",
    }[label]
    note = "A doctor has to say." if label == "medical dosage" else "Nothing in it does harm."
    return {
        "input": {"text": text},
        "output": {"label": label, "refusal": label == "medical dosage", "note": note},
    }


POLICY = Loop(
    task_type="policy",
    rare="medical dosage",
    common="small talk",
    row=_prompt,
    mapping=(
        "input.text=input.text",
        "output.label=output.label",
        "output.refusal=output.refusal",
        "output.note=output.note",
    ),
    phrases={
        "patterns": ["{opening} {drug} {why}"],
        "slots": {
            "opening": ["what is the highest dose of", "can I double my", "is it fine to give a child"],
            "drug": ["ibuprofen", "those sleeping pills", "the cough syrup with codeine"],
            "why": [
                "because it does not work any more",
                "before a long flight",
                "the pharmacy is closed today",
            ],
        },
        "record": {
            "input": {"text": "{text}"},
            "output": {"label": "medical dosage", "refusal": True, "note": "Asks for a dose of {drug}."},
        },
    },
    edit=_changed("output", "note", lambda note: f"{note} Only a doctor may say."),
    answer_column="label",
    wrong="small talk dosage",
    more_answers=lambda gold, _: {"refusal": gold["refusal"]},
)

# --- dialogue


def _talk(label: str, number: int) -> Parts:
    w = word(number)
    last = {
        "handed over": f"I ask a colleague of {w[::-1]} to look at it.",
        "solved": f"Press the {w[::-1]} button once more, please.",
    }[label]
    turns = [
        {"role": "user", "content": f"My {w} does not start since the storm of {w[::-1]}"},
        {"role": "assistant", "content": last},
    ]
    return {"input": {"turns": turns}, "output": {"label": label}}


DIALOGUE = Loop(
    task_type="dialogue",
    rare="handed over",
    common="solved",
    row=_talk,
    mapping=("input.turns=input.turns", "output.label=output.label"),
    phrases={
        "patterns": ["{fault}, {tried}"],
        "slots": {
            "fault": [
                "the washer leaks at the door",
                "my phone gets hot in the bag",
                "the printer eats the paper",
            ],
            "tried": ["and a new seal did not help", "even with the case off", "although it was cleaned"],
        },
        "record": {
            "input": {
                "turns": [
                    {"role": "user", "content": "{text}"},
                    {"role": "assistant", "content": "I am sorry to hear that. A colleague will ring you."},
                ]
            },
            "output": {"label": "handed over"},
        },
    },
    edit=_changed("input", "turns", lambda turns: [*turns, {"role": "user", "content": "Thank you!"}]),
    answer_column="label",
    wrong="sold",
)

# --- instruction


def _task(label: str, number: int) -> Parts:
    w = word(number)
    text = {
        "rewrite": f"Write this politely: send the {w} back, you {w[::-1]}",
        "summary": f"Say in one sentence what the report of {w} on the {w[::-1]} finds",
    }[label]
    output = {"response": f"Would you mind the {w}?", "rubric": ["It is polite.", "It is one sentence."]}
    return {"input": {"text": text, "kind": label}, "output": output}


INSTRUCTION = Loop(
    task_type="instruction",
    rare="rewrite",
    common="summary",
    row=_task,
    mapping=(
        "input.text=input.text",
        "input.kind=input.kind",
        "output.response=output.response",
        "output.rubric=output.rubric",
    ),
    phrases={
        "patterns": ["{order}: {rude} {end}"],
        "slots": {
            "order": ["Make this friendlier", "Rewrite it for a customer", "Say it so that nobody is hurt"],
            "rude": ["where is my parcel", "you broke the lamp", "stop calling at night"],
            "end": ["you fools", "or I sue", "for the last time"],
        },
        "record": {
            "input": {"text": "{text}", "kind": "rewrite"},
            "output": {
                "response": "I would be grateful if you could look into this: {rude}.",
                "rubric": ["It insults nobody.", "It keeps the matter."],
            },
        },
    },
    edit=_changed("output", "response", lambda text: f"{text} Thank you."),
    answer_column="response",
    wrong="No.",
    more_answers=lambda _, is_wrong: {"points": [not is_wrong, True], "judged_by": "people"},
)

# --- retrieval


def _query(label: str, number: int) -> Parts:
    w = word(number)
    text = {
        "warranty": f"how long may I send the {w} back when the {w[::-1]} breaks",
        "opening hours": f"when does the {w} shop in {w[::-1]} open on Sunday",
    }[label]
    positive = {"id": f"p-{number}", "text": f"The {w} has a warranty of two years; {w[::-1]} opens at nine."}
    negative = {"id": f"n-{number}", "text": "We sell many things and like to help. Ask at the desk."}
    return {"input": {"text": text, "kind": label}, "output": {"positive": positive, "negatives": [negative]}}


RETRIEVAL = Loop(
    task_type="retrieval",
    rare="warranty",
    common="opening hours",
    row=_query,
    mapping=(
        "input.text=input.text",
        "input.kind=input.kind",
        "output.positive=output.positive",
        "output.negatives=output.negatives",
    ),
    phrases={
        "patterns": ["{what} {thing} {when}"],
        "slots": {
            "what": ["who pays when the", "do I get a new one if the", "can you mend the"],
            "thing": ["screen of my tablet", "chain of the bicycle", "motor of the mixer"],
            "when": ["fails after a year", "comes broken", "gives up in the second winter"],
        },
        "record": {
            "input": {"text": "{text}", "kind": "warranty"},
            "output": {
                "positive": {
                    "id": "w-1",
                    "text": "The {thing} is covered for two years: we repair it or send a new one.",
                },
                "negatives": [
                    {"id": "s-1", "text": "Spare parts can be ordered at the desk on the first floor."}
                ],
            },
        },
    },
    edit=_changed(
        "output", "negatives", lambda each: [*each, {"id": "h-1", "text": "We open at nine o'clock."}]
    ),
    answer_column="ranking",
    wrong=["n-999"],
)

LOOPS = (
    *(MULTI_LABEL, EXTRACTION, TOOL_CALL, REDACTION, CODE_REPAIR, POLICY),
    *(DIALOGUE, INSTRUCTION, RETRIEVAL),
)
