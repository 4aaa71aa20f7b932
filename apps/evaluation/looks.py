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


def looked_at(seal: HoldoutSeal) -> set[str]:
    """Hashes of the predictions that were compared before: comparing them again is free."""
    return set(Look.objects.filter(holdout_uuid=seal.holdout_uuid).values_list("predictions_hash", flat=True))


@transaction.atomic
def reserve_look(
    *,
    seal: HoldoutSeal,
    baseline: ModelUnderTest,
    control: ModelUnderTest,
    candidate: ModelUnderTest,
    actor: User | None,
) -> Look | None:
    """The look at the candidate: the one that was taken before, or a new one. None: they are spent.

    Has to be committed before any score exists. A candidate's first look pays for its baseline and control as
    well. Beside a candidate that was looked at before, a baseline or control that nobody scored yet costs a
    look of its own: new models could be tried out for free in those two places otherwise.

    Reservations stand in line at the seal's row, so that two people who press at once never share the last
    look; the unique numbers are the second guard.
    """
    seal = HoldoutSeal.objects.select_for_update(of=("self",)).get(pk=seal.pk)
    before = looked_at(seal)
    if candidate.predictions_hash not in before:
        unpaid = {candidate.predictions_hash: candidate}
    else:
        seen = before | _scored_beside(seal)
        unpaid = {m.predictions_hash: m for m in (baseline, control) if m.predictions_hash not in seen}
    used = len(before)
    if used + len(unpaid) > seal.looks:
        return None
    for number, (predictions_hash, model) in enumerate(unpaid.items(), start=used + 1):
        is_first = model == candidate
        Look.objects.create(
            project_id=seal.project_id,
            holdout_uuid=seal.holdout_uuid,
            number=number,
            predictions_hash=predictions_hash,
            model=model,
            baseline=baseline if is_first else None,
            control=control if is_first else None,
            looked_at=timezone.now(),
            looked_by=actor,
        )
    return Look.objects.get(holdout_uuid=seal.holdout_uuid, predictions_hash=candidate.predictions_hash)


def _scored_beside(seal: HoldoutSeal) -> set[str]:
    """Baselines and controls that some candidate's look paid for."""
    looks = Look.objects.filter(holdout_uuid=seal.holdout_uuid)
    pairs = looks.values_list("baseline__predictions_hash", "control__predictions_hash")
    return {predictions_hash for pair in pairs for predictions_hash in pair}
