"""The labelled sets are measured as the benchmark says, and the figures stay above their floors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.checks_quality import (
    DATA,
    Line,
    Screen,
    SetError,
    as_json,
    as_text,
    measure,
    protected_texts,
    read_pairs,
    read_set,
    read_sets,
    screen_by_services,
)

TOKEN = "ghp_" + "k3Xv9Qm2Lw7Zt4Bn8Rc6" + "Yd1Hs5Jf0Gp2Ta9W"
# Kind, half, the least recall, the highest rate of false positives.
FLOORS = (
    ("secret", "seen", 0.99, 0.0),
    ("secret", "unseen", 0.95, 0.02),
    ("pii", "seen", 0.99, 0.0),
    ("pii", "unseen", 0.95, 0.02),
    ("clean", "all", 0.0, 0.01),
    ("leak", "unseen", 0.55, 0.0),
    ("leak_or_near", "unseen", 0.75, 0.01),
    ("duplicate_warn", "all", 0.98, 0.01),
    ("duplicate_block", "all", 0.95, 0.0),
)


def figures(screen: Screen) -> dict[str, Any]:
    pairs = read_pairs(DATA / "duplicates.jsonl")
    kinds: dict[str, Any] = as_json(
        measure(read_sets(), pairs, protected_texts(None, foreign=False), screen)
    )["kinds"]
    return kinds


def below_floor(kinds: dict[str, Any]) -> list[str]:
    return [
        f"{kind}, {half}: {row}"
        for kind, half, recall, rate in FLOORS
        if ((row := kinds[kind][half])["recall"] or 0) < recall or (row["false_positive_rate"] or 0) > rate
    ]


def all_clean(_protected: Sequence[str], texts: Sequence[str]) -> list[str]:
    return ["clean"] * len(texts)


def all_leak(_protected: Sequence[str], texts: Sequence[str]) -> list[str]:
    return ["leak"] * len(texts)


@pytest.mark.django_db(databases=["default", "leakage"])
def test_the_labelled_sets_stay_above_their_floors() -> None:
    assert below_floor(figures(screen_by_services)) == []


def test_a_screen_that_finds_nothing_or_everything_falls_below_the_floors() -> None:
    assert [row.split(":")[0] for row in below_floor(figures(all_clean))] == [
        "leak, unseen",
        "leak_or_near, unseen",
    ]
    assert [row.split(":")[0] for row in below_floor(figures(all_leak))] == [
        "clean, all",
        "leak, unseen",
        "leak_or_near, unseen",
    ]


def test_each_half_has_the_positives_and_hard_negatives_that_were_asked_for() -> None:
    kinds = figures(all_clean)
    assert kinds["secret"]["all"]["positives"] >= 150
    assert kinds["secret"]["all"]["negatives"] >= 200
    assert kinds["pii"]["all"]["positives"] >= 120
    for half in ("seen", "unseen"):
        assert kinds["secret"][half]["positives"] >= 75
        assert kinds["pii"][half]["positives"] >= 60
        assert kinds["pii"][half]["negatives"] >= 60


def test_figures_count_what_was_found_and_what_was_wrongly_reported() -> None:
    lines = [
        Line(f"use {TOKEN}", "secret", expected=True, half="seen"),
        Line("use the vault", "secret", expected=True, half="unseen"),
        Line("mail jane@firma.de", "clean", expected=False),
        Line("all is well", "pii", expected=False),
    ]
    kinds = as_json(measure(lines, [], [], all_clean))["kinds"]
    assert kinds["secret"] == {
        "all": {
            "positives": 2,
            "found": 1,
            "recall": 0.5,
            "negatives": 0,
            "false_positives": 0,
            "false_positive_rate": None,
            "precision": 1.0,
        },
        "seen": kinds["secret"]["seen"],
        "unseen": kinds["secret"]["unseen"],
    }
    assert kinds["clean"]["all"]["false_positive_rate"] == 1.0
    assert kinds["pii"]["all"]["false_positives"] == 0


def test_misses_are_listed_without_the_values() -> None:
    wrong = Line(f"not a token: {TOKEN}", "secret", expected=False)
    shown = as_text(measure([wrong], [], [], all_clean), misses=5)
    assert "not a token: gh" in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"text": "a", "kind": "secret"}', "expected"),
        ('{"text": "a", "kind": "spam", "expected": true}', "kind"),
        ('{"text": "a", "kind": "clean", "expected": true}', "clean"),
    ],
)
def test_a_line_that_cannot_be_measured_is_named(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(f'{{"text": "a", "kind": "pii", "expected": false}}\n{line}\n')
    with pytest.raises(SetError, match=rf"own\.jsonl, line 2: .*{complaint}"):
        read_set(path)


def test_a_set_never_seen_is_measured_on_a_database_of_its_own(tmp_path: Path) -> None:
    """The command itself, in a process of its own."""
    protected, own = tmp_path / "protected.jsonl", tmp_path / "own.jsonl"
    text = "Why was my direct debit taken four days early this month?"
    protected.write_text(json.dumps({"text": text}) + "\n")
    rows = [
        {"text": f"Hello, {text.lower()} Regards", "kind": "leak", "expected": True},
        {"text": "Where is my parcel, it should be here by now?", "kind": "clean", "expected": False},
        {"text": f"token {TOKEN}", "kind": "secret", "expected": True},
    ]
    own.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "benchmarks.checks_quality", "--json"]
    done = subprocess.run(
        [*command, "--set", str(own), "--protected", str(protected)],
        capture_output=True,
        text=True,
        check=True,
        cwd=DATA.parent.parent,
    )
    kinds = json.loads(done.stdout)["kinds"]
    assert sorted(kinds) == ["clean", "leak", "leak_or_near", "secret"]
    assert kinds["leak"]["all"]["recall"] == 1.0
    assert kinds["secret"]["all"]["recall"] == 1.0
    assert kinds["clean"]["all"]["false_positives"] == 0
