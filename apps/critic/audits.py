"""Asking a judge every night about what people accepted. What it doubts is for a lead to look into."""

from __future__ import annotations

import logging

from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError
from apps.critic.asking import ask
from apps.critic.models import Asking, Judge, Occasion, due_audits
from apps.critic.services import next_night

logger = logging.getLogger(__name__)


def audit_accepted(*, judge: Judge, actor: User | None, most: int | None = None) -> Asking:
    """Asks about accepted records that the current version has not judged as they stand. Errors as in ``ask``."""
    return ask(judge.current(), Occasion.AUDIT, actor=actor, most=most or judge.audit_most)


def to_audit() -> list[int]:
    return list(due_audits(timezone.now()).values_list("pk", flat=True)[:100])


def audit_by_night(judge_id: int) -> None:
    """One night's audit of one judge. The night is taken first: whatever happens, it is not paid for twice."""
    now = timezone.now()
    judge = due_audits(now).filter(pk=judge_id).select_related("project").first()
    if judge is None:
        return
    mine = Judge.objects.filter(pk=judge.pk, next_audit_at=judge.next_audit_at)
    if not mine.update(next_audit_at=next_night(now)):
        return
    try:
        asking = audit_accepted(judge=judge, actor=None)
        said = f"Asked about {asking.asked:,} accepted records."
    except DomainError as error:
        problems = error.problems if isinstance(error, RefusedError) else []
        said = " ".join([str(error), *problems])
        logger.info("The audit of judge %s asked nothing: %s", judge.pk, said)
    Judge.objects.filter(pk=judge.pk).update(last_audit_said=f"{timezone.localdate(now)}: {said}"[:400])
