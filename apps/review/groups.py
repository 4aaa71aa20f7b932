"""Groups of reviewers: a lead names some people once and keeps piles for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.review.group_models import ReviewGroup
from apps.review.models import Lot, LotStatus
from apps.review.piles import named_reviewers, reviewers_of
from apps.specs.models import Project

LONGEST_NAME = 60


@dataclass(frozen=True)
class GroupView:
    group: ReviewGroup
    people: list[tuple[User, bool]]
    """Everybody who reviews here, and whether they belong to it."""
    lots: list[Lot]
    """Open lots that are kept for it."""

    @property
    def is_empty(self) -> bool:
        return not any(is_member for _, is_member in self.people)


@dataclass(frozen=True)
class GroupPage:
    groups: list[GroupView]
    people: list[User]

    @property
    def choices(self) -> list[tuple[User, bool]]:
        """For a group that is not there yet."""
        return [(user, False) for user in self.people]


def save_group(
    *, project: Project, name: str, usernames: Sequence[str], group: ReviewGroup | None = None
) -> ReviewGroup:
    """A new group, or another name and other members for ``group``. It counts from the next claim on.

    RefusedError for a name that is empty, too long or taken, and names who does not review here.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise RefusedError(f"Give the group a name of at most {LONGEST_NAME} characters.")
    people = named_reviewers(project, usernames)
    group = group or ReviewGroup(project=project)
    group.name = name
    try:
        with transaction.atomic():
            group.save()
            group.members.set(people)
    except IntegrityError:
        raise RefusedError(f"There is a group “{name}” already.") from None
    return group


@transaction.atomic
def delete_group(*, group: ReviewGroup) -> None:
    """RefusedError while an open pile is kept for it: that one would be everybody's of a sudden."""
    if lots := list(Lot.objects.open().filter(groups=group).order_by("pk")):
        names = ", ".join(str(lot) for lot in lots)
        raise RefusedError(f"Piles are kept for this group: {names}. Give them to others first.")
    group.delete()


def group_page(project: Project) -> GroupPage:
    """A fixed number of queries."""
    people = reviewers_of(project)
    groups = ReviewGroup.objects.filter(project=project).prefetch_related("members", "lots").order_by("name")
    views = []
    for group in groups:
        members = {user.pk for user in group.members.all()}
        views.append(
            GroupView(
                group=group,
                people=[(user, user.pk in members) for user in people],
                lots=[lot for lot in group.lots.all() if lot.status == LotStatus.OPEN],
            )
        )
    return GroupPage(views, people)
