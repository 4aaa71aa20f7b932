"""Saving judges and their versions, switching them, and a lead's word about a doubt."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import DomainError, StaleStateError
from apps.critic.models import (
    AUDITED_A_NIGHT,
    HIGHEST,
    LOWEST,
    USUAL_BAR,
    Asking,
    Judge,
    JudgeVersion,
    Verdict,
)
from apps.critic.rubric import LONGEST_RUBRIC
from apps.generation.models import PromptRole
from apps.generation.roles import choose_model
from apps.providers import provider_of
from apps.specs.models import Project
from apps.submissions import services as submissions
from apps.submissions.models import Connection, Submission, SubmissionStatus

NIGHT_HOUR = 2
"""When a night's audit begins, in the installation's time zone."""


@transaction.atomic
def create_judge(
    *,
    project: Project,
    name: str,
    connection: Connection,
    rubric: str,
    actor: User | None,
    bar: int = USUAL_BAR,
    notes: str = "",
) -> JudgeVersion:
    """A judge with its first version, switched off. DomainError when the name is taken, or as below."""
    if project.judges.filter(name=name).exists():
        raise DomainError(f"{project} has a judge {name!r} already: open it and add a version.")
    judge = Judge.objects.create(project=project, name=name, created_by=actor)
    return create_judge_version(
        judge=judge, connection=connection, rubric=rubric, bar=bar, notes=notes, actor=actor
    )


@transaction.atomic
def create_judge_version(
    *,
    judge: Judge,
    connection: Connection,
    rubric: str,
    actor: User | None,
    bar: int = USUAL_BAR,
    notes: str = "",
) -> JudgeVersion:
    """The next version of ``judge``; it never changes, and becomes the project's choice for judging.

    DomainError when the connection cannot judge or is of a family that writes for this project. StaleStateError when
    somebody saved a version in the same moment.
    """
    rubric = rubric.replace("\r\n", "\n").strip()
    _refuse_misfits(connection, rubric, bar)
    last = judge.versions.order_by("-version").first()
    if last is not None and (last.rubric, last.connection_id, last.bar) == (rubric, connection.pk, bar):
        raise DomainError(f"This says the same as {last}: change something, or use that version.")
    choose_model(project=judge.project, role=PromptRole.JUDGE, connection=connection, actor=actor)
    try:
        with transaction.atomic():
            return JudgeVersion.objects.create(
                judge=judge,
                version=last.version + 1 if last else 1,
                connection=connection,
                rubric=rubric,
                bar=bar,
                notes=notes,
                created_by=actor,
            )
    except IntegrityError as error:
        raise StaleStateError(
            f"Somebody saved a version of {judge} just now: look at theirs first."
        ) from error


def _refuse_misfits(connection: Connection, rubric: str, bar: int) -> None:
    provider = provider_of(connection.provider)
    if not connection.is_enabled:
        raise DomainError(f"The connection {connection} is switched off: choose another one.")
    if provider.offline_model:
        raise DomainError(f"{provider.title} writes by rules and cannot judge: choose a model.")
    if not rubric:
        raise DomainError("The rubric is empty: say what a good record is.")
    if len(rubric) > LONGEST_RUBRIC:
        raise DomainError(
            f"The rubric has {len(rubric):,} characters; at most {LONGEST_RUBRIC:,} are asked by."
        )
    if not LOWEST <= bar < HIGHEST:
        raise DomainError(f"The bar is a score from {LOWEST} to {HIGHEST - 1}.")


def switch_judge(
    *, judge: Judge, is_on: bool, audits: bool, audit_most: int = AUDITED_A_NIGHT, actor: User | None
) -> None:
    """Off, it is asked nothing; what it has been asked still comes in. ``audits`` asks it every night."""
    if audit_most < 1:
        raise DomainError("A night's audit asks about one record at least.")
    night = (judge.next_audit_at or next_night(timezone.now())) if audits else None
    Judge.objects.filter(pk=judge.pk).update(is_on=is_on, next_audit_at=night, audit_most=audit_most)
    judge.refresh_from_db()


def next_night(now: datetime) -> datetime:
    """The next NIGHT_HOUR after ``now``."""
    local = timezone.localtime(now)
    night = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night if night > local else night + timedelta(days=1)


@transaction.atomic
def settle_doubt(*, verdict: Verdict, actor: User) -> None:
    """A lead has looked into it. The record stays as it is: what is wrong with it is mended where records are."""
    open_ones = Verdict.objects.open_doubts().filter(pk=verdict.pk)
    if not open_ones.update(settled_at=database_now(), settled_by=actor):
        raise StaleStateError("This doubt has been looked into already.")


@transaction.atomic
def give_up_asking(*, asking: Asking, actor: User) -> int:
    """Stops looking for batches that may have been lost on the way; their records may be asked about again."""
    lost = Submission.objects.of_run(asking.uuid).filter(status=SubmissionStatus.UNKNOWN)
    found = list(lost)
    if not found:
        raise StaleStateError("Nothing of this is lost (any more): reload and look again.")
    for submission in found:
        submissions.abandon(submission=submission, actor=actor)
    return len(found)
