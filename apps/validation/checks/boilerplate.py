"""Text that a model says about its work instead of doing it: refusals, introductions, placeholders, fences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

_NOUN = (
    r"(?:examples?|samples?|messages?|e-?mails?|records?|tickets?|quer(?:y|ies)|variations?|paraphrases?|rewrit\w+"
    r"|responses?|JSON|texts?|sentences?|utterances?|inquir\w+)"
)
_SELF = re.compile(
    r"\bas an? (?:AI|artificial intelligence)\b(?: language)?(?: model| assistant)?"
    r"|\bI(?:'|’)?(?:m| am) (?:just |only )?an? (?:AI|large language model|language model)\b"
    r"|\b(?:als|as) (?:eine? )?KI(?:-Sprachmodell|-Assistent)\b|\ben tant qu(?:e modèle|'IA|’IA)"
    r"|\bcomo (?:un )?modelo de lenguaje\b|\bmy (?:training data|knowledge cutoff)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"^\W*(?:I(?:'|’)?m sorry,? (?:but )?)?I (?:cannot|can(?:'|’)t|am unable to|won(?:'|’)t be able to) "
    r"(?:(?:assist (?:you )?with|help you with|comply with|fulfill) (?:that|this|such|your request)\b|comply\b"
    r"|(?:generate|create|provide|produce|write)\b[^.!?\n]{0,30}"
    r"\b(?:such|content|messages?|examples?|texts?|requests?)\b)"
    r"|^\W*(?:I(?:'|’)?m sorry|I apologize|Sorry),? (?:but )?(?:I|as)\b[^.!?]{0,60}"
    r"\b(?:assist|comply|fulfil|generate|that request)"
    r"|^\W*(?:Es tut mir leid|Entschuldigung),? (?:aber )?ich kann\b[^.!?]{0,40}"
    r"\b(?:erstellen|generieren|schreiben|helfen)"
    r"|^\W*(?:Je suis désolée?|Désolée?),? (?:mais )?je ne peux pas\b"
    r"|^\W*Lo siento,? (?:pero )?no puedo (?:ayudar|generar|crear|cumplir)",
    re.IGNORECASE,
)
_INTRODUCTION = re.compile(
    rf"^\W*(?:(?:sure|certainly|of course|absolutely|great)\b[^\n:.]{{0,20}}[,!.]? *)?"
    rf"(?:here(?:'|’)?s|here (?:is|are)|below (?:is|are)) (?:an?|the|your|some|\d+|one|two|three|five|ten)?"
    rf"\b[^\n:.?!]{{0,40}}\b{_NOUN}\b[^\n.?!]{{0,40}}:"
    rf"|^\W*(?:hier (?:ist|sind)|voici|aquí (?:tienes|está))\b[^\n:.?!]{{0,40}}"
    rf"(?:beispiel|nachricht|exemple|message|ejemplo|mensaje)\w*[^\n.?!]{{0,30}}:",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"\[(?:your|insert|customer|company|user|order|account|product|date|name|recipient|sender|amount)\b[^\]\n]{0,40}\]"
    r"|<(?:insert|your|placeholder)\b[^>\n]{0,40}>|\{\{ ?\w+ ?\}\}|\blorem ipsum\b|\bXX/XX/XXXX\b|\bTODO:",
    re.IGNORECASE,
)
_MARKS = ("[", "<", "{{", "lorem ipsum", "xx/xx/xxxx", "todo:")
"""One of them stands in every placeholder."""
_FENCE = re.compile(r"^\s*```[^\n]*\n.*```\s*$", re.DOTALL)
_NOTHING = frozenset({"", "n a", "na", "none", "null", "undefined", "string", "text", "example", "empty"})
"""In canonical form."""


def _placeholder(text: str) -> re.Match[str] | None:
    folded = text.casefold()
    return _PLACEHOLDER.search(text) if any(mark in folded for mark in _MARKS) else None


# ``match`` where a pattern begins at the beginning: ``search`` would try it at every other character as well.
_LOOKS = (
    ("self_description", _SELF.search, "Speaks as a model about itself."),
    ("refusal", _REFUSAL.match, "Is a refusal instead of a record."),
    ("introduction", _INTRODUCTION.match, "Introduces the record instead of being it."),
    ("placeholder", _placeholder, "Holds a placeholder that nobody has filled in."),
    ("fence", _FENCE.match, "Stands in a code fence."),
)


class BoilerplateCheck(Check):
    """Reads every string; whether there is something to read, of the record's own text alone."""

    name = "boilerplate"
    title = "Boiler-plate"
    is_repairable = True
    may_be_lowered = True

    def run(self, batch: Batch) -> Findings:
        return {
            position: found for position, item in enumerate(batch.items) if (found := list(_findings(item)))
        }


def _findings(item: Item) -> Iterator[FindingData]:
    if item.folded in _NOTHING:
        yield FindingData(outcome=Outcome.BLOCK, code="empty", message="Says nothing.")
    for pointer, text in item.strings:
        for code, look, message in _LOOKS:
            if match := look(text):
                yield FindingData(
                    outcome=Outcome.BLOCK,
                    code=code,
                    message=message,
                    pointer=pointer,
                    start=match.start(),
                    end=match.end(),
                )
