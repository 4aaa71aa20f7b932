"""Prompts and their immutable versions."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.generation.languages import compile_template
from apps.generation.models import Prompt, PromptLanguage, PromptRole, PromptVersion
from apps.generation.phrase_records import record_problems
from apps.providers.rules_phrases import parse_phrases
from apps.specs.models import Label, Project
from apps.specs.selectors import spec_view
from apps.task_types import task_type_of

SEEDS_ONLY = """\
# Recombines the seed examples of each label. Add patterns and slots under a label to write it from phrases.
labels: {}
noise: {typos: 0.25, fragments: 0.15, abbreviations: 0.25, casing: 0.25}
"""
_VERSION = re.compile(r"(?P<name>.+) v(?P<version>\d{1,6})")


@transaction.atomic
def create_prompt(
    *,
    project: Project,
    name: str,
    template: str,
    actor: User | None,
    notes: str = "",
    language: str = PromptLanguage.PHRASES,
    role: str = PromptRole.GENERATE,
) -> PromptVersion:
    """A prompt with its first version. DomainError when the name is taken, RefusedError as below."""
    if project.prompts.filter(name=name).exists():
        raise DomainError(f"{project} has a prompt {name!r} already: open it and add a version.")
    prompt = Prompt.objects.create(project=project, name=name, language=language, role=role)
    return create_prompt_version(prompt=prompt, template=template, notes=notes, actor=actor)


@transaction.atomic
def create_prompt_version(
    *, prompt: Prompt, template: str, actor: User | None, notes: str = ""
) -> PromptVersion:
    """The next version of ``prompt``; it never changes.

    RefusedError names every place where the template is wrong. StaleStateError when somebody saved a version
    in the same moment.
    """
    # Browsers send a textarea with both characters; that is no other wording.
    template = template.replace("\r\n", "\n")
    compile_template(prompt.language, template, labels=labels_of(prompt.project))
    _require_records(prompt, template)
    last = prompt.versions.order_by("-version").first()
    if last is not None and last.template == template:
        raise DomainError(f"This says the same as {last}: change something, or use that version.")
    try:
        with transaction.atomic():
            return PromptVersion.objects.create(
                prompt=prompt,
                version=last.version + 1 if last else 1,
                template=template,
                notes=notes,
                created_by=actor,
            )
    except IntegrityError as error:
        raise StaleStateError(
            f"Somebody saved a version of {prompt} just now: look at theirs first."
        ) from error


def _require_records(prompt: Prompt, template: str) -> None:
    """RefusedError names the labels whose phrases would make no record of the project's task."""
    if prompt.language != PromptLanguage.PHRASES or prompt.role != PromptRole.GENERATE:
        return
    task_type = task_type_of(prompt.project.task_type)
    problems = list(record_problems(parse_phrases(template), task_type, spec_view(prompt.project)))
    if problems:
        raise RefusedError("The prompt cannot be used:", problems)


@transaction.atomic
def default_rules_prompt(*, project: Project, name: str, actor: User | None) -> PromptVersion:
    """A prompt without phrases: every label is made from its seed examples."""
    return create_prompt(
        project=project, name=name, template=SEEDS_ONLY, actor=actor, notes="Recombines the seed examples."
    )


def find_prompt_version(project: Project, name: str) -> PromptVersion | None:
    """The newest version of the prompt ``name``, or the very one that ``NAME vN`` says; None if there is none."""
    versions = PromptVersion.objects.filter(prompt__project=project).select_related("prompt")
    newest = versions.filter(prompt__name=name).order_by("-version").first()
    match = _VERSION.fullmatch(name)
    if newest is not None or match is None:
        return newest
    return versions.filter(prompt__name=match["name"], version=int(match["version"])).first()


def labels_of(project: Project) -> tuple[str, ...]:
    """The allowed labels of the published guide; none when nothing is published yet."""
    guide = project.published_guide()
    return (
        tuple(Label.objects.filter(guide=guide, is_rejected=False).values_list("name", flat=True))
        if guide
        else ()
    )
