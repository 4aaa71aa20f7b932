"""Plain typed functions that make what a test needs, through the services where there are any."""

from __future__ import annotations

from importlib import import_module
from itertools import count
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.records.models import Record, SourceType, Use
from apps.records.services import NewRecord, create_records
from apps.specs.models import (
    Gap,
    GapStatus,
    Label,
    LabelExample,
    LabelGuide,
    Membership,
    Project,
    Role,
    Spec,
    VersionStatus,
)
from apps.submissions.models import ModelFamily

_numbers = count(1)


def make_user(*, name: str = "", **values: Any) -> User:
    return User.objects.create_user(username=name or f"person{next(_numbers)}", **values)


def make_project(*, name: str = "", task_type: str = "classification", **values: Any) -> Project:
    name = name or f"Project {next(_numbers)}"
    return Project.objects.create(
        name=name, slug=name.lower().replace(" ", "-"), task_type=task_type, **values
    )


def make_member(project: Project, *roles: Role, name: str = "") -> User:
    user = make_user(name=name, is_staff=bool({Role.LEAD, Role.ADMIN}.intersection(roles)))
    Membership.objects.create(project=project, user=user, roles=list(roles))
    return user


def make_spec(project: Project, *, published: bool = True, **values: Any) -> Spec:
    spec = Spec.objects.create(
        project=project, version=project.specs.count() + 1, task="Route the ticket.", **values
    )
    if published:
        Spec.objects.filter(pk=spec.pk).update(status=VersionStatus.PUBLISHED, published_at=timezone.now())
        spec.refresh_from_db()
    return spec


def make_guide(
    project: Project, *labels: str, commonness: dict[str, str] | None = None, published: bool = True
) -> LabelGuide:
    """A guide whose labels each have a definition and a real example; ``other`` unless ``commonness`` says so."""
    guide = LabelGuide.objects.create(project=project, version=project.guides.count() + 1)
    for position, name in enumerate(labels or ("refund", "billing", "abuse")):
        label = Label.objects.create(
            guide=guide,
            name=name,
            position=position,
            definition=f"The customer writes about {name}.",
            counts=[f"Anything plainly about {name}"],
            does_not_count=["Something else → another label"],
            commonness=(commonness or {}).get(name, "other"),
        )
        LabelExample.objects.create(label=label, text=f"A real ticket about {name}")
    if published:
        LabelGuide.objects.filter(pk=guide.pk).update(
            status=VersionStatus.PUBLISHED, published_at=timezone.now(), content_hash="0" * 64
        )
        guide.refresh_from_db()
    return guide


def make_families() -> None:
    """Those that a migration puts there; a flush between tests takes them."""
    families = import_module("apps.submissions.migrations.0005_model_families").FAMILIES
    for name, prefixes in families.items():
        ModelFamily.objects.update_or_create(name=name, defaults={"prefixes": prefixes})


def make_gap(
    project: Project, *, labels: tuple[str, ...] = ("refund",), name: str = "refund gap", **values: Any
) -> Gap:
    values = {
        "status": GapStatus.OPEN,
        "slice_predicate": {"label_in": list(labels)},
        "slice_hash": "1" * 64,
    } | values
    return Gap.objects.create(
        project=project, name=name, slug=name.replace(" ", "-"), target_labels=list(labels), **values
    )


def make_real(project: Project, text: str, label: str, *, use: Use = Use.TRAIN) -> Record:
    row = NewRecord(source_type=SourceType.REAL, use=use, input={"text": text}, output={"label": label})
    return create_records(project=project, rows=[row], actor=None)[0]


def make_candidate(gap: Gap, text: str, label: str = "refund", **values: Any) -> Record:
    """A freshly generated record of ``gap``."""
    provenance: dict[str, Any] = {
        "generator_provider": "rules",
        "generator_model": "rules-1",
        "generator_model_family": "rules",
        "prompt_version": "p v1",
        "schema_version": 1,
    }
    row = NewRecord(
        source_type=SourceType.SYNTHETIC,
        gap=gap,
        input={"text": text},
        output={"label": label},
        **(provenance | values),
    )
    return create_records(project=gap.project, rows=[row], actor=None)[0]
