"""Looks at a holdout: each candidate that is compared with it for the first time costs one of those declared.

A holdout that is looked at without end becomes a training signal: the best of ten candidates would be shipped
by chance a third of the time (docs/decisions/0002-launch-rule.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.evaluation.models import Look, ModelUnderTest
from apps.specs.models import HoldoutSeal


@dataclass(frozen=True)
class LookBudget:
    used: int
    declared: int

    @property
    def left(self) -> int:
        return max(self.declared - self.used, 0)

    def as_json(self) -> dict[str, int]:
        return {"used": self.used, "declared": self.declared}


def budget_of(seal: HoldoutSeal) -> LookBudget:
    return LookBudget(Look.objects.filter(holdout_uuid=seal.holdout_uuid).count(), seal.looks)


def was_looked_at(seal: HoldoutSeal, candidate: ModelUnderTest) -> bool:
    """Whether comparing this candidate again is free."""
    looks = Look.objects.filter(holdout_uuid=seal.holdout_uuid)
    return looks.filter(predictions_hash=candidate.predictions_hash).exists()


@transaction.atomic
def reserve_look(*, seal: HoldoutSeal, candidate: ModelUnderTest, actor: User | None) -> Look | None:
    """The look at these predictions: the one that was taken before, or a new one. None: they are spent.

    Has to be committed before any score exists. Reservations stand in line at the seal's row, so that two
    people who press at once never share the last look; the unique numbers are the second guard.
    """
    seal = HoldoutSeal.objects.select_for_update().get(pk=seal.pk)
    looks = Look.objects.filter(holdout_uuid=seal.holdout_uuid)
    taken = looks.filter(predictions_hash=candidate.predictions_hash).first()
    if taken is not None:
        return taken
    used = looks.count()
    if used >= seal.looks:
        return None
    return Look.objects.create(
        project=seal.project,
        holdout_uuid=seal.holdout_uuid,
        number=used + 1,
        predictions_hash=candidate.predictions_hash,
        model=candidate,
        looked_at=timezone.now(),
        looked_by=actor,
    )
