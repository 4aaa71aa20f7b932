"""What is decided when a holdout is frozen: which labels are rare and common, and by which rule it judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose

from apps.core.errors import RefusedError
from apps.holdout.models import HoldoutRecord, HoldoutSet
from apps.specs.models import Commonness, LabelGuide, Project

DEFAULT_COMMON_LABELS = 10


@dataclass(frozen=True)
class FreezeTerms:
    """``delta``: the largest tolerated loss on common labels, as a share. ``alpha``: one-sided, for all
    ``looks`` together. ``production_shares``: role → share of real traffic, where rare rows are enriched."""

    rare: Sequence[str]
    common: Sequence[str]
    delta: float = 0.02
    alpha: float = 0.05
    looks: int = 5
    production_shares: Mapping[str, float] = field(default_factory=dict)

    def commonness_of(self, labels: Collection[str]) -> dict[str, str]:
        roles = dict.fromkeys(self.common, str(Commonness.COMMON)) | dict.fromkeys(
            self.rare, str(Commonness.RARE)
        )
        return {label: roles.get(label, str(Commonness.OTHER)) for label in sorted(labels)}


def default_common_labels(
    train_counts: Mapping[str, int], *, rare: Collection[str], limit: int = DEFAULT_COMMON_LABELS
) -> list[str]:
    """The most frequent labels of the training rows that are not rare; equally frequent ones by name."""
    others = [(-count, label) for label, count in train_counts.items() if label not in rare]
    return [label for _, label in sorted(others)[:limit]]


def per_look_alpha(*, alpha: float, looks: int) -> float:
    """α is divided once, by the declared looks."""
    return alpha / looks


def require_freezable(*, project: Project, holdout: HoldoutSet, terms: FreezeTerms) -> LabelGuide:
    """The guide under which ``holdout`` can be frozen; RefusedError lists all that is in the way."""
    guide = project.published_guide()
    counts = label_counts(holdout)
    problems = _problems_with_numbers(terms)
    if not counts:
        problems.append("The holdout has no rows: import some.")
    if guide is None:
        problems.append("No label guide is published: publish one that has every label of the holdout.")
    else:
        allowed = set(guide.labels.filter(is_rejected=False).values_list("name", flat=True))
        problems += [
            f"{count} rows have the label {label!r}, which is not in label guide v{guide.version}."
            for label, count in sorted(counts.items())
            if label not in allowed
        ]
        problems += _problems_with_labels(terms, allowed, counts, guide.version)
    if problems or guide is None:
        raise RefusedError(f"The holdout of {project} cannot be frozen:", problems)
    return guide


def label_counts(holdout: HoldoutSet) -> Counter[str]:
    return Counter(HoldoutRecord.objects.filter(holdout=holdout).values_list("label", flat=True))


def _problems_with_numbers(terms: FreezeTerms) -> list[str]:
    problems = []
    if not 0 < terms.delta < 1:
        problems.append(f"delta is a share between 0 and 1 (0.02 means two points), not {terms.delta}.")
    if not 0 < terms.alpha <= 0.5:
        problems.append(f"alpha is a probability above 0 and at most 0.5, not {terms.alpha}.")
    if terms.looks < 1:
        problems.append(f"looks is at least 1, not {terms.looks}.")
    shares = terms.production_shares
    if shares and (set(shares) != set(Commonness.values) or min(shares.values()) < 0):
        problems.append(f"Production shares name {', '.join(Commonness.values)}, each 0 or more.")
    elif shares and not isclose(sum(shares.values()), 1, abs_tol=1e-6):
        problems.append(f"Production shares add up to 1, not {sum(shares.values()):g}.")
    return problems


def _problems_with_labels(
    terms: FreezeTerms, allowed: Collection[str], counts: Mapping[str, int], version: int
) -> list[str]:
    problems = [
        f"{role} label {label!r} is not in label guide v{version}."
        for role, labels in (("Rare", terms.rare), ("Common", terms.common))
        for label in labels
        if label not in allowed
    ]
    problems += [f"{label!r} cannot be rare and common." for label in sorted({*terms.rare} & {*terms.common})]
    if not terms.rare:
        problems.append("Name at least one rare label: the verdict asks whether those got better.")
    problems += [
        f"No row has the rare label {label!r}."
        for label in terms.rare
        if label in allowed and not counts.get(label)
    ]
    return problems
