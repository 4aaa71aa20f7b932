"""Which connection does what for a project. A judge never shares an ancestor with the generator it judges."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.generation.models import PromptRole, RoleChoice
from apps.records.models import Record
from apps.specs.models import Project
from apps.submissions.models import Connection

# Roles whose answers become records.
WRITERS = (PromptRole.GENERATE, PromptRole.PARAPHRASE, PromptRole.LABEL, PromptRole.REPAIR)


@transaction.atomic
def choose_model(*, project: Project, role: str, connection: Connection, actor: User | None) -> RoleChoice:
    """Sets ``connection`` for ``role``. DomainError when judge and generator would be of one family."""
    # Of two who choose a judge and its generator at once, the second sees what the first has chosen.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if role == PromptRole.JUDGE:
        _refuse_related_judge(project, connection)
    refuse_related_writer(project=project, role=role, connection=connection)
    choice, _ = RoleChoice.objects.update_or_create(
        project=project, role=role, defaults={"connection": connection, "chosen_by": actor}
    )
    return choice


def chosen_for(project: Project, role: str) -> Connection | None:
    choice = project.role_choices.filter(role=role).select_related("connection").first()
    return choice.connection if choice else None


def generator_families(project: Project) -> set[str]:
    """Families that write for this project: chosen to, asked by a run, or known from its records."""
    chosen = project.role_choices.filter(role__in=WRITERS).values_list("connection__family__name", flat=True)
    asked = project.runs.exclude(started_at=None).filter(prompt_version__prompt__role__in=WRITERS)
    made = Record.objects.filter(project=project).candidates().exclude(generator_model_family="")
    return {
        *chosen,
        *asked.order_by().values_list("connection__family__name", flat=True).distinct(),
        *made.order_by().values_list("generator_model_family", flat=True).distinct(),
    }


def _refuse_related_judge(project: Project, connection: Connection) -> None:
    if connection.family.name in generator_families(project):
        raise DomainError(
            f"{connection} is of the family {connection.family}, which writes records for {project}: it would "
            "not see its own blind spots. Choose a judge of another family."
        )


def refuse_related_writer(*, project: Project, role: str, connection: Connection) -> None:
    """DomainError when ``connection`` would write records that a judge of its own family reads."""
    if role not in WRITERS:
        return
    judge = chosen_for(project, PromptRole.JUDGE)
    if judge is not None and judge.family_id == connection.family_id:
        raise DomainError(
            f"{connection} is of the family {connection.family}, and so is the judge of {project}, {judge}: "
            "choose another generator, or another judge first."
        )
