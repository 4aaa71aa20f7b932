"""Reads of judges that more than one room needs."""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.critic.models import Judge
from apps.specs.models import Project


def find_judge(project: Project, name: str) -> Judge:
    """The judge of that name; DomainError lists those there are."""
    judge = project.judges.filter(name=name).first()
    if judge is None:
        known = ", ".join(project.judges.order_by("name").values_list("name", flat=True))
        raise DomainError(
            f"{project} has no judge {name!r}. It has: {known or 'none yet: a lead saves one'}."
        )
    return judge
