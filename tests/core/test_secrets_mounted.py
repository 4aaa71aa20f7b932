"""A team's own rules in the gitleaks format find what they say, and one that cannot be used is named at start."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from apps.core.detectors.mounted_rules import MountedRuleError, read_rules_and_errors
from apps.core.detectors.secrets import find_secrets
from apps.core.detectors.synthetic import alnum, lower

BADGE = "acme_" + lower(20)
RULES = r"""
[allowlist]
stopwords = ["sandbox"]

[[rules]]
id = "acme-badge"
description = "Acme badge token"
regex = '''(badge|pass)?\b(acme_[0-9a-z]{20})\b'''
secretGroup = 2
entropy = 3.0
keywords = ["acme_"]

[[rules.allowlists]]
regexTarget = "line"
regexes = ['''# fake''']

[[rules]]
id = "acme-dial-word"
regex = '''dial-[A-Z]{6}'''
"""


@pytest.fixture
def mount(tmp_path: Path, settings: Settings) -> str:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    settings.SECRET_RULES_FILE = str(path)
    return str(path)


def found_in(text: str) -> list[tuple[str, str]]:
    return [(each.rule, text[each.start : each.end]) for each in find_secrets(text)]


@pytest.mark.usefixtures("mount")
def test_a_mounted_rule_finds_its_group_beside_the_rules_of_the_package() -> None:
    github = "ghp_" + alnum(36)
    assert found_in(f"é my {BADGE} and {github}") == [("acme-badge", BADGE), ("github-token", github)]
    assert found_in("tell them dial-QWERTY") == [("acme-dial-word", "dial-QWERTY")]


def test_without_the_file_its_rules_find_nothing() -> None:
    assert found_in(f"my {BADGE} and dial-QWERTY") == []


@pytest.mark.usefixtures("mount")
@pytest.mark.parametrize(
    "text",
    [
        "acme_" + "a" * 20,
        f"{BADGE}  # fake",
        "acme_sandbox" + lower(13),
        "ACME_" + lower(20).upper(),
    ],
    ids=["entropy", "line", "stop word", "case"],
)
def test_entropy_allowlists_and_case_keep_a_mounted_rule_silent(text: str) -> None:
    assert found_in(text) == []
    assert found_in(f"{text}\n{BADGE}") == [("acme-badge", BADGE)]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("id = 'x'\nregex = '''(?=a)b'''", r"rule x: RE2 refuses .*\(\?="),
        ("id = 'x'\nregex = '''(a)\\1'''", r"rule x: RE2 refuses"),
        ("id = 'x'\nregex = 'a'\nsecretGroup = 1", r"rule x: secretGroup is 1, but the regex has 0 groups"),
        ("id = 'x'\nregex = 'a'\nentropy = 'high'", r"rule x: entropy is 'high'"),
        ("id = 'x'\nregex = 'a'\npath = 'b'", r"rule x: needs a regex, and no path"),
        ("id = 'x'\nregex = 'a'\nkeywords = 'b'", r"rule x: keywords must be a list"),
        ("id = 'x'\nregex = 'a'\n[[rules.allowlists]]\nregexes = ['(?!a)']", r"rule x: RE2 refuses"),
        ("id = 'x'\nregex = 'a'\n[[rules.allowlists]]\ncondition = 'AND'", r"rule x: .*not supported"),
        ("regex = 'a'", r"rule 1: needs an id"),
        ("id = 'x'\nregex = 'a'\n[[rules]]\nid = 'x'\nregex = 'b'", r"rule x: two rules have this id"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named_at_start_and_never_left_out(
    tmp_path: Path, settings: Settings, rule: str, complaint: str
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(f"[[rules]]\n{rule}\n")
    settings.SECRET_RULES_FILE = str(path)
    errors = [message for message in run_checks() if message.id == "validation.E001"]
    assert len(errors) == 1
    assert errors[0].msg.startswith(f"SECRET_RULES_FILE: {path}")
    with pytest.raises(MountedRuleError, match=complaint):
        find_secrets("any text")


@pytest.mark.parametrize(("content", "complaint"), [("[", "not TOML"), ("title = 'x'", "has no")])
def test_a_file_without_rules_is_an_error(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(content)
    assert complaint in read_rules_and_errors(path)[1][0]
    assert "cannot be read" in read_rules_and_errors(tmp_path / "missing.toml")[1][0]


@pytest.mark.usefixtures("mount")
def test_the_check_at_start_is_silent_about_rules_that_work() -> None:
    assert [message for message in run_checks() if message.id == "validation.E001"] == []
