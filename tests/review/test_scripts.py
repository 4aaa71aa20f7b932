"""What a script decides is never taken for a person's decision."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.accounts.models import User
from apps.records.models import ReviewMethod
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.claiming import claim_next
from apps.review.decisions import decide
from apps.review.models import Action
from apps.review.opening import open_tasks
from apps.specs.models import Role
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.mark.parametrize(("is_script", "method"), [(True, ReviewMethod.BULK), (False, ReviewMethod.PERSON)])
def test_the_method_tells_scripts_from_people(is_script: bool, method: ReviewMethod) -> None:  # noqa: FBT001
    project = factories.make_project()
    record = factories.make_candidate(factories.make_gap(project), "you renewed me without asking")
    move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=record.created_at)
    open_tasks(project=project)
    reviewer = factories.make_member(project, Role.REVIEWER)
    User.objects.filter(pk=reviewer.pk).update(is_script=is_script)
    reviewer.refresh_from_db()
    (task,) = claim_next(project=project, user=reviewer, session_key="s")
    decision = decide(task=task, actor=reviewer, fence=task.fence, key=uuid4(), action=Action.ACCEPTED)
    record.refresh_from_db()
    assert decision.method == record.review_method == method
