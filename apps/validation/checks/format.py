"""The text is written in the form that the spec demands, and in none that it rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from apps.core.detectors.patterns import EncodedText, Pattern
from apps.core.json_schemas import errors_of, refusal, validator_of
from apps.core.pointers import SCHEMA as POINTER
from apps.core.pointers import strings_at
from apps.core.strict_json import StrictJsonError, loads_line
from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.checks.schema import MAX_ERRORS
from apps.validation.models import Outcome

MAX_XML = 1_000_000
Says = Callable[[str], str]
"""What is wrong with the form of a text, in words; empty when nothing is."""

SIGNS: Mapping[str, tuple[Pattern, str]] = {
    "code_fence": (Pattern(r"(?m)^[ \t]{0,3}(?:```|~~~)"), "a fenced code block"),
    "heading": (Pattern(r"(?m)^[ \t]{0,3}#{1,6}[ \t]+\S"), "a Markdown heading"),
    "list": (Pattern(r"(?m)^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S"), "a list"),
    "table": (
        Pattern(r"(?m)^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)+\|?[ \t]*$"),
        "a table",
    ),
    "emphasis": (Pattern(r"\*\*[^\s*][^*\n]*\*\*|__[^\s_][^_\n]*__"), "Markdown emphasis"),
    "link": (Pattern(r"\[[^\]\n]*\]\([^)\s]+\)"), "a Markdown link or image"),
    "html": (Pattern(r"</?[a-zA-Z][\w-]*(?:\s[^<>]*)?/?>|<!--"), "HTML or XML tags"),
    "url": (Pattern(r"\bhttps?://\S|\bwww\.\w", ignore_case=True), "a web address"),
    "emoji": (Pattern(r"[\x{1F000}-\x{1FAFF}\x{2600}-\x{27BF}\x{FE0F}]"), "an emoji"),
    "line_break": (Pattern(r"[\n\r\x{2028}\x{2029}]"), "a line break"),
}


class FormatCheck(Check):
    """Strict JSON (no NaN, no key twice) or XML (no document type, so no entities) where the spec demands it."""

    name = "format"
    title = "Format"
    is_repairable = True
    is_on = False
    may_be_lowered = True
    options = {
        "fields": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": POINTER,
            "default": ["/output/*"],
            "description": "The texts that are looked at, as JSON pointers; * is every member.",
        },
        "demands": {
            "enum": ["json", "xml", None],
            "default": None,
            "description": "What each of these texts must be, whole.",
        },
        "schema": {
            "type": ["object", "null"],
            "default": None,
            "description": "JSON Schema of what stands in a text that must be JSON.",
        },
        "root": {
            "type": ["string", "null"],
            "default": None,
            "maxLength": 100,
            "description": "The outermost element of a text that must be XML.",
        },
        "rejects": {
            "type": "array",
            "uniqueItems": True,
            "items": {"enum": [*SIGNS, "json", "xml"]},
            "default": [],
            "description": "Forms that no such text may have.",
        },
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        problems = []
        demands = options.get("demands")
        if demands and demands in options.get("rejects", ()):
            problems.append(f"rejects: {demands} is demanded and rejected at once")
        for name, kind in (("schema", "json"), ("root", "xml")):
            if options.get(name) is not None and demands != kind:
                problems.append(f'{name}: means something only with "demands": "{kind}"')
        if (schema := options.get("schema")) is not None and (reason := refusal(schema)):
            problems.append(f"schema{reason}")
        return problems

    def run(self, batch: Batch) -> Findings:
        fields, tests = self.option(batch, "fields"), list(self._tests(batch))
        findings: dict[int, list[FindingData]] = {}
        for position, item in enumerate(batch.items):
            for field in fields:
                for pointer, text in strings_at(item.payload, field):
                    found = list(_wrong(pointer, text, tests))
                    if found:
                        findings.setdefault(position, []).extend(found)
        return findings

    def _tests(self, batch: Batch) -> Iterator[tuple[str, Says]]:
        demands = self.option(batch, "demands")
        if demands == "json":
            yield "no_json", _json_problem(self.option(batch, "schema"))
        if demands == "xml":
            yield "no_xml", _xml_problem(self.option(batch, "root"))
        for form in self.option(batch, "rejects"):
            yield form, _rejection(form)


def _wrong(pointer: str, text: str, tests: Sequence[tuple[str, Says]]) -> Iterator[FindingData]:
    for code, says in tests:
        if message := says(text):
            yield FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)


def _json_problem(schema: Mapping[str, Any] | None) -> Says:
    validator = validator_of(schema) if schema is not None else None

    def says(text: str) -> str:
        try:
            value = _json(text)
        except StrictJsonError as error:
            return f"Must be JSON: {error}"[:300]
        errors = errors_of(validator, value, most=MAX_ERRORS) if validator else ()
        return "; ".join(f"{pointer or '/'}: {message}" for pointer, message in errors)[:390]

    return says


def _xml_problem(root: str | None) -> Says:
    def says(text: str) -> str:
        if len(text) > MAX_XML:
            return f"Must be XML of at most {MAX_XML:,} characters."
        try:
            element = fromstring(text, forbid_dtd=True)
        except DefusedXmlException:
            return "Must be XML without a document type."
        except ParseError as error:
            return f"Must be XML: {error}"
        except ValueError:
            return "Must be XML: it declares an encoding that it does not have."
        if root is not None and element.tag != root:
            return f"Must be XML whose outermost element is {root}."
        return ""

    return says


def _rejection(form: str) -> Says:
    if form in SIGNS:
        return _sign(*SIGNS[form])
    if form == "json":
        return lambda text: "Is JSON, which the spec rejects." if _is_json(text) else ""
    is_no_xml = _xml_problem(None)
    return lambda text: "" if "<" not in text or is_no_xml(text) else "Is XML, which the spec rejects."


def _sign(pattern: Pattern, name: str) -> Says:
    def says(text: str) -> str:
        return f"Holds {name}, which the spec rejects." if pattern.occurs_in(EncodedText(text).data) else ""

    return says


def _json(text: str) -> Any:
    return loads_line(text.encode("utf-8", "surrogatepass"))


def _is_json(text: str) -> bool:
    """An object or a list: a bare number or a quoted word is ordinary text as well."""
    try:
        return isinstance(_json(text), (dict, list))
    except StrictJsonError:
        return False
