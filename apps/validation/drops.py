"""What the checks drop: how often, of which prompt and model, and whether a check drops more than it used to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from apps.core.statistics.two_samples import midp_more
from apps.records.models import Record, RecordQuerySet
from apps.records.states import RecordStatus
from apps.specs.models import Project
from apps.validation.checks import REGISTRY
from apps.validation.models import Finding, FindingQuerySet, Outcome

RECENT = 500
LEAST_RECENT = 50
LEAST_RATIO = 1.5
ALPHA = 0.001
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Unusual:
    """A check that dropped ``recent`` of the latest ``recent_of`` records, and ``before`` of ``before_of`` earlier."""

    check_name: str
    title: str
    recent: int
    recent_of: int
    before: int
    before_of: int


@dataclass(frozen=True)
class SourceDrops:
    """What one check dropped of the records that one prompt version had one model make."""

    check_name: str
    title: str
    prompt_version: str
    model: str
    dropped: int
    made: int


@dataclass(frozen=True)
class NotChecked:
    """Records that a check could not look at, for one reason."""

    title: str
    reason: str
    records: int


def unusual_checks(project: Project) -> list[Unusual]:
    """Checks that drop more of the latest RECENT checked records than of all before them. Three queries.

    The rate is higher by Fisher's mid-p below ALPHA and at least LEAST_RATIO times as high. A record that was sent
    to review against a check's word counts as dropped by it.
    """
    checked = _checked(project)
    first = checked.order_by("-id").values_list("id", flat=True)[RECENT - 1 : RECENT].first()
    if first is None:
        # Nothing stands before the latest.
        return []
    totals = checked.aggregate(
        recent=Count("id", filter=Q(id__gte=first)), before=Count("id", filter=Q(id__lt=first))
    )
    counted = (
        _stopping(project)
        .values("check_name")
        .annotate(
            recent=Count("record", distinct=True, filter=Q(record_id__gte=first)),
            before=Count("record", distinct=True, filter=Q(record_id__lt=first)),
        )
        .order_by("check_name")
    )
    found = [
        Unusual(
            row["check_name"],
            title_of(row["check_name"]),
            row["recent"],
            totals["recent"],
            row["before"],
            totals["before"],
        )
        for row in counted
    ]
    return [each for each in found if is_unusual(each)]


def is_unusual(drops: Unusual) -> bool:
    if drops.recent_of < LEAST_RECENT or not drops.before_of:
        return False
    if drops.recent * drops.before_of < LEAST_RATIO * drops.before * drops.recent_of:
        return False
    return midp_more(drops.recent, drops.recent_of, drops.before, drops.before_of) < ALPHA


def drops_by_source(project: Project) -> list[SourceDrops]:
    """By check, prompt version and model; most dropped first. Two queries."""
    made = {
        (row["prompt_version"], row["generator_model"]): row["n"]
        for row in _checked(project).values("prompt_version", "generator_model").annotate(n=Count("id"))
    }
    dropped = (
        _stopping(project)
        .values("check_name", "record__prompt_version", "record__generator_model")
        .annotate(n=Count("record", distinct=True))
        .order_by("-n", "check_name", "record__prompt_version", "record__generator_model")
    )
    return [
        SourceDrops(
            row["check_name"],
            title_of(row["check_name"]),
            row["record__prompt_version"],
            row["record__generator_model"],
            row["n"],
            made[row["record__prompt_version"], row["record__generator_model"]],
        )
        for row in dropped
    ]


def dropped_counts(project: Project) -> dict[str, tuple[int, int]]:
    """Check → records that are dropped now, all of them and those of the last seven days."""
    since = timezone.now() - WEEK
    counted = (
        Finding.objects.blocking()
        .filter(record__in=Record.objects.filter(project=project).dropped())
        .values("check_name")
        .annotate(
            all=Count("record", distinct=True),
            week=Count("record", distinct=True, filter=Q(created_at__gte=since)),
        )
        .order_by()
    )
    return {row["check_name"]: (row["all"], row["week"]) for row in counted}


def not_checked(project: Project) -> list[NotChecked]:
    """Why records could not be checked, most first."""
    counted = (
        Finding.objects.filter(
            record__project=project, record__status=RecordStatus.NOT_CHECKED, outcome=Outcome.NOT_CHECKED
        )
        .values("check_name", "message")
        .annotate(n=Count("record", distinct=True))
        .order_by("-n", "check_name", "message")
    )
    return [NotChecked(title_of(row["check_name"]), row["message"], row["n"]) for row in counted]


def title_of(check_name: str) -> str:
    return REGISTRY[check_name].title if check_name in REGISTRY else check_name


def _checked(project: Project) -> RecordQuerySet:
    return Record.objects.filter(project=project).candidates().exclude(status=RecordStatus.GENERATED)


def _stopping(project: Project) -> FindingQuerySet:
    return Finding.objects.blocking().filter(record__in=_checked(project))
