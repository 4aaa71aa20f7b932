"""The mess of real writing. Each function takes a text and a throw of the dice and gives a messier text.

None may change what the writer wants: the label of the record has to stay true.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from apps.providers import rules_words as words

_ABBREVIABLE = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, words.ABBREVIATIONS), key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)

_WORD = re.compile(r"[A-Za-z][a-z']{3,}")
_APOSTROPHE = re.compile(r"(?<=[a-z])['’](?=[a-z])")
_SPACE_AFTER_STOP = re.compile(r"(?<=[a-z]{2}[.,]) (?=[a-zA-Z])")
_CLAUSE_START = re.compile(
    r"(^|[.!?]\s+|,\s+and\s+|\band\s+)(?:i'm|im|i am|i|we|it's|its|there is|there was)\s+", re.I
)
_FILLERS = re.compile(r"\b(?:the|a|an|please|kindly|really|just|then|also|very)\s+", re.IGNORECASE)
_SENTENCE_BREAK = re.compile(r"[.!]+ +(?=[A-Za-z])")
_FIRST_LETTER = re.compile(r"(^|[.!?]\s+)([a-z])")
_LONE_I = re.compile(r"\bi\b(?=[ '])")


def typos(text: str, throw: Random) -> str:
    """One to three slips of the finger in words of four letters and more; first letters are mostly safe."""
    slips = 1 + (len(text) > 70) + (len(text) > 160 and throw.random() < 0.5)
    for _ in range(slips):
        (slip,) = throw.choices((_slip_in_a_word, _lost_apostrophe, _lost_space), weights=(8, 2, 1))
        text = slip(text, throw)
    return text


def _slip_in_a_word(text: str, throw: Random) -> str:
    found = list(_WORD.finditer(text))
    if not found:
        return text
    word = throw.choice(found)
    at = throw.randrange(word.start() + 1, word.end() - 1)
    letter, after = text[at], text[at + 1]
    slip = throw.random()
    if slip < 0.35:
        changed = after + letter
    elif slip < 0.65:
        changed = after
    elif slip < 0.8:
        changed = letter * 2 + after
    else:
        changed = throw.choice(words.NEIGHBOURS.get(letter, letter)) + after
    return text[:at] + changed + text[at + 2 :]


def _lost_apostrophe(text: str, throw: Random) -> str:
    return _APOSTROPHE.sub("", text) if _APOSTROPHE.search(text) else _slip_in_a_word(text, throw)


def _lost_space(text: str, throw: Random) -> str:
    places = list(_SPACE_AFTER_STOP.finditer(text))
    if not places:
        return _slip_in_a_word(text, throw)
    place = throw.choice(places)
    return text[: place.start()] + text[place.end() :]


def fragments(text: str, throw: Random) -> str:
    """Telegram style: subjects, small words and full stops fall away, nothing that carries the request."""
    text = _CLAUSE_START.sub(lambda match: match.group(1) if throw.random() < 0.8 else match.group(), text)
    text = _FILLERS.sub(lambda match: "" if throw.random() < 0.7 else match.group(), text)
    joint = throw.choice((". ", " - ", "... ", "\n", ", "))
    return _SENTENCE_BREAK.sub(joint, text).rstrip(" .")


def run_ons(text: str, throw: Random) -> str:
    """Sentences without a stop between them."""
    joint = throw.choice((" and ", " ", ", ", " so "))
    return _SENTENCE_BREAK.sub(joint, text).rstrip(".")


def abbreviations(text: str, throw: Random) -> str:
    """A writer who shortens a word shortens it every time, and leaves others alone."""
    chosen: dict[str, str] = {}
    haste = throw.uniform(0.3, 0.9)

    def shorten(match: re.Match[str]) -> str:
        word = match.group().casefold()
        if word not in chosen:
            chosen[word] = throw.choice(words.ABBREVIATIONS[word]) if throw.random() < haste else word
        return match.group() if chosen[word] == word else chosen[word]

    return _ABBREVIABLE.sub(shorten, text)


def casing(text: str, throw: Random) -> str:
    """Small letters throughout, a shouted word, sentence case where there was none, or all of it shouted."""
    if text != text.lower() and throw.random() < 0.55:
        return text.lower()
    kind = throw.random()
    if kind < 0.45:
        text = _FIRST_LETTER.sub(lambda match: match.group(1) + match.group(2).upper(), text)
        return _LONE_I.sub("I", text)
    if kind < 0.85 or len(text) > 90:
        found = list(_WORD.finditer(text))
        if not found:
            return text.lower()
        word = throw.choice(found)
        return text[: word.start()] + word.group().upper() + text[word.end() :]
    return text.upper()


def contradictions(text: str, throw: Random, phrases: tuple[str, ...] = ()) -> str:
    """A sentence that takes back a detail, never the request."""
    return f"{text.rstrip('. ')}. {throw.choice(phrases or words.CONTRADICTIONS)}"


def pasted_mail(text: str, throw: Random) -> str:
    """What comes along when people answer, forward or write on a phone. Holds no address and no name."""
    return throw.choice((_quoted_receipt, _forwarded, _subject, _signature, _quoted_receipt))(text, throw)


def _quoted_receipt(text: str, throw: Random) -> str:
    lines = throw.sample(words.RECEIPTS, k=throw.choice((1, 1, 2)))
    quoted = "\n".join(f"> {line}" for line in lines)
    reference = f"\n> Reference: {throw.randrange(10_000, 999_999)}" if throw.random() < 0.5 else ""
    return f"{text}\n\nOn {_date(throw)} {throw.choice(words.DESKS)} wrote:\n{quoted}{reference}"


def _forwarded(text: str, throw: Random) -> str:
    header = throw.choice(
        ("-----Original Message-----", "---------- Forwarded message ---------", "Begin forwarded message:")
    )
    subject = throw.choice(("Re: ", "AW: ", "")) + throw.choice(words.MAIL_SUBJECTS)
    sender, sent = throw.choice(words.DESKS), _date(throw)
    lines = (
        header,
        f"From: {sender}",
        f"Sent: {sent}",
        f"Subject: {subject}",
        "",
        throw.choice(words.RECEIPTS),
    )
    return "\n".join((text, "", *lines))


def _subject(text: str, throw: Random) -> str:
    start = " ".join(re.split(r"[.!?\n]", text, maxsplit=1)[0].split()[: throw.randrange(3, 6)])
    return f"{throw.choice(('Subject: Re: ', 'Re: ', 'Betreff: ', 'Subject: '))}{start}\n\n{text}"


def _signature(text: str, throw: Random) -> str:
    return f"{text}\n\n{throw.choice(words.SIGNATURES)}"


def _date(throw: Random) -> str:
    return (
        f"{throw.choice(words.DAYS)}, {throw.randrange(1, 29)} {throw.choice(words.MONTHS)} at "
        f"{throw.randrange(7, 22)}:{throw.randrange(0, 60):02}"
    )


# In the order in which they are applied: what moves sentences first, what surrounds the text last.
IN_ORDER: tuple[tuple[str, Callable[[str, Random], str]], ...] = (
    ("fragments", fragments),
    ("run_ons", run_ons),
    ("abbreviations", abbreviations),
    ("typos", typos),
    ("casing", casing),
    ("pasted_mail", pasted_mail),
)
