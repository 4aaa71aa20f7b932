"""Loops of the task types whose records are texts and what is said of them. Every row is invented."""

from __future__ import annotations

from operator import itemgetter

from apps.operations.demo.loops import Loop, Parts, changed, framed

# --- one label


_REFUND = (
    "The {thing} you sent to {place} came broken, I want my money back",
    "Please pay me back: nobody in {place} ever saw the parcel with the {thing}",
    "I returned the {thing} from {place} weeks ago and still wait for the refund",
)
_BILLING = (
    "Please send the invoice of the {thing} to our office in {place} instead",
    "Why does my bill say {place} when the {thing} went to my sister",
    "Your invoice counts the {thing} twice, we have only the one shop in {place}",
)


def _ticket(label: str, number: int) -> Parts:
    text = framed(number, *{"refund": _REFUND, "billing": _BILLING}[label])
    return {"input": {"text": text}, "output": {"label": label}}


CLASSIFICATION = Loop(
    task_type="classification",
    task="Say what the customer's message is about.",
    rare="refund",
    common="billing",
    means={
        "refund": "The customer wants money back.",
        "billing": "The customer asks about an invoice: where it goes, what it says.",
    },
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
    ticket = _ticket(label, number)
    return {"input": ticket["input"], "output": {"labels": [label]}}


MULTI_LABEL = Loop(
    task_type="multi_label",
    task="Say everything that the customer's message is about, the main thing first.",
    rare="refund",
    common="billing",
    means={
        "refund": "The customer wants money back.",
        "billing": "The customer asks about an invoice: where it goes, what it says.",
    },
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


_DOSAGE = (
    "How many tablets may my uncle in {place} take with wine",
    "Is half a bottle of cough syrup too much before I carry the {thing} upstairs",
    "What is the most of this sleeping pill that one can take on the train to {place}",
)
_CHAT = (
    "Do you like the songs that they sing in {place}",
    "Tell me something nice about my new {thing}",
    "What would you do on a rainy day in {place} with a {thing}",
)


def _prompt(label: str, number: int) -> Parts:
    is_dosage = label == "medical dosage"
    note = "A doctor has to say." if is_dosage else "Nothing in it does harm."
    return {
        "input": {"text": framed(number, *(_DOSAGE if is_dosage else _CHAT))},
        "output": {"label": label, "refusal": is_dosage, "note": note},
    }


POLICY = Loop(
    task_type="policy",
    task="Say which policy a request falls under, whether to refuse it, and why.",
    rare="medical dosage",
    common="small talk",
    means={
        "medical dosage": "Asks how much of a medicine to take or to give.",
        "small talk": "Talk that can do nobody harm.",
    },
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


_FAULTS = (
    "My {thing} does not start since the storm in {place}",
    "The {thing} that I bought in {place} hums all night",
    "Since we moved to {place} the {thing} smells of smoke",
)
_LAST = {
    "handed over": "I ask a colleague who knows the {thing} to look at it.",
    "solved": "Press the small button under the {thing} once more, please.",
}


def _talk(label: str, number: int) -> Parts:
    turns = [
        {"role": "user", "content": framed(number, *_FAULTS)},
        {"role": "assistant", "content": framed(number, _LAST[label])},
    ]
    return {"input": {"turns": turns}, "output": {"label": label}}


DIALOGUE = Loop(
    task_type="dialogue",
    task="Say how the conversation ended.",
    rare="handed over",
    common="solved",
    means={
        "handed over": "The assistant passes the matter on to a person.",
        "solved": "The assistant says what settles it.",
    },
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


_TASKS = {
    "rewrite": (
        "Write this politely: send the {thing} back to {place}, now",
        "Say this so that a customer in {place} is not hurt: your {thing} is junk",
        "Make this friendlier: nobody in {place} wants your old {thing}",
    ),
    "summary": (
        "Say in one sentence what the report on the {thing} from {place} finds",
        "Sum up the letter from {place} about the {thing}",
        "What is the point of these twelve pages about {place} and its {thing} works",
    ),
}


_RESPONSES = {
    "rewrite": "Would you mind sending the {thing} back to {place}?",
    "summary": "The {thing} works in {place} are sound and want more room.",
}


def _task(label: str, number: int) -> Parts:
    output = {
        "response": framed(number, _RESPONSES[label]),
        "rubric": ["It is polite.", "It is one sentence."],
    }
    return {"input": {"text": framed(number, *_TASKS[label]), "kind": label}, "output": output}


INSTRUCTION = Loop(
    task_type="instruction",
    task="Write what the prompt asks for; the rubric says what a good response has.",
    rare="rewrite",
    common="summary",
    means={
        "rewrite": "The same is to be said in another tone.",
        "summary": "The same is to be said in short.",
    },
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


_QUERIES = {
    "warranty": (
        "how long may I send the {thing} back to {place} when it breaks",
        "who pays if the {thing} fails on the way to {place}",
        "is the {thing} from the {place} shop still covered",
    ),
    "opening hours": (
        "when does the shop in {place} open on Sunday",
        "can I fetch my {thing} in {place} after six",
        "is anybody at the desk in {place} over lunch, it is about a {thing}",
    ),
}


def _query(label: str, number: int) -> Parts:
    answer = framed(number, "The {thing} has a warranty of two years; the shop in {place} opens at nine.")
    negative = {"id": f"n-{number}", "text": "We sell many things and like to help. Ask at the desk."}
    return {
        "input": {"text": framed(number, *_QUERIES[label]), "kind": label},
        "output": {"positive": {"id": f"p-{number}", "text": answer}, "negatives": [negative]},
    }


RETRIEVAL = Loop(
    task_type="retrieval",
    task="Find the passage that answers the query.",
    rare="warranty",
    common="opening hours",
    means={"warranty": "Who pays when something breaks.", "opening hours": "When somebody is there."},
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
