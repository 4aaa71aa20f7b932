"""Loops of the task types whose records are texts and what is said of them. Every row is invented."""

from __future__ import annotations

from operator import itemgetter

from apps.operations.demo.loops import Loop, Parts, changed, word

# --- one label


def _ticket(label: str, number: int) -> Parts:
    w = word(number)
    text = {
        "refund": f"I want the money for {w} back, the {w[::-1]} never came",
        "billing": f"Please send the invoice of {w} to {w[::-1]} instead",
    }[label]
    return {"input": {"text": text}, "output": {"label": label}}


CLASSIFICATION = Loop(
    task_type="classification",
    rare="refund",
    common="billing",
    row=_ticket,
    mapping=("input.text=input.text", "output.label=output.label"),
    phrases={
        "patterns": ["{fact}, {ask}"],
        "slots": {
            "fact": ["you charged me twice", "the blue parcel never came", "my plan was renewed in silence"],
            "ask": ["give the money back", "so I want a refund", "please send it to my card again"],
        },
    },
    edit=changed("input", "text", lambda text: f"{text}. Thank you"),
    answer_column="label",
    answer=itemgetter("label"),
    wrong="weather",
)

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
    edit=changed("output", "labels", lambda labels: list(reversed(labels))),
    answer_column="labels",
    answer=itemgetter("labels"),
    wrong=["billing", "refund"],
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
    edit=changed("output", "note", lambda note: f"{note} Only a doctor may say."),
    answer_column="label",
    answer=itemgetter("label"),
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
    edit=changed("input", "turns", lambda turns: [*turns, {"role": "user", "content": "Thank you!"}]),
    answer_column="label",
    answer=itemgetter("label"),
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
    edit=changed("output", "response", lambda text: f"{text} Thank you."),
    answer_column="response",
    answer=itemgetter("response"),
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
    edit=changed(
        "output", "negatives", lambda each: [*each, {"id": "h-1", "text": "We open at nine o'clock."}]
    ),
    answer_column="ranking",
    answer=lambda gold: [gold["positive"]["id"]],
    wrong=["n-999"],
)
