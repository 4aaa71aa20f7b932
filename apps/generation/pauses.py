"""Pausing a prompt version with one model: a lot of what they wrote was refused, so no further run of them starts."""

from __future__ import annotations

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.generation.models import PromptPause, PromptVersion, Run
from apps.specs.models import Project

LONGEST_REASON = 300


def pause_prompt(*, project: Project, label: str, model: str, reason: str) -> PromptPause | None:
    """Pauses the version with this ``label`` (as records carry it) for ``model``; None when nobody here has it.

    Records from elsewhere carry labels of prompts that this project does not have. Pausing again changes nothing.
    """
    name, _, version = label.rpartition(" v")
    if not version.isdecimal():
        return None
    prompt_version = PromptVersion.objects.filter(
        prompt__project=project, prompt__name=name, version=int(version)
    ).first()
    if prompt_version is None:
        return None
    pause, _ = PromptPause.objects.standing().get_or_create(
        prompt_version=prompt_version,
        model=model,
        lifted_at=None,
        defaults={"reason": reason[:LONGEST_REASON], "paused_at": database_now()},
    )
    return pause


def lift_pause(*, pause: PromptPause, because: str, actor: User) -> None:
    """DomainError without a reason; StaleStateError when somebody has lifted it."""
    because = because.strip()
    if not because or len(because) > LONGEST_REASON:
        raise DomainError(f"Say in at most {LONGEST_REASON} characters why this prompt may run again.")
    lifted = PromptPause.objects.standing().filter(pk=pause.pk)
    if not lifted.update(lifted_at=database_now(), lifted_by=actor, lifted_because=because):
        raise StaleStateError("Somebody has lifted this pause already.")


def pause_of(run: Run) -> PromptPause | None:
    return (
        PromptPause.objects.standing()
        .filter(prompt_version=run.prompt_version_id, model=run.connection.model)
        .first()
    )


def words_of_pause(pause: PromptPause) -> str:
    return f"prompt: {pause}. {pause.reason} A lead can lift that (Records → Lots)"


def refuse_paused(run: Run) -> None:
    """RefusedError says why the prompt of ``run`` is paused for its model."""
    if pause := pause_of(run):
        raise RefusedError("This run cannot start:", [words_of_pause(pause)])
