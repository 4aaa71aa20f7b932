"""Pausing a reviewer: they are handed nothing until a lead lets them go on. What they decided stands."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import RefusedError, StaleStateError
from apps.core.prepared import Prepared, Slot
from apps.review.models import ReviewTask
from apps.specs.models import Membership, Project


@transaction.atomic
def pause(*, membership: Membership, actor: User, why: str) -> None:
    """Takes the cards in their hands back to the queue; drafts are kept. ``why`` is told to the person."""
    if not why.strip():
        raise RefusedError("Say why: the person is told.")
    running = Membership.objects.filter(pk=membership.pk, paused_at=None)
    if not running.update(paused_at=timezone.now(), paused_why=why.strip(), paused_by=actor):
        raise StaleStateError(f"{membership.user} is paused already.")
    held = ReviewTask.objects.open().filter(project=membership.project_id, lease_holder=membership.user_id)
    held.update(lease_holder=None, lease_until=None)


def resume(*, membership: Membership, actor: User) -> None:
    paused = Membership.objects.filter(pk=membership.pk, paused_at__isnull=False)
    if not paused.update(paused_at=None, paused_why="", paused_by=None):
        raise StaleStateError(f"{membership.user} is not paused.")


def why_paused(*, project: Project, user: User) -> str | None:
    """What the lead said; None for everybody who may go on."""
    return next((why for (why,) in _WHY_PAUSED.rows(project=project.pk, user=user.pk)), None)


_WHY_PAUSED = Prepared(
    lambda: Membership.objects.filter(
        project=Slot("project"), user=Slot("user"), paused_at__isnull=False
    ).values_list("paused_why")
)
