"""How often the launch rule ships, by what is true: simulated pairs of models on simulated holdouts.

    python -m benchmarks.launch_rule_simulation [--sims N] [--looks N] [--json]

Five gap labels and ten common labels share their rows evenly; 60% of the rows have common labels. Each row may be
fixed or broken independently; churn comes on top of the effect of the scenario: 0.3% each way, 3% on the gap, where
models are unsure. Where a scenario harms something, the gap gains 20 points. The control is compared on the gap's
rows. The overall gate is not weighted, not even where the gap is enriched.

Two tables: one look ships; and at least one ships of as many candidates as looks were declared (all true alike, each
drawn anew: candidates of one family resemble each other, so this is the upper end).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

import numpy as np

from apps.evaluation.launch_gate import Role, SliceCounts, judge, rule_for

CHURN: dict[Role, float] = {"rare": 0.03, "common": 0.003, "other": 0.003}
RARE_LABELS, COMMON_LABELS = 5, 10


@dataclass(frozen=True)
class Holdout:
    name: str
    total: int
    rare: int

    @property
    def common(self) -> int:
        return int(0.6 * self.total)


@dataclass(frozen=True)
class Truth:
    """``effect`` gives (share fixed, share broken) of a label by role and position; ``control`` that of the gap."""

    name: str
    effect: Callable[[str, int], tuple[float, float]]
    control: tuple[float, float]


def only_rare(gain: float) -> Callable[[str, int], tuple[float, float]]:
    return lambda role, _: (max(gain, 0.0), max(-gain, 0.0)) if role == "rare" else (0.0, 0.0)


HOLDOUTS = (
    Holdout("1000 (50 rare)", 1000, 50),
    Holdout("2000 (100 rare)", 2000, 100),
    Holdout("1000 (200 rare)", 1000, 200),
)
TRUTHS = (
    Truth("A/A", only_rare(0.0), (0.0, 0.0)),
    Truth("rest +2pp, rare 0", lambda role, _: (0.0 if role == "rare" else 0.02, 0.0), (0.0, 0.0)),
    Truth("gain is only reweighting", only_rare(0.20), (0.02, 0.02)),
    Truth(
        "common -2pp",
        lambda role, _: {"rare": (0.20, 0.0), "common": (0.0, 0.02)}.get(role, (0.0, 0.0)),
        (0.2, 0.0),
    ),
    Truth(
        "one common label -15pp",
        lambda role, i: (0.2, 0.0) if role == "rare" else (0.0, 0.15 if role == "common" and i == 0 else 0.0),
        (0.2, 0.0),
    ),
    Truth(
        "one gap label -20pp",
        lambda role, i: (0.0, 0.0) if role != "rare" else (0.0, 0.2) if i == 0 else (0.2, 0.0),
        (0.16, 0.04),
    ),
    Truth("labels wrong", only_rare(-0.25), (0.0, 0.25)),
    Truth("TRUE +10pp", only_rare(0.10), (0.10, 0.0)),
    Truth("TRUE +20pp", only_rare(0.20), (0.20, 0.0)),
    Truth("TRUE +40pp", only_rare(0.40), (0.40, 0.0)),
)


def draw(random: np.random.Generator, role: Role, n: int, effect: tuple[float, float]) -> tuple[int, int]:
    shares = [share + CHURN[role] for share in effect]
    b, c, _ = random.multinomial(n, [*shares, 1 - sum(shares)]).tolist()
    return b, c


def ships(truth: Truth, holdout: Holdout, *, looks: int, sims: int) -> list[bool]:
    """Which of ``sims`` simulated comparisons ship, one look each of ``looks`` declared."""
    random = np.random.default_rng([HOLDOUTS.index(holdout), TRUTHS.index(truth)])
    rule = rule_for(alpha=0.05, looks=looks, delta=0.02)
    plan: list[tuple[Role, int, int]] = [("rare", i, holdout.rare // RARE_LABELS) for i in range(RARE_LABELS)]
    plan += [("common", i, holdout.common // COMMON_LABELS) for i in range(COMMON_LABELS)]
    plan.append(("other", 0, holdout.total - holdout.rare - holdout.common))
    shipped = []
    for _ in range(sims):
        slices = [
            SliceCounts(f"{role}{i}", role, n, *draw(random, role, n, truth.effect(role, i)))
            for role, i, n in plan
        ]
        control = draw(random, "rare", holdout.rare, truth.control)
        shipped.append(judge(slices, rule=rule, control=control).verdict == "SHIP")
    return shipped


def rates(shipped: list[bool], looks: int) -> dict[str, float]:
    """Share of single looks that ship, and of whole budgets of ``looks`` of which any ships."""
    budgets = [shipped[start : start + looks] for start in range(0, len(shipped) - looks + 1, looks)]
    return {"one look": mean(shipped), "any look": mean(any(budget) for budget in budgets)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sims", type=int, default=1000)
    parser.add_argument("--looks", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.sims < options.looks:
        parser.error("--sims must be at least --looks.")
    table = {
        truth.name: {
            h.name: rates(ships(truth, h, looks=options.looks, sims=options.sims), options.looks)
            for h in HOLDOUTS
        }
        for truth in TRUTHS
    }
    if options.json:
        print(json.dumps({"looks": options.looks, "sims": options.sims, "ship_rate": table}, indent=2))
        return
    print(f"Ship rate, {options.looks} declared looks at alpha .05, {options.sims} simulations a cell")
    for kind, title in (
        ("one look", "truth, one look"),
        ("any look", f"truth, any of {options.looks} looks"),
    ):
        print(f"\n{title:<28}" + "".join(f"{h.name:>17}" for h in HOLDOUTS))
        for name, row in table.items():
            print(f"{name:<28}" + "".join(f"{cell[kind]:>17.3f}" for cell in row.values()))


if __name__ == "__main__":
    main()
