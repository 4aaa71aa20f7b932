"""The launch rule gives the golden verdicts, and chance does not ship."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.evaluation.launch_gate import InvalidReason, SliceCounts, headline, judge, rule_for, to_dict

CASES = json.loads((Path(__file__).resolve().parent.parent / "golden" / "00_launch_gate.json").read_text())[
    "cases"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_golden(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    spent = [InvalidReason("looks_spent", "All looks are spent.")] if inputs["looks_left"] <= 0 else []
    outcome = judge(
        [SliceCounts(**row) for row in inputs["slices"]],
        rule=rule_for(alpha=inputs["alpha"], looks=1, delta=inputs["delta_common"]),
        control=tuple(inputs["control"]) if inputs["control"] else None,
        invalid=spent,
    )
    gates = {gate.name: gate for gate in outcome.gates}
    assert outcome.verdict == expected["verdict"]
    assert {name: gate.passed for name, gate in gates.items()} == expected["gates"]
    assert outcome.tripwire_labels == expected["tripwire_labels"]
    assert outcome.harmed_labels == expected["harmed_labels"]
    assert outcome.harmed_groups == expected["pool_harm"]
    assert gates["overall"].statistic == pytest.approx(expected["p_overall"], abs=1e-4)
    assert gates["common"].statistic == pytest.approx(expected["ni_z_common"], abs=1e-4)
    assert gates["rare"].statistic == pytest.approx(expected["p_rare"], abs=1e-4)
    if inputs["control"]:
        assert gates["control"].statistic == pytest.approx(expected["p_control"], abs=1e-4)
    for name, interval in expected["ci95"].items():
        assert outcome.groups[name].change == pytest.approx(expected["delta"][name], abs=1e-4)
        if interval is not None:
            assert [outcome.groups[name].low, outcome.groups[name].high] == pytest.approx(interval, abs=1e-4)
    assert headline(outcome)
    json.dumps(to_dict(outcome))


def good(rare_fixed: int = 40, common_broken: int = 1) -> list[SliceCounts]:
    return [
        SliceCounts("r", "rare", 100, rare_fixed, 2),
        SliceCounts("c1", "common", 300, 2, common_broken),
        SliceCounts("c2", "common", 300, 1, 1),
        SliceCounts("o", "other", 100, 1, 1),
    ]


RULE = rule_for(alpha=0.05, looks=5, delta=0.02)


def test_alpha_is_divided_once_by_the_declared_looks() -> None:
    assert (RULE.alpha, RULE.least_common, RULE.least_changed) == (pytest.approx(0.01), 266, 6)


def test_a_real_gain_ships() -> None:
    assert judge(good(), rule=RULE, control=(35, 2)).verdict == "SHIP"


def test_thin_evidence_says_how_much_is_missing() -> None:
    outcome = judge(
        [replace(row, n=row.n // 3) if row.role == "common" else row for row in good()],
        rule=RULE,
        control=(35, 2),
    )
    assert outcome.verdict == "NOT_PROVEN"
    assert "at least 266 are needed" in outcome.reasons[0]


def test_a_failing_gate_names_the_rows_that_would_do() -> None:
    outcome = judge(good(), rule=RULE, control=(12, 8))
    assert outcome.verdict == "NOT_PROVEN"
    assert "real-only control" in outcome.reasons[0]
    assert "rows would be needed" in outcome.reasons[0]


def test_invalid_comes_before_everything() -> None:
    outcome = judge(
        good(),
        rule=RULE,
        control=(35, 2),
        invalid=[InvalidReason("leak", "A training row is in the holdout.")],
    )
    assert outcome.verdict == "INVALID"
    assert outcome.reasons == ["A training row is in the holdout."]


def test_over_sampled_gap_rows_do_not_carry_the_overall_gate() -> None:
    rows = [
        SliceCounts("r", "rare", 200, 46, 6),
        SliceCounts("c", "common", 600, 3, 9),
        SliceCounts("o", "other", 200, 1, 4),
    ]
    plain = judge(rows, rule=rule_for(alpha=0.05, looks=1, delta=0.02), control=(40, 6))
    weighted = judge(
        rows,
        rule=rule_for(alpha=0.05, looks=1, delta=0.02),
        control=(40, 6),
        production_shares={"rare": 0.05, "common": 0.6, "other": 0.35},
    )
    assert plain.gates[0].passed is True
    assert weighted.gates[0].passed is False


@given(st.integers(0, 60), st.integers(0, 12), st.integers(0, 40))
def test_a_row_that_turns_from_fixed_to_broken_never_makes_it_ship(
    rare: int, common: int, control: int
) -> None:
    before = judge(good(rare + 1, common), rule=RULE, control=(control + 1, 2))
    after = judge(good(rare, common + 1), rule=RULE, control=(control, 3))
    assert not (before.verdict != "SHIP" and after.verdict == "SHIP")


def test_two_equal_models_hardly_ever_ship() -> None:
    random = np.random.default_rng(7)
    rule = rule_for(alpha=0.05, looks=1, delta=0.02)
    shipped = by_arrows = 0
    for _ in range(400):
        rows = []
        for label, role, n in (("r", "rare", 100), ("c", "common", 1200), ("o", "other", 700)):
            fixed, broken = random.multinomial(n, [0.01, 0.01, 0.98])[:2].tolist()
            rows.append(SliceCounts(label, role, n, fixed, broken))  # type: ignore[arg-type]
        control = tuple(random.multinomial(100, [0.01, 0.01, 0.98])[:2].tolist())
        shipped += judge(rows, rule=rule, control=control).verdict == "SHIP"  # type: ignore[arg-type]
        gains = {row.role: row.fixed - row.broken for row in rows}
        by_arrows += gains["rare"] > 0 and gains["common"] >= 0 and sum(gains.values()) > 0
    assert shipped <= 4
    # Three green arrows, on the same draws, would ship many: the simulation can tell the rules apart.
    assert by_arrows >= 40
