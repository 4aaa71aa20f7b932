"""Setting a project up in one step: members, spec, published guide with its examples as seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.intake.examples import publish_guide
from apps.specs import services as specs
from apps.specs.guide_files import GuideDraft
from apps.specs.models import Project, Role, Standing


@dataclass(frozen=True)
class MemberWish:
    """``USER:ROLE`` or ``USER:ROLE+ROLE``."""

    username: str
    roles: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> MemberWish:
        username, separator, roles = text.rpartition(":")
        wanted = tuple(roles.split("+"))
        unknown = [role for role in wanted if role not in Role.values]
        if not separator or not username or unknown:
            raise DomainError(f"--member {text!r}: write USER:ROLE, with a role of {', '.join(Role.values)}.")
        return cls(username, wanted)


@transaction.atomic
def set_up_project(
    *,
    name: str,
    task_type: str,
    guide: GuideDraft,
    members: Sequence[MemberWish] = (),
    standing: Standing = Standing.GOVERNED,
) -> Project:
    """A project that is ready for its real data. A missing user is made, without a password."""
    project = specs.create_project(name=name, task_type=task_type, standing=standing, actor=None)
    add_members(project, members)
    task = guide.task or f"{task_type.replace('_', ' ').capitalize()} into {len(guide.labels)} labels."
    specs.publish_spec(spec=specs.draft_spec(project=project, actor=None, task=task), actor=None)
    publish_guide(guide=specs.draft_guide(project=project, draft=guide, actor=None), actor=None)
    return project


def add_members(project: Project, members: Sequence[MemberWish]) -> None:
    """A missing user is made, without a password."""
    for wish in members:
        user = User.objects.filter(username=wish.username).first()
        if user is None:
            user = User.objects.create_user(username=wish.username)
        specs.set_member(project=project, user=user, roles=wish.roles, actor=None)
