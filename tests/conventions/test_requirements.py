"""Pinned files are what pyproject.toml asks for, whole, by hash, and from nowhere in particular."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINNED = sorted(path.name for path in ROOT.glob("requirements*.txt"))

# What each pinned file is made from (requirements.sh).
ASKED_FOR = {
    "requirements.txt": ["base"],
    "requirements-team.txt": ["base", "team"],
    "requirements-providers.txt": ["base", "team", "providers"],
    "requirements-tokens.txt": ["base", "tokens"],
    "requirements-test.txt": ["base", "team", "providers", "tokens", "test", "check"],
}

each_file = pytest.mark.parametrize("name", PINNED)


def asked_for(*groups: str) -> dict[str, Requirement]:
    lists = {
        "base": PYPROJECT["project"]["dependencies"],
        **PYPROJECT["project"]["optional-dependencies"],
        **PYPROJECT["dependency-groups"],
    }
    wanted = [Requirement(line) for group in groups for line in lists[group]]
    return {canonicalize_name(requirement.name): requirement for requirement in wanted}


def entries(name: str) -> list[str]:
    """The requirements of a pinned file, each with its hashes on one line and without comments."""
    text = re.sub(r"^\s*#.*$", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    return [" ".join(entry.split()) for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]


def pins(name: str) -> dict[tuple[str, str], Requirement]:
    """(name, marker) → requirement, for each entry of a pinned file."""
    found = [Requirement(entry.split(" --hash=")[0]) for entry in entries(name)]
    return {(canonicalize_name(pin.name), str(pin.marker or "")): pin for pin in found}


def test_every_pinned_file_is_known_here() -> None:
    assert set(PINNED) == {*ASKED_FOR, "requirements-uv.txt"}


@each_file
def test_no_pinned_file_names_an_address(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert [
        line
        for line in lines
        if "://" in line or re.match(r"\s*(-i|-f|--index|--extra-index|--find-links|--trusted)", line)
    ] == []


@each_file
def test_everything_is_pinned_to_one_version_with_its_hashes(name: str) -> None:
    loose = [
        entry
        for entry in entries(name)
        if not re.fullmatch(
            r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+", entry
        )
    ]
    assert loose == []


@pytest.mark.parametrize("name", ASKED_FOR)
def test_what_pyproject_asks_for_is_pinned_within_its_bounds(name: str) -> None:
    pinned = pins(name)
    for wanted, requirement in asked_for(*ASKED_FOR[name]).items():
        versions = [
            str(next(iter(pin.specifier)).version) for (found, _), pin in pinned.items() if found == wanted
        ]
        assert versions, f"{wanted} is missing: make lock"
        assert all(requirement.specifier.contains(version) for version in versions), (wanted, versions)


@pytest.mark.parametrize("name", ASKED_FOR)
def test_nothing_is_pinned_for_its_own_sake_that_pyproject_does_not_ask_for(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    direct = {
        canonicalize_name(re.split(r"[=\[ ]", block)[0])
        for block in blocks
        if re.search(r"synthreview( |$)|pyproject\.toml", block, flags=re.MULTILINE)
    }
    assert direct == set(asked_for(*ASKED_FOR[name]))


@pytest.mark.parametrize(("one", "other"), list(combinations(ASKED_FOR, 2)))
def test_two_files_never_pin_two_versions(one: str, other: str) -> None:
    first, second = pins(one), pins(other)
    both = first.keys() & second.keys()
    assert {
        key: (str(first[key]), str(second[key]))
        for key in both
        if first[key].specifier != second[key].specifier
    } == {}
