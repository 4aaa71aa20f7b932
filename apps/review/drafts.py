"""Drafts: what somebody typed and did not save yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from apps.accounts.models import User
from apps.core.prepared import Among, Prepared, PreparedDelete, Slot
from apps.review.models import Draft, ReviewTask, TaskStatus


def save_draft(*, task: ReviewTask, user: User, values: Mapping[str, Any]) -> Draft:
    """Keeps ``values``, shaped like ``{"input": …, "output": …}`` but maybe not valid. One per person."""
    draft, _ = Draft.objects.update_or_create(task=task, user=user, defaults={"values": dict(values)})
    return draft


def keep_draft(*, task: ReviewTask, user: User, values: Mapping[str, Any], is_changed: bool) -> None:
    """Saves what is being typed; drops the draft when it is the record's own text again.

    A task that is decided keeps none: the last keystrokes may arrive after the decision they led to.
    """
    if is_changed and task.status == TaskStatus.OPEN:
        save_draft(task=task, user=user, values=values)
    else:
        drop_draft(task=task, user=user)


def drop_draft(*, task: ReviewTask, user: User) -> None:
    _DROP.run(task=task.pk, user=user.pk)


def drafts_of(*, user: User, tasks: Collection[ReviewTask]) -> dict[int, Any]:
    """What ``user`` typed, by task."""
    found = _DRAFTS.rows(user=user.pk, tasks=[task.pk for task in tasks])
    return {task: values for task, values in found}  # noqa: C416  rows are sequences of any length


_DROP = PreparedDelete(lambda: Draft.objects.filter(task=Slot("task"), user=Slot("user")))
_DRAFTS = Prepared(
    lambda: Draft.objects.filter(Among("task", "tasks"), user=Slot("user")).values_list("task", "values")
)
