"""What is cited is there: the source is one of the record's, and it holds the words that are quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from apps.core.pointers import SCHEMA as POINTER
from apps.core.pointers import strings_at, values_at
from apps.core.text import canonical
from apps.validation.checks.answer_in_text import holds_words
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome

_MARKERS = re.compile(r"\[\s*((?:[^\W\d_]*[\w.:-]*\d[\w.:-]*)(?:\s*[,;]\s*[\w.:-]+)*)\s*\](?!\()")
"""[2], [doc-2], [3, 4]: something with a digit in square brackets that is no Markdown link."""
_ELLIPSIS = re.compile(r"\[?\s*(?:…|\.{3,})\s*\]?")
_NAME = {"type": "string", "minLength": 1, "maxLength": 100}


class CitationsCheck(Check):
    """A quotation may leave words out where it says so with an ellipsis; its parts stand in that order."""

    name = "citations"
    title = "Citations"
    is_repairable = True
    is_on = False
    may_be_lowered = True
    options = {
        "sources": {
            **POINTER,
            "default": "/input/sources/*",
            "description": "Where the sources stand: texts, or objects with an id and a text.",
        },
        "source_id": {**_NAME, "default": "id", "description": "The member that names a source."},
        "source_text": {**_NAME, "default": "text", "description": "The member that holds its text."},
        "citations": {
            **POINTER,
            "default": "/output/citations/*",
            "description": "Where the citations stand: ids, or objects with an id and a quotation.",
        },
        "cited_id": {**_NAME, "default": "source", "description": "The member that names what is cited."},
        "quote": {**_NAME, "default": "quote", "description": "The member that quotes it."},
        "must_quote": {
            "type": "boolean",
            "default": False,
            "description": "Whether a citation without a quotation is refused.",
        },
        "markers_in": {
            **POINTER,
            "default": "/output/answer",
            "description": "A text that cites in square brackets, like [2] or [doc-2, doc-3].",
        },
        "least": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": "How many citations, marks in the text included, a record has at least.",
        },
    }

    def run(self, batch: Batch) -> Findings:
        options = _Options(**{name: self.option(batch, name) for name in self.options})
        findings = {}
        for position, item in enumerate(batch.items):
            if found := list(_wrong(item, options)):
                findings[position] = found
        return findings


class _Options(NamedTuple):
    sources: str
    source_id: str
    source_text: str
    citations: str
    cited_id: str
    quote: str
    must_quote: bool
    markers_in: str
    least: int


def _wrong(item: Item, options: _Options) -> Iterator[FindingData]:
    sources = _sources(item, options)
    cited = values_at(item.payload, options.citations)
    for place, citation in cited:
        yield from _wrong_citation(place, citation, sources, options)
    marks = [
        (place, match)
        for place, text in strings_at(item.payload, options.markers_in)
        for match in _MARKERS.finditer(text)
    ]
    for place, match in marks:
        if any(name not in sources for name in re.split(r"\s*[,;]\s*", match[1])):
            yield _finding("no_such_source", "Cites a source that is not there.", place, match.span())
    if len(cited) + len(marks) < options.least:
        yield _finding(
            "too_few", f"{len(cited) + len(marks)} citations; the spec asks for at least {options.least}."
        )


def _sources(item: Item, options: _Options) -> dict[str, str]:
    """Canonical text by id; sources without one are numbered from 1."""
    sources = {}
    for number, (_, source) in enumerate(values_at(item.payload, options.sources), start=1):
        name, text = str(number), source
        if isinstance(source, Mapping):
            name, text = str(source.get(options.source_id, number)), source.get(options.source_text)
        sources[name] = canonical(text) if isinstance(text, str) else ""
    return sources


def _wrong_citation(
    place: str, citation: Any, sources: Mapping[str, str], options: _Options
) -> Iterator[FindingData]:
    is_object = isinstance(citation, Mapping)
    name = citation.get(options.cited_id) if is_object else citation
    quote = citation.get(options.quote) if is_object else None
    if not isinstance(name, (str, int)) or str(name) not in sources:
        yield _finding("no_such_source", "Cites a source that is not there.", place)
    elif not isinstance(quote, str) or not quote.strip():
        if options.must_quote:
            yield _finding("no_quote", "Cites a source without quoting it.", place)
    elif not _quoted(quote, sources[str(name)]):
        message = "The quoted words do not stand in the source that is cited."
        yield _finding("not_quoted", message, f"{place}/{options.quote}")


def _quoted(quote: str, source: str) -> bool:
    for part in map(canonical, _ELLIPSIS.split(quote)):
        if not part:
            continue
        if not holds_words(source, part):
            return False
        source = source[source.find(part) + len(part) :]
    return True


def _finding(code: str, message: str, pointer: str = "", span: tuple[int, int] | None = None) -> FindingData:
    start, end = span or (None, None)
    return FindingData(
        outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer, start=start, end=end
    )
