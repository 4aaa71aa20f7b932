"""Piles: a lead decides whether a lot is handed out at all, and to whom. What is in somebody's hands stays there."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import RefusedError, StaleStateError
from apps.review.bulk import REVIEWERS
from apps.review.group_models import ReviewGroup
from apps.review.models import Lot
from apps.specs.models import Membership, Project


def close_pile(*, lot: Lot, actor: User) -> None:
    """Hands nothing of ``lot`` out any more. Records still come in, and decisions can still be undone."""
    open_one = Lot.objects.open().filter(pk=lot.pk, held_back_at=None)
    if not open_one.update(held_back_at=database_now(), held_back_by=actor):
        raise StaleStateError("This pile is closed already.")


def reopen_pile(*, lot: Lot) -> None:
    if not Lot.objects.held_back().filter(pk=lot.pk).update(held_back_at=None, held_back_by=None):
        raise StaleStateError("This pile is open already.")


@transaction.atomic
def assign_pile(*, lot: Lot, usernames: Sequence[str], groups: Sequence[str] = ()) -> None:
    """Keeps ``lot`` for these people and groups, by their names; for everybody when there are none.

    RefusedError names who cannot review and which group is not there.
    """
    people = named_reviewers(lot.project, usernames)
    found = list(ReviewGroup.objects.filter(project=lot.project, name__in=groups))
    if unknown := sorted(set(groups) - {group.name for group in found}):
        raise RefusedError(f"Not groups of {lot.project}: {', '.join(unknown)}.")
    lot.reviewers.set(people)
    lot.groups.set(found)


def named_reviewers(project: Project, usernames: Sequence[str]) -> list[User]:
    people = {user.username: user for user in reviewers_of(project)}
    if unknown := sorted(set(usernames) - set(people)):
        raise RefusedError(f"Not reviewers of {project}: {', '.join(unknown)}.")
    return [people[username] for username in dict.fromkeys(usernames)]


def reviewers_of(project: Project) -> list[User]:
    """Who may decide records of ``project``, by name."""
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__username")
    return [member.user for member in members if member.has_any(REVIEWERS)]
