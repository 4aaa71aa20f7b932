"""A project with a guide and a queue, as the tests of the review room need it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from apps.accounts.models import User
from apps.records.models import Record
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.claiming import claim_next
from apps.review.decisions import decide
from apps.review.models import Action, Decision, ReviewTask
from apps.review.opening import open_tasks
from apps.specs.models import Gap, Project, Role
from tests import factories

SESSION = "a-session"


@dataclass
class Scene:
    project: Project
    gap: Gap
    reviewer: User

    def add_waiting(self, count: int, *, start: int = 1, **values: Any) -> list[Record]:
        """Records that passed their checks, with open tasks. Texts differ from each other."""
        records = [
            factories.make_candidate(
                self.gap, f"Ticket {number}: they renewed me and I want it back", **values
            )
            for number in range(start, start + count)
        ]
        move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
        open_tasks()
        return records

    def another_reviewer(self) -> User:
        return factories.make_member(self.project, Role.REVIEWER)

    def claim(self, user: User | None = None, *, count: int = 1, **values: Any) -> list[ReviewTask]:
        return claim_next(
            project=self.project, user=user or self.reviewer, session_key=SESSION, count=count, **values
        )

    def claim_one(self, user: User | None = None) -> ReviewTask:
        (task,) = self.claim(user)
        return task

    def decide(self, task: ReviewTask, action: Action = Action.ACCEPTED, **values: Any) -> Decision:
        """Decides ``task`` as its holder, under the fence it was read with."""
        defaults: dict[str, Any] = {"key": uuid4(), "actor": task.lease_holder, "fence": task.fence}
        if action == Action.REJECTED:
            defaults["reasons"] = ["too_clean"]
        if action == Action.FLAGGED:
            defaults["note"] = "Which label is this?"
        as_read = ReviewTask.objects.select_related("project", "record").get(pk=task.pk)
        return decide(task=as_read, action=action, **(defaults | values))


def make_scene(**values: Any) -> Scene:
    """A governed project with spec and guide (refund, billing, abuse), an open gap, and one reviewer."""
    project = factories.make_project(**values)
    factories.make_spec(project)
    factories.make_guide(project)
    return Scene(project, factories.make_gap(project), factories.make_member(project, Role.REVIEWER))


def expire_lease(task: ReviewTask) -> None:
    ReviewTask.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
