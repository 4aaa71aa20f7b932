"""Drafts: what somebody typed and did not save yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.accounts.models import User
from apps.review.models import Draft, ReviewTask


def save_draft(*, task: ReviewTask, user: User, values: Mapping[str, Any]) -> Draft:
    """Keeps ``values``, shaped like ``{"input": …, "output": …}`` but maybe not valid. One per person."""
    draft, _ = Draft.objects.update_or_create(task=task, user=user, defaults={"values": dict(values)})
    return draft


def drop_draft(*, task: ReviewTask, user: User) -> None:
    Draft.objects.filter(task=task, user=user).delete()
