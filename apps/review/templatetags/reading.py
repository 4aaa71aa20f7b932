"""Tags for reading templates. ``apps.review.shapes`` makes what they give."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.template.loader import render_to_string
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from apps.core.pointers import joined
from apps.records.models import Record
from apps.review.marks import Passage
from apps.review.payloads import current_payload
from apps.review.reading import Fact, Reading, ShownCheck, reading_of
from apps.review.shapes.calls import Calls, calls_of
from apps.review.shapes.code import Cases, Line, cases_of, code_diff
from apps.review.shapes.examples import Example, example_of
from apps.review.shapes.fields import Fields, fields_of
from apps.review.shapes.parts import Choice, Part, Turn, choices_of, parts_of, turns_of
from apps.review.shapes.spans import SpannedText, spanned_text
from apps.specs.models import Project
from apps.validation.models import Outcome

register = template.Library()

QUOTED = 60
"""Characters of a marked place that the checks panel repeats."""
SIGNS: dict[str, str] = {Outcome.PASS: "ok", Outcome.INFO: "info", Outcome.BLOCK: "bad"}
CHECK = '<li><span class="sign sign-{}"></span><div><b>{}</b> {}</div></li>'


@register.simple_tag
def passage(reading: Reading, pointer: str) -> SafeString:
    """The string at ``pointer`` of the payload, with its findings marked. Nothing where there is none."""
    return _shown(reading.passages.get(pointer, Passage()))


@register.simple_tag
def marked(passage: Passage) -> SafeString:
    """A passage that is in hand already, for example the value of a fact."""
    return _shown(passage)


@register.simple_tag
def list_item(reading: Reading, pointer: str, number: int) -> SafeString:
    """The string that stands at ``number`` of the list at ``pointer``."""
    return _shown(reading.passages.get(joined(pointer, number), Passage()))


def _shown(passage: Passage) -> SafeString:
    """Most passages are plain text: that needs no template."""
    if all(piece.is_plain for piece in passage.segments):
        return escape("".join(piece.text for piece in passage.segments))
    shown = render_to_string("review/_passage.html", {"passage": passage}).removesuffix("\n")
    return mark_safe(shown)  # noqa: S308  a template has escaped it


@register.simple_tag
def check_items(checks: Sequence[ShownCheck]) -> SafeString:
    """The lines of the checks panel: two dozen of them on every card, so no template walks over them."""
    return format_html_join(
        "", CHECK, ((SIGNS.get(each.outcome, "warn"), each.title, _found(each)) for each in checks)
    )


def _found(check: ShownCheck) -> SafeString:
    said = check.message or ("passed" if check.outcome == Outcome.PASS else "")
    if not check.anchor:
        return format_html('<span class="detail">{}</span>', said)
    quote = Truncator(check.quote).chars(QUOTED)
    return format_html(
        '<a class="detail" href="#{}">“<bdi>{}</bdi>”</a> <span class="detail">{}</span>',
        check.anchor,
        quote,
        said,
    )


@register.simple_tag
def plain_reading(record: Record) -> Reading:
    """The reading of a record without its findings, for pages that only show what it says."""
    return reading_of(record, [], prefix=f"record-{record.pk}-")


@register.simple_tag
def facts_of(reading: Reading, without: str = "") -> list[Fact]:
    """The facts of a record but those at, or inside, the pointers in ``without``."""
    hidden = without.split()
    return [
        fact
        for fact in reading.facts
        if not any(fact.pointer == each or fact.pointer.startswith(f"{each}/") for each in hidden)
    ]


@register.simple_tag
def long_parts(record: Record, reading: Reading, side: str, without: str = "") -> list[Part]:
    """What the facts leave out of ``side``, which is input or output, but the pointers in ``without``."""
    return parts_of(current_payload(record)[side], side, reading, without)


@register.simple_tag
def spans(record: Record, reading: Reading) -> SpannedText:
    """A text with the spans of its answer."""
    return spanned_text(record, reading)


@register.simple_tag
def answer_fields(record: Record, reading: Reading) -> Fields:
    """The fields of an answer, and the document with their places in it."""
    return fields_of(record, reading)


@register.simple_tag
def tool_calls(record: Record, reading: Reading) -> Calls:
    """Calls beside the definitions of their tools."""
    return calls_of(record, reading)


@register.simple_tag
def diff_of_code(reading: Reading, before: str, after: str) -> list[Line]:
    """The codes at two pointers as one diff."""
    return code_diff(reading, before, after)


@register.simple_tag
def code_cases(record: Record) -> Cases:
    """The cases that code is judged by."""
    return cases_of(record)


@register.simple_tag
def turns(record: Record, reading: Reading) -> list[Turn]:
    """The turns of a dialogue."""
    return turns_of(record, reading)


@register.simple_tag
def choices(record: Record, reading: Reading) -> list[Choice]:
    """The passages of a retrieval record, the positive first."""
    return choices_of(record, reading)


@register.simple_tag
def guide_example(project: Project, text: str, label: str) -> Example:
    """An example of ``label`` in the guide."""
    return example_of(project, text, label)
