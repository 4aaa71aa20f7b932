"""What the secret and personal data checks say never repeats what they found; the project decides about test values."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from apps.core.detectors.synthetic import lower
from benchmarks.checks_quality import read_sets
from tests.validation.running import codes, findings_of

LONGEST_SHARED = 5
"""Characters that a message may have in common with a value by chance: words of a description."""


def test_no_finding_of_the_labelled_sets_repeats_its_value() -> None:
    seen = 0
    for line in read_sets():
        if line.kind not in ("secret", "pii") or not line.expected:
            continue
        for name in ("secrets", "personal_data"):
            for finding in findings_of(name, input={"text": line.text}):
                value = line.text[finding.start : finding.end]
                seen += 1
                assert not repeats(finding.message + finding.code, value), finding.message
    assert seen > 300


def repeats(message: str, value: str) -> bool:
    """Whether a run of more than LONGEST_SHARED characters with a digit in it stands in both."""
    size = LONGEST_SHARED + 1
    runs = {value[start : start + size] for start in range(len(value) - size + 1)}
    return any(run in message for run in runs if any(char.isdigit() for char in run))


def test_the_measure_would_see_a_repeated_value() -> None:
    assert repeats("An IBAN: DE89370400440532013000.", "DE89370400440532013000")


def test_a_mounted_rule_repeats_nothing_either(tmp_path: Path, settings: Settings) -> None:
    badge = "acme_" + lower(20)
    path = tmp_path / "rules.toml"
    path.write_text("[[rules]]\nid = 'acme-badge'\nregex = '''acme_[0-9a-z]{20}'''\n")
    settings.SECRET_RULES_FILE = str(path)
    (finding,) = findings_of("secrets", input={"text": f"my badge is {badge}"})
    assert finding.code == "acme-badge"
    assert badge[5:] not in finding.message


KEY = "AKIA" + "IOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("name", "text", "allowed_by_default"),
    [("secrets", f"use {KEY} here", False), ("personal_data", "write to jane@example.com", True)],
)
def test_the_project_says_whether_a_test_value_is_fine(
    name: str, text: str, *, allowed_by_default: bool
) -> None:
    record = {"input": {"text": text}}
    assert (codes(name, **record) == []) is allowed_by_default
    assert codes(name, options={"allow_reserved": True}, **record) == []
    assert codes(name, options={"allow_reserved": False}, **record) != []
