"""Which records a recall means: anything in their provenance, as names and words that can be stored and sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.core.errors import RefusedError
from apps.generation.models import Run
from apps.records.models import Record, RecordQuerySet, ReviewMethod
from apps.review.plan_models import SamplingPlan
from apps.specs.models import Project

PLAIN = {
    "prompt_version": "prompt_version",
    "generator_model": "generator_model",
    "generator_provider": "generator_provider",
    "source_type": "source_type",
    "label": "label",
    "gap": "gap__slug",
    "review_method": "review_method",
    "reviewer": "reviewer__username",
}
DAYS = {
    "made_since": ("created_at__gte", 0),
    "made_until": ("created_at__lt", 1),
    "decided_since": ("reviewed_at__gte", 0),
    "decided_until": ("reviewed_at__lt", 1),
}
"""Criterion → column and how many days are added: a day given as the last one is included whole."""
TITLES = {
    "prompt_version": "prompt",
    "generator_model": "model",
    "generator_provider": "provider",
    "source_type": "source",
    "label": "label",
    "gap": "gap",
    "review_method": "reviewed by method",
    "reviewer": "reviewed by",
    "run": "run",
    "import": "import",
    "plan": "accepted by plan",
    "record": "record",
    "made_since": "made since",
    "made_until": "made until",
    "decided_since": "decided since",
    "decided_until": "decided until",
}


def records_that_fit(project: Project, criteria: Mapping[str, str]) -> RecordQuerySet:
    """Accepted and edited records of ``project`` that fit every one of ``criteria`` (name → word).

    RefusedError when there is no criterion, and for each that cannot be read.
    """
    given = {name: word for name, word in criteria.items() if word}
    if not given:
        raise RefusedError("Say which records are meant: a recall needs at least one criterion.")
    problems: list[str] = []
    lookups: dict[str, Any] = {}
    for name, word in given.items():
        try:
            lookups |= _lookup(project, name, word)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise RefusedError("These criteria cannot be used:", problems)
    return Record.objects.filter(project=project, **lookups).candidates().releasable()


def words_of(criteria: Mapping[str, str]) -> str:
    """``prompt p v3, model m, made since 2026-11-24``."""
    return ", ".join(f"{TITLES[name]} {word}" for name, word in criteria.items() if word)


def levels_below(records: RecordQuerySet) -> Iterator[RecordQuerySet]:
    """What was made from ``records``, then what was made from that, and so on; whatever its status."""
    level = records
    while (level := Record.objects.filter(derived_from__in=level.order_by().values("pk"))).exists():
        yield level


def _lookup(project: Project, name: str, word: str) -> dict[str, Any]:
    """ValueError says what is wrong with it."""
    if name == "review_method" and word not in ReviewMethod.values:
        raise ValueError(f"{word!r} is no review method; there is {', '.join(ReviewMethod.values)}.")
    if name in PLAIN:
        return {PLAIN[name]: word}
    if name in DAYS:
        column, days = DAYS[name]
        return {column: _midnight(name, word, days)}
    if name == "record":
        return {"pk": _number(name, word.removeprefix("#"))}
    if name == "run":
        run = Run.objects.filter(project=project, pk=_number(name, word)).first()
        if run is None:
            raise ValueError(f"There is no run {word} in {project}.")
        return {"run_uuid": run.uuid}
    if name == "plan":
        plan = SamplingPlan.objects.filter(lot__project=project, pk=_number(name, word)).first()
        if plan is None:
            raise ValueError(f"There is no sampling plan {word} in {project}.")
        return {"decision_uuid": plan.uuid}
    if name == "import":
        return {"import_uuid": UUID(word)}
    raise ValueError(f"{name!r} is no criterion; there is {', '.join(TITLES)}.")


def _number(name: str, word: str) -> int:
    if not word.isdecimal():
        raise ValueError(f"{TITLES[name]}: {word!r} is not a number.")
    return int(word)


def _midnight(name: str, word: str, days: int) -> datetime:
    try:
        day = date.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{TITLES[name]}: write a day as 2026-11-24, not {word!r}.") from None
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min))
