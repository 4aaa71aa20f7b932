"""The mix policy: what a release takes in, and how it is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import RefusedError
from apps.datasets.models import EvalSplit
from apps.records.models import ReviewMethod
from apps.specs.models import Project

ROUNDING = 1e-6


@dataclass(frozen=True)
class MixPolicy:
    """``admit``: review methods that a release takes; ``real``: share of each label's real rows, 0 to 1;
    ``splits``: shares of ``eval_split`` in a fixed order, summing to 1."""

    admit: tuple[str, ...]
    real: float
    splits: tuple[tuple[str, float], ...]
    include_seeds: bool = True

    @classmethod
    def of(cls, project: Project, override: Mapping[str, Any] | None = None) -> MixPolicy:
        """The project's policy with what ``override`` replaces; RefusedError names everything wrong in it."""
        values = {**project.release_policy, **(override or {})}
        problems = _problems_of(values)
        if problems:
            raise RefusedError("This release policy cannot be used:", problems)
        splits = values.get("splits") or {EvalSplit.TRAIN: 1.0}
        return cls(
            admit=tuple(sorted(set(values.get("admit", [])))),
            real=float(values.get("real", 1.0)),
            splits=tuple((split, float(splits[split])) for split in EvalSplit.values if splits.get(split)),
            include_seeds=bool(values.get("include_seeds", True)),
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "admit": list(self.admit),
            "real": self.real,
            "splits": dict(self.splits),
            "include_seeds": self.include_seeds,
        }


def _problems_of(values: Mapping[str, Any]) -> list[str]:
    problems = [
        f"admit: {method!r} is no review method; there is {', '.join(ReviewMethod.values)}."
        for method in values.get("admit", [])
        if method not in ReviewMethod.values
    ]
    if not _is_share(values.get("real", 1.0)):
        problems.append("real: a share between 0 and 1.")
    splits = values.get("splits") or {}
    problems += [
        f"splits: {name!r} is no split; there is {', '.join(EvalSplit.values)}."
        for name in splits
        if name not in EvalSplit.values
    ]
    if not all(map(_is_share, splits.values())):
        problems.append("splits: each is a share between 0 and 1.")
    elif splits and abs(sum(splits.values()) - 1) > ROUNDING:
        problems.append(f"splits: the shares sum to {sum(splits.values()):g}, not to 1.")
    return problems


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
