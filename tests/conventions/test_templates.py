"""Templates hold no code and no style, so that the policy header can forbid both; and none lies about unused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file())

# Found by Django under their own names, never named by us.
FOUND_BY_NAME = re.compile(r"403_csrf\.html|admin/.*")

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a script without a file": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an htmx handler": re.compile(r"\shx-on\b|\bhx-(vals|vars|headers)\s*=\s*[\"']?\s*js:", re.IGNORECASE),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    "another site's file": re.compile(
        r"<(script|link|img|iframe)\b[^>]*\s(src|href)\s*=\s*[\"']?(https?:)?//", re.IGNORECASE
    ),
}
SAMPLES = {
    "a style attribute": '<p class="a" style="color:red">',
    "a style element": "<style>p {}</style>",
    "a script without a file": '<script type="module">go()</script>',
    "an event handler": '<button type="button" onclick="go()">',
    "an htmx handler": "<form hx-vals='js:{a: 1}'>",
    "a javascript address": '<a href="javascript:go()">',
    "another site's file": '<link rel="stylesheet" href="https://cdn.example/a.css">',
}


def offences(text: str) -> list[str]:
    return [name for name, pattern in FORBIDDEN.items() if pattern.search(text)]


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_holds_no_code_no_style_and_nothing_from_elsewhere(name: str) -> None:
    assert offences((FOLDER / name).read_text()) == []


@pytest.mark.parametrize("offence", FORBIDDEN)
def test_an_offence_is_found(offence: str) -> None:
    assert offence in offences(SAMPLES[offence])


def test_no_template_lets_text_through_unescaped() -> None:
    """``safe`` and ``autoescape off`` would make a record's text into markup; charts are made safe in Python."""
    loose = re.compile(r"\|\s*safe\b|\|\s*safeseq\b|autoescape\s+off")
    assert [name for name in TEMPLATES if loose.search((FOLDER / name).read_text())] == []


def test_every_template_is_rendered_by_something() -> None:
    users = [*ROOT.glob("apps/**/*.py"), *ROOT.glob("synthreview/*.py"), *FOLDER.rglob("*.html")]
    mentions = {path: path.read_text() for path in users}
    unused = [
        name
        for name in TEMPLATES
        if not FOUND_BY_NAME.fullmatch(name)
        and not any(name in text for path, text in mentions.items() if path != FOLDER / name)
    ]
    assert unused == []
