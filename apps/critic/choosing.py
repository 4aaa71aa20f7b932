"""Which records a judge may be asked about, and which are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, QuerySet, When

from apps.critic.models import JudgeVersion, Occasion, Question, QuestionState, Verdict, with_digest
from apps.records.models import Record, SourceType
from apps.specs.models import Project
from apps.submissions.models import ModelFamily

MOST_TRIES = 2
"""A record that gave no usable answer so often is not paid for again."""
MOST_COUNTED = 50_000
"""Records that a page counts, in the order of asking: each is looked up among questions and verdicts."""


@dataclass(frozen=True)
class Waiting:
    """Records of one occasion by what stands in the way of asking; each counts once, at the first that does."""

    records: int
    askable: int
    judged: int
    under_way: int
    same_family: int
    unknown_family: int
    """Made by a model of which nobody says what family it is of: it might be the judge's."""
    given_up: int
    """Without a usable answer twice, or stopped by the screen."""

    @property
    def is_cut(self) -> bool:
        """There may be more than were counted."""
        return self.records >= MOST_COUNTED


def of_occasion(project: Project, occasion: str) -> QuerySet[Record]:
    """Candidates that passed their checks and wait for people, or that are accepted."""
    records = Record.objects.filter(project=project).candidates()
    return records.awaiting_review() if occasion == Occasion.REVIEW else records.releasable()


def askable(version: JudgeVersion, occasion: str) -> QuerySet[Any]:
    """Records that ``version`` may be asked about now, with ``standing_digest``.

    Accepted ones the latest first: those may still be kept out of a release.
    """
    records = _sorted_out(version, occasion).filter(
        is_related=False, is_judged=False, is_asked=False, is_given_up=False
    )
    return _in_order(records.exclude(_unknown()), occasion)


def waiting(version: JudgeVersion, occasion: str) -> Waiting:
    """Of the first MOST_COUNTED. One query."""
    related, unknown = Q(is_related=True), _unknown()
    steps = {
        "same_family": related,
        "unknown_family": unknown,
        "judged": Q(is_judged=True),
        "under_way": Q(is_asked=True),
        "given_up": Q(is_given_up=True),
    }
    counts, before = {}, Q()
    for name, condition in steps.items():
        counts[name] = Count("pk", filter=before & condition)
        before &= ~condition
    looked_at = _in_order(_sorted_out(version, occasion), occasion)[:MOST_COUNTED]
    return Waiting(**looked_at.aggregate(records=Count("pk"), askable=Count("pk", filter=before), **counts))


def _in_order(records: QuerySet[Any], occasion: str) -> QuerySet[Any]:
    return records.order_by("id" if occasion == Occasion.REVIEW else "-id")


def _unknown() -> Q:
    """A person's own text has no family; of any other, somebody has to say it."""
    return Q(generator_model_family="") & ~Q(source_type=SourceType.WRITTEN)


def _sorted_out(version: JudgeVersion, occasion: str) -> QuerySet[Any]:
    family = version.connection.family
    mine = Question.objects.filter(asking__version=version, record=OuterRef("pk"))
    about_this = mine.filter(payload_digest=OuterRef("standing_digest"))
    verdicts = Verdict.objects.filter(
        version=version, record=OuterRef("pk"), payload_digest=OuterRef("standing_digest")
    )
    tried = about_this.filter(state=QuestionState.UNANSWERED).order_by()
    often = tried.values("record").annotate(times=Count("pk")).filter(times__gte=MOST_TRIES)
    records: QuerySet[Any] = with_digest(of_occasion(version.judge.project, occasion)).annotate(
        is_related=Case(When(_related(family), then=True), default=False, output_field=BooleanField()),
        is_judged=Exists(verdicts),
        is_asked=Exists(mine.filter(state=QuestionState.ASKED)),
        is_given_up=Exists(about_this.filter(state=QuestionState.STOPPED)) | Exists(often),
    )
    return records


def _related(family: ModelFamily) -> Q:
    """Made by the judge's own family, or out of a record that was: it would not see its own blind spots.

    A file may call the family what it likes, so the model's name counts as well, behind whatever vendor or path.
    """
    made = Q(generator_model_family__iexact=family.name)
    source = Q(derived_from__generator_model_family__iexact=family.name)
    for prefix in filter(None, map(str, family.prefixes)):
        made |= Q(generator_model__istartswith=prefix)
        made |= Q(generator_model__icontains=f"/{prefix}") | Q(generator_model__icontains=f".{prefix}")
    return made | source
