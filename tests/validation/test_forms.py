"""Values have their type and range; texts have the form that the spec demands and none that it rejects."""

from __future__ import annotations

from typing import Any

import pytest

from apps.validation.checks.format import SIGNS
from apps.validation.settings_of_checks import problems_of
from tests import factories
from tests.validation.running import codes, findings_of, slips

PRICES = {
    "values": [
        {"pointer": "/output/lines/*/price", "schema": {"type": "number", "minimum": 0}, "required": True}
    ]
}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"lines": [{"price": 0}, {"price": 2.5}]}, []),
        (
            {"lines": [{"price": -1}, {"price": "2"}]},
            [("value", "/output/lines/0/price"), ("value", "/output/lines/1/price")],
        ),
        ({"lines": []}, [("missing", "/output/lines/*/price")]),
        ({}, [("missing", "/output/lines/*/price")]),
    ],
)
def test_values(output: Any, expected: list[tuple[str, str]]) -> None:
    assert codes("values", options=PRICES, output=output) == expected


def test_a_format_is_checked_and_a_place_inside_is_named() -> None:
    options = {"values": [{"pointer": "/input", "schema": {"properties": {"day": {"format": "date"}}}}]}
    assert codes("values", options=options, input={"day": "2026-02-30"}) == [("value", "/input/day")]


def test_messages_do_not_repeat_the_value() -> None:
    secret = "sk-live-" + "a1b2c3d4" * 4
    (finding,) = findings_of("values", options=PRICES, output={"lines": [{"price": secret}]})
    assert secret not in finding.message
    (finding,) = findings_of("schema", input={"text": "x"}, output={"label": [secret]})
    assert secret not in finding.message


JSON = {"demands": "json", "fields": ["/output/body"]}
XML = {"demands": "xml", "root": "order", "fields": ["/output/body"]}
BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><order>&c;</order>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><order>&b;</order>'


@pytest.mark.parametrize(
    ("options", "text", "code"),
    [
        (JSON, '{"a": [1, 2]}', None),
        (JSON, '{"a": 1, "a": 2}', "no_json"),
        (JSON, '{"a": NaN}', "no_json"),
        (JSON, '```json\n{"a": 1}\n```', "no_json"),
        (JSON, "[" * 100_000, "no_json"),
        (JSON | {"schema": {"type": "object", "required": ["b"]}}, '{"a": 1}', "no_json"),
        (JSON | {"schema": {"type": "object", "required": ["b"]}}, '{"b": 1}', None),
        (XML, "<order><id>1</id></order>", None),
        (XML, "<?xml version='1.0' encoding='utf-8'?><order/>", None),
        (XML, "<invoice/>", "no_xml"),
        (XML, "<order><id></order>", "no_xml"),
        (XML, BOMB, "no_xml"),
        (XML, OUTSIDE, "no_xml"),
        (XML, "<a>" * 50_000, "no_xml"),
        (XML, "<order>" + " " * 1_000_000 + "</order>", "no_xml"),
        (XML, "plain", "no_xml"),
        (XML, "<order>\ud800</order>", "no_xml"),
    ],
)
def test_demanded_forms(options: Any, text: str, code: str | None) -> None:
    found = codes("format", options=options, output={"body": text})
    assert found == ([(code, "/output/body")] if code else [])


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("code_fence", "see:\n```python\nx\n```"),
        ("heading", "## Answer"),
        ("list", "First:\n- one\n- two"),
        ("list", "1. one"),
        ("table", "|a|b|\n|---|:--|\n|1|2|"),
        ("emphasis", "this is **bold** text"),
        ("link", "see [here](https://example.org)"),
        ("html", "<b>bold</b>"),
        ("url", "go to HTTPS://example.org"),
        ("emoji", "well done 🎉"),
        ("line_break", "a\u2028b"),
        ("json", '{"a": 1}'),
        ("xml", "<a>1</a>"),
    ],
)
def test_rejected_forms(form: str, text: str) -> None:
    assert codes("format", options={"rejects": [form]}, output={"body": text}) == [(form, "/output/body")]


def test_ordinary_text_has_none_of_them() -> None:
    text = "Pay 5 * 3 = 15 € by 1.5.2026 – a < b, snake__case, #1 in -3 °C | pipes [sic] (really); 42"
    forms = [*SIGNS, "json", "xml"]
    assert codes("format", options={"rejects": forms}, output={"body": text, "n": "42"}) == []


@pytest.mark.parametrize(
    ("name", "options", "place"),
    [
        ("format", {"demands": "json", "rejects": ["json"]}, "rejects: "),
        ("format", {"root": "order"}, "root: "),
        ("format", {"demands": "xml", "schema": {}}, "schema: "),
        ("format", {"demands": "json", "schema": {"type": "nope"}}, "schema/type: "),
        (
            "values",
            {"values": [{"pointer": "/output/a", "schema": {"pattern": "(?=a)"}}]},
            "values/0/schema/pattern: ",
        ),
        (
            "values",
            {"values": [{"pointer": "/output/a", "schema": {"$ref": "https://example.org/s"}}]},
            "values/0/schema: ",
        ),
    ],
)
def test_slips_are_named_at_saving(name: str, options: dict[str, Any], place: str) -> None:
    (problem,) = slips(name, options)
    assert problem.startswith(place)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"properties": {"code": {"pattern": "(?<=a)b"}}}, "output_schema/properties/code/pattern: "),
        ({"type": "objekt"}, "output_schema/type: "),
        ({"$ref": "file:///etc/passwd"}, "output_schema: "),
    ],
)
def test_an_output_schema_that_no_check_can_run_is_not_published(schema: Any, place: str) -> None:
    spec = factories.make_spec(factories.make_project(), published=False, output_schema=schema)
    (problem,) = problems_of(spec)
    assert problem.startswith(place)
