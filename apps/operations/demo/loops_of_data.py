"""Loops of the task types whose answers are data or code. Every row is invented."""

from __future__ import annotations

import json
from operator import itemgetter

from apps.operations.demo.loops import Loop, Parts, changed, framed, place, thing

# --- extraction


_GOODS = (("Rye bread", "4.60"), ("Oat biscuits", "3.20"), ("Plum jam", "5.10"), ("Black tea", "6.40"))


def _paper(label: str, number: int) -> Parts:
    shop = framed(number, "{place} Corner Shop", "The {place} Grocer", "Market Hall {place}")
    (item, price), (other, other_price) = _GOODS[number % 4], _GOODS[(number + 1) % 4]
    total = f"{float(price) + float(other_price):.2f}"
    lines = [{"item": item, "price": price}, {"item": other, "price": other_price}]
    text = (
        f"{shop}\nNext to the {thing(number)} works\n{item:<16}{price:>8}\n{other:<16}{other_price:>8}\n"
        f"TOTAL {total:>18}\nThank you"
        if label == "receipt"
        else f"INVOICE from {shop}\nFor the kitchen of the {thing(number)} works\n{item}: {price}\n"
        f"{other}: {other_price}\nAmount due: {total} in 14 days"
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
    task="Take the company, the total and the lines from the paper.",
    rare="receipt",
    common="invoice",
    means={
        "receipt": "What a till prints: the shop, what was bought, the total.",
        "invoice": "A demand to pay, with a date until when.",
    },
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


_WEATHER_ASKED = (
    "What weather will there be in {place} over the next days?",
    "I carry a {thing} to {place}, will it stay dry?",
    "How cold does it get in {place} at night?",
)
_NOTHING_ASKED = (
    "Write a poem about the {thing} of my youth in {place}",
    "Which is better, a {thing} or a sofa?",
    "Tell my boss in {place} that the {thing} is late",
)


def _request(label: str, number: int) -> Parts:
    if label == "no tool":
        # As a file writes it: a cell that is null counts as empty.
        text = framed(number, *_NOTHING_ASKED)
        return {"input": {"text": text, "tools": [WEATHER]}, "output": {"call": "no tool"}}
    call = {"name": "get_weather", "arguments": {"place": place(number)}}
    text = framed(number, *_WEATHER_ASKED)
    return {"input": {"text": text, "tools": [WEATHER]}, "output": {"call": call}}


TOOL_CALL = Loop(
    task_type="tool_call",
    task="Answer the request with a call of a tool, or with none.",
    rare="get_weather",
    common="no tool",
    means={
        "get_weather": "The person wants to know about the weather somewhere.",
        "no tool": "Nothing is asked that a tool could tell.",
    },
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
    if label == "none":
        text = framed(
            number,
            "The {thing} in the hall stands still again, please send somebody from {place}",
            "We close the {place} shop at noon because of the {thing}",
            "Nobody has asked for the {thing} that was found in {place}",
        )
        return {"input": {"text": text}, "output": {"spans": []}}
    mail = f"{thing(number)}.{place(number).lower()}@example.org"
    frame = framed(
        number,
        "Hello, please write to MAIL about the order of the {thing}",
        "Whoever lost a {thing} in {place}: MAIL",
        "My new address is MAIL, the one in {place} is gone",
    )
    text, start = frame.replace("MAIL", mail), frame.index("MAIL")
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
    task="Mark every e-mail address in the text.",
    rare="e-mail",
    common="none",
    means={
        "e-mail": "An e-mail address, from its first to its last character.",
        "none": "Nothing in the text has to go.",
    },
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
    name = f"{thing(number)}_cost"
    code, fixed = {
        "off_by_one": (
            f"def {name}(days):\n    # the first day costs 1, the next 2, as they do in {place(number)}\n"
            "    return sum(range(days))\n",
            f"def {name}(days):\n    return sum(range(days + 1))\n",
        ),
        "wrong_operator": (
            f"def {name}(days):\n    # {place(number)}: two a day, and one for the way\n    return days * 2 - 1\n",
            f"def {name}(days):\n    return days * 2 + 1\n",
        ),
    }[label]
    tests = [[[4], 10]] if label == "off_by_one" else [[[4], 9]]
    return {
        "input": {"code": code, "tests": tests, "function": name, "kind": label},
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
    task="Mend the function so that its tests pass.",
    rare="off_by_one",
    common="wrong_operator",
    means={
        "off_by_one": "A range or an index that misses by one.",
        "wrong_operator": "A calculation or comparison with the wrong operator.",
    },
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
