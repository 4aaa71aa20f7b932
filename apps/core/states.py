"""State machines: legal moves are a dict, a move is one compare-and-swap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models

from apps.core.errors import IllegalMoveError, StaleStateError


@dataclass(frozen=True)
class Machine:
    """``moves`` maps each state to the states it may go to."""

    name: str
    moves: Mapping[str, frozenset[str]]

    def check(self, old: str, new: str) -> None:
        """Raises IllegalMoveError unless ``old`` may become ``new``."""
        if new not in self.moves.get(old, frozenset()):
            raise IllegalMoveError(f"A {self.name} that is {old} cannot become {new}.")

    def swap(self, rows: models.QuerySet[Any], *, old: str, new: str, **changes: Any) -> None:
        """Moves the single row of ``rows`` from ``old`` to ``new`` or raises StaleStateError."""
        self.check(old, new)
        if rows.filter(status=old).update(status=new, **changes) != 1:
            raise StaleStateError(
                f"This {self.name} is no longer {old}: somebody else moved it. Reload and look again."
            )


def status_in(machine: Machine, *, name: str) -> models.CheckConstraint:
    """The database's own list of legal values."""
    return models.CheckConstraint(condition=models.Q(status__in=sorted(machine.moves)), name=name)
