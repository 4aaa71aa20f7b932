"""Writes to projects, members, specs, guides and gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, count
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.models import User
from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.core.strict_json import JsonValue, sha256_of
from apps.specs.guide_files import LONGEST_NAME, GuideDraft, LabelDraft
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
    Standing,
    VersionStatus,
    default_reject_reasons,
)
from apps.task_types import task_type_of

STAFF_ROLES = frozenset({Role.LEAD, Role.ADMIN})
# Of the 140 characters of an address, so that a number still fits behind.
SLUG_ROOM = 130


@transaction.atomic
def create_project(
    *, name: str, task_type: str, actor: User | None, standing: Standing = Standing.GOVERNED
) -> Project:
    """Makes an empty project. DomainError when the name is taken or too long, or the task type is not known."""
    task_type_of(task_type)
    if len(name) > LONGEST_NAME:
        raise DomainError(f"The project name has {len(name)} characters; {LONGEST_NAME} is the most.")
    slug = slugify(name)[:SLUG_ROOM]
    if not slug:
        raise DomainError(f"The project name {name!r} has no letter or digit to make an address of.")
    if Project.objects.filter(name=name).exists() or Project.objects.filter(slug=slug).exists():
        raise DomainError(f"There is a project {name!r} (address {slug}) already: choose another name.")
    own = [{"code": code, "text": text} for code, text in task_type_of(task_type).reject_reasons]
    project = Project.objects.create(
        name=name,
        slug=slug,
        task_type=task_type,
        standing=standing,
        reject_reasons=[*own, *default_reject_reasons()],
        note_required=list(task_type_of(task_type).noted),
    )
    if actor is not None:
        set_member(project=project, user=actor, roles=[Role.ADMIN, Role.LEAD], actor=actor)
    return project


@transaction.atomic
def set_member(*, project: Project, user: User, roles: Sequence[str], actor: User | None) -> Membership:
    """Gives ``user`` exactly ``roles`` in ``project``. Leads and admins may enter the admin site."""
    unknown = sorted(set(roles) - set(Role.values))
    if unknown or not roles:
        raise DomainError(f"Roles are {', '.join(Role.values)}; got {', '.join(unknown) or 'none'}.")
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"roles": sorted(set(roles))}
    )
    if STAFF_ROLES.intersection(roles) and not user.is_staff:
        User.objects.filter(pk=user.pk).update(is_staff=True)
        user.is_staff = True
    return membership


@transaction.atomic
def draft_spec(*, project: Project, actor: User | None, **values: Any) -> Spec:
    """The open draft, or a new one that starts as a copy of the published version."""
    spec = project.specs.filter(status=VersionStatus.DRAFT).first()
    if spec is None:
        last = project.specs.order_by("-version").first()
        spec = Spec(project=project, version=last.version + 1 if last else 1)
        for name in ("task", "output_schema", "rejected_formats", "edge_cases", "source_fields", "pass_criteria",
                     "min_chars", "max_chars", "forbidden_tokens", "checks", "audited_share"):  # fmt: skip
            if last is not None:
                setattr(spec, name, getattr(last, name))
    for name, value in values.items():
        setattr(spec, name, value)
    spec.save()
    return spec


LEAST_AUDIT = 0.05
"""Of what is accepted without people, the least share that people look at all the same."""


def missing_from_spec(spec: Spec) -> list[str]:
    """What keeps ``spec`` from being published, each with its place."""
    missing = []
    if not spec.task.strip():
        missing.append("task: say what the model has to do")
    if spec.audited_share is not None and not LEAST_AUDIT <= spec.audited_share <= 1:
        missing.append(f"audited share: {LEAST_AUDIT:g} to 1, not {spec.audited_share:g}")
    if spec.min_chars > spec.max_chars:
        missing.append(f"length bounds: at least {spec.min_chars} but at most {spec.max_chars} characters")
    return missing


@transaction.atomic
def publish_spec(*, spec: Spec, actor: User | None) -> Spec:
    """Publishes a draft. RefusedError lists what is missing; StaleStateError when it is published already."""
    if missing := missing_from_spec(spec):
        raise RefusedError(f"{spec} cannot be published:", missing)
    _publish(Spec.objects.filter(pk=spec.pk), actor=actor)
    spec.refresh_from_db()
    return spec


@transaction.atomic
def draft_guide(*, project: Project, draft: GuideDraft | None, actor: User | None) -> LabelGuide:
    """A new draft: with the labels of ``draft``, or as a copy of the last version."""
    if project.guides.filter(status=VersionStatus.DRAFT).exists():
        raise StaleStateError(
            f"{project} has a draft of its label guide already: publish or change that one."
        )
    last = project.guides.order_by("-version").first()
    labels = draft.labels if draft else [_as_draft(label) for label in _labels_of(last)]
    guide = LabelGuide.objects.create(
        project=project,
        version=last.version + 1 if last else 1,
        introduction=draft.introduction if draft else last.introduction if last else "",
    )
    made = {
        label.name: add_label(guide=guide, draft=label, position=position)
        for position, label in enumerate(labels)
    }
    _keep_cases(last, made)
    return guide


@transaction.atomic
def add_case(
    *, project: Project, label_name: str, text: str, says: str, record_uuid: UUID, actor: User | None
) -> LabelGuide:
    """Adds a decided case to the guide's draft, which is made if there is none. The same record twice is one case.

    DomainError when the draft has no such label.
    """
    guide = project.guides.filter(status=VersionStatus.DRAFT).first()
    guide = guide or draft_guide(project=project, draft=None, actor=actor)
    label = guide.labels.filter(name=label_name).first()
    if label is None:
        raise DomainError(f"{guide} has no label {label_name!r}: add the label first.")
    label.examples.update_or_create(
        record_uuid=record_uuid, is_case=True, defaults={"text": text, "says": says}
    )
    return guide


def _keep_cases(last: LabelGuide | None, labels: Mapping[str, Label]) -> None:
    """Decided cases stay with labels of the same name, whatever file the new draft comes from."""
    cases = LabelExample.objects.filter(label__guide=last, is_case=True).select_related("label")
    LabelExample.objects.bulk_create(
        LabelExample(
            label=labels[case.label.name],
            text=case.text,
            record_uuid=case.record_uuid,
            is_case=True,
            says=case.says,
        )
        for case in (cases if last else ())
        if case.label.name in labels
    )


def add_label(*, guide: LabelGuide, draft: LabelDraft, position: int) -> Label:
    label = Label.objects.create(
        guide=guide,
        position=position,
        name=draft.name,
        definition=draft.definition,
        counts=draft.counts,
        does_not_count=draft.does_not_count,
        commonness=draft.commonness,
        is_rejected=draft.is_rejected,
    )
    LabelExample.objects.bulk_create(LabelExample(label=label, text=text) for text in draft.examples)
    return label


def missing_from_guide(guide: LabelGuide) -> list[str]:
    """What keeps ``guide`` from being published, label by label."""
    labels = _labels_of(guide)
    if sum(not label.is_rejected for label in labels) < 2:
        return ["a guide needs at least two allowed labels"]
    missing = []
    for label in labels:
        wanted = {
            "a definition": bool(label.definition.strip()),
            "a commonness (common, other or rare)": label.is_rejected or bool(label.commonness),
            "a real example": label.is_rejected
            or any(example.text.strip() for example in label.examples.all() if not example.is_case),
        }
        lacks = [what for what, is_there in wanted.items() if not is_there]
        if lacks:
            missing.append(f"{label.name}: {' and '.join(lacks)}")
    return missing


@transaction.atomic
def publish_guide(*, guide: LabelGuide, actor: User | None) -> LabelGuide:
    """Publishes a draft under a hash of its labels' meaning; RefusedError names each label that lacks something.

    Callers outside this app use ``apps.intake.examples.publish_guide``, which also screens the examples and
    makes them seed rows.
    """
    if missing := missing_from_guide(guide):
        raise RefusedError(f"{guide} cannot be published. Missing:", missing)
    _publish(LabelGuide.objects.filter(pk=guide.pk), actor=actor, content_hash=meaning_hash(guide))
    guide.refresh_from_db()
    return guide


def meaning_hash(guide: LabelGuide) -> str:
    """SHA-256 over what the labels mean: another example does not change it, another definition does."""
    return sha256_of(
        [
            {
                "name": label.name,
                "definition": label.definition,
                "counts": label.counts,
                "does_not_count": label.does_not_count,
                "rejected": label.is_rejected,
            }
            for label in sorted(_labels_of(guide), key=lambda label: label.name)
        ]
    )


@transaction.atomic
def create_gap(
    *,
    project: Project,
    name: str,
    target_labels: Sequence[str],
    target_count: int,
    actor: User | None,
    why: str = "",
    axes: dict[str, list[str]] | None = None,
    realism: Sequence[str] = (),
) -> Gap:
    """A draft gap. DomainError when the name is taken."""
    if project.gaps.filter(name=name).exists():
        raise DomainError(f"{project} has a gap {name!r} already: choose another name.")
    return Gap.objects.create(
        project=project,
        name=name,
        slug=free_gap_slug(project=project, name=name),
        target_labels=list(target_labels),
        target_count=target_count,
        why=why,
        axes=axes or {},
        realism=list(realism),
    )


def free_gap_slug(*, project: Project, name: str) -> str:
    """The gap's address: its name, with a number behind where that is taken."""
    wanted = slugify(name)[:SLUG_ROOM] or "gap"
    # "new" is a page.
    taken = {"new", *project.gaps.filter(slug__startswith=wanted).values_list("slug", flat=True)}
    addresses = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(address for address in addresses if address not in taken)


def missing_from_gap(gap: Gap) -> list[str]:
    """What keeps ``gap`` from being opened."""
    missing = []
    guide = gap.project.published_guide()
    names = set(guide.labels.filter(is_rejected=False).values_list("name", flat=True)) if guide else set()
    if guide is None:
        missing.append("label guide: publish one first")
    if not gap.target_labels or not _are_texts(gap.target_labels):
        missing.append("target labels: name at least one")
    else:
        missing += [
            f"target label {name!r} is not in the published guide"
            for name in gap.target_labels
            if guide and name not in names
        ]
    if gap.target_count < 1:
        missing.append("count: ask for at least one record")
    if not _are_axes(gap.axes):
        missing.append('axes: write an object of lists, like {"tone": ["angry", "polite"]}')
    if not _are_texts(gap.realism):
        missing.append('realism: write a list, like ["typos", "fragments"]')
    return missing


def _are_axes(value: Any) -> bool:
    return isinstance(value, dict) and all(values and _are_texts(values) for values in value.values())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@transaction.atomic
def open_gap(*, gap: Gap, actor: User | None) -> Gap:
    """Registers and locks the gap's slice as a predicate over frozen attributes, then opens the gap."""
    if missing := missing_from_gap(gap):
        raise RefusedError(f"The gap {gap} cannot be opened:", missing)
    predicate: dict[str, JsonValue] = {"label_in": sorted(gap.target_labels)}
    opened = Gap.objects.filter(pk=gap.pk, status=GapStatus.DRAFT).update(
        status=GapStatus.OPEN,
        slice_predicate=predicate,
        slice_hash=sha256_of({"gap": str(gap.uuid), "predicate": predicate}),
        opened_at=timezone.now(),
        opened_by=actor,
    )
    if opened != 1:
        raise StaleStateError(f"The gap {gap} is no draft any more: it was opened by somebody else.")
    gap.refresh_from_db()
    return gap


@transaction.atomic
def extend_axes(*, gap: Gap, axes: Mapping[str, Sequence[str]], actor: User | None) -> Gap:
    """Adds axes, and values to those that there are. A gap's slice is locked by its labels, so it may be open.

    DomainError when what the gap has is not an object of lists.
    """
    gap = Gap.objects.select_for_update().get(pk=gap.pk)
    if not _are_axes(gap.axes):
        raise DomainError(f"The axes of {gap} are no object of lists: mend them in the admin (Gaps) first.")
    merged = {name: list(values) for name, values in gap.axes.items()}
    for name, values in axes.items():
        known = merged.setdefault(name, [])
        known += [value for value in values if value not in known]
    Gap.objects.filter(pk=gap.pk).update(axes=merged)
    gap.axes = merged
    return gap


def close_gap(*, gap: Gap, actor: User | None) -> None:
    if Gap.objects.filter(pk=gap.pk, status=GapStatus.OPEN).update(status=GapStatus.CLOSED) != 1:
        raise StaleStateError(f"The gap {gap} is not open.")


def _publish(rows: Any, *, actor: User | None, **changes: Any) -> None:
    published = rows.filter(status=VersionStatus.DRAFT).update(
        status=VersionStatus.PUBLISHED, published_at=timezone.now(), published_by=actor, **changes
    )
    if published != 1:
        raise StaleStateError(
            "This version is published already; published versions never change: make a new draft."
        )


def _labels_of(guide: LabelGuide | None) -> list[Label]:
    return list(guide.labels.prefetch_related("examples")) if guide else []


def _as_draft(label: Label) -> LabelDraft:
    return LabelDraft(
        name=label.name,
        definition=label.definition,
        counts=label.counts,
        does_not_count=label.does_not_count,
        commonness=label.commonness,
        examples=[example.text for example in label.examples.all() if not example.is_case],
        is_rejected=label.is_rejected,
    )
