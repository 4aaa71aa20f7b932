"""What a reviewer sets for themselves."""

from __future__ import annotations

from apps.accounts.models import User


def set_single_keys(*, user: User, is_on: bool) -> None:
    """Whether A, E, X … act without a modifier key, wherever this person signs in."""
    User.objects.filter(pk=user.pk).update(single_keys=is_on)
    user.single_keys = is_on
