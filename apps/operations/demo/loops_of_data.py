"""Loops of the task types whose answers are data or code. Every row is invented."""

from __future__ import annotations

import json
from operator import itemgetter

from apps.operations.demo.loops import Loop, Parts, changed, word

# --- extraction


_GOODS = (("Rye bread", "4.60"), ("Oat biscuits", "3.20"), ("Plum jam", "5.10"), ("Black tea", "6.40"))


def _paper(label: str, number: int) -> Parts:
    w = word(number)
    shop = f"{w.title()} {w[::-1].title()} Ltd"
    (item, price), (other, other_price) = _GOODS[number % 4], _GOODS[(number + 1) % 4]
    total = f"{float(price) + float(other_price):.2f}"
    lines = [{"item": item, "price": price}, {"item": other, "price": other_price}]
    text = (
        f"{shop}\nHouse of {w[2:]}{w}\n{item:<16}{price:>8}\n{other:<16}{other_price:>8}\nTOTAL {total:>18}\nThank you"
        if label == "receipt"
        else f"INVOICE from {shop}\nYour order of {w[1:5]} {w}\n{item}: {price}\n{other}: {other_price}\n"
        f"Amount due: {total} in 14 days"
    )
    output = {"company": shop, "total": total, "lines": lines}
    return {"input": {"text": text, "kind": label}, "output": output}


_SALES = [
    {
        "text": f"{item:<20}{price:>8}\n{other:<20}{other_price:>8}\nTOTAL {total:>22}",
        "lines": [{"item": item, "price": price}, {"item": other, "price": other_price}],
        "total": total,
    }
    for item, price, other, other_price, total in (
        ("Walnut loaf", "6.40", "Cinnamon roll x 4", "12.00", "18.40"),
        ("Pencil", "1.05", "Map of the harbour", "6.00", "7.05"),
        ("Cordless drill", "119.90", "Box of screws", "13.00", "132.90"),
    )
]

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
        "output.lines=output.lines",
    ),
    phrases={
        "patterns": ["{shop}\n{street}\n{sale.text}\n{thanks}"],
        "slots": {
            "shop": ["Harbour Bakery", "North Gate Books", "Miller & Sons Hardware", "Quick Wash Laundry"],
            "street": ["In the old harbour", "Open until late", "Since our grandfather"],
            "sale": [json.dumps(sale) for sale in _SALES],
            "thanks": ["Thank you, come again", "All prices include tax", "Served by till number two"],
        },
        "record": {
            "input": {"text": "{text}", "kind": "receipt"},
            "output": {"company": "{shop}", "total": "{sale.total}", "lines": "{=sale.lines}"},
        },
    },
    edit=changed("output", "company", lambda shop: shop.split()[0]),
    answer_column="output",
    answer=dict,
    wrong={"company": "Nobody", "total": "0.00", "lines": []},
    spec={
        "output_schema": {
            "type": "object",
            "required": ["company", "total", "lines"],
            "additionalProperties": False,
            "properties": {
                "company": {"type": "string"},
                "total": {"type": "string", "pattern": r"^\d+\.\d\d$"},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["item", "price"],
                        "additionalProperties": False,
                        "properties": {
                            "item": {"type": "string", "minLength": 1},
                            "price": {"type": "string", "pattern": r"^\d+\.\d\d$"},
                        },
                    },
                },
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
    edit=changed("output", "call", lambda call: call | {"arguments": call["arguments"] | {"days": 3}}),
    answer_column="call",
    answer=itemgetter("call"),
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
    answer=itemgetter("spans"),
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
    edit=changed("output", "code", lambda code: f"{code}\n# looked at\n"),
    answer_column="code",
    answer=itemgetter("code"),
    wrong="def nothing(n):\n    return None\n",
)
