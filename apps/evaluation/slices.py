"""Which rows of a holdout are the gap, which are common: fixed by what was frozen and registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import DomainError
from apps.evaluation.launch_gate import Role
from apps.specs.models import Commonness, Gap, Project


@dataclass(frozen=True)
class Roles:
    """Answers which role a row plays: ``rare`` (the gap), ``common`` or ``other``."""

    predicates: tuple[Mapping[str, Any], ...]
    commonness: Mapping[str, str]

    @classmethod
    def of(cls, project: Project, commonness: Mapping[str, str]) -> Roles:
        """By the registered gaps and the frozen commonness of the labels.

        The frozen rare labels count as the gap while none is registered.
        """
        return cls(tuple(gap.slice_predicate for gap in registered_gaps(project)), commonness)

    def of_row(self, label: str) -> Role:
        if any(_matches(predicate, label) for predicate in self.predicates):
            return "rare"
        frozen = self.commonness.get(label)
        if frozen == Commonness.COMMON:
            return "common"
        return "rare" if frozen == Commonness.RARE and not self.predicates else "other"


def registered_gaps(project: Project) -> Sequence[Gap]:
    return list(Gap.objects.registered().filter(project=project).order_by("id"))


def _label_in(labels: Sequence[str], label: str) -> bool:
    return label in labels


_CONDITIONS: dict[str, Callable[[Any, str], bool]] = {"label_in": _label_in}
"""What a predicate may ask of the frozen attributes of a row."""


def _matches(predicate: Mapping[str, Any], label: str) -> bool:
    if not predicate:
        return False
    for name, wanted in predicate.items():
        if name not in _CONDITIONS:
            raise DomainError(f"A gap's slice asks for {name!r}; there is {', '.join(_CONDITIONS)}.")
        if not _CONDITIONS[name](wanted, label):
            return False
    return True
