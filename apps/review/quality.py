"""What the pages about the quality of the review read: for leads of everybody, for reviewers of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.core.paginator import Page, Paginator
from django.utils import timezone

from apps.accounts.models import User
from apps.review.agreement import AgreementReport, AgreementRow, agreement_of, agreement_report
from apps.review.bulk import REVIEWERS
from apps.review.gold_scores import (
    ContestedGold,
    GoldScore,
    GoldStock,
    contested_gold,
    gold_scores,
    gold_stock,
)
from apps.review.models import Decision, ReviewTask
from apps.review.pace import NO_PACE, Pace, paces_of
from apps.review.references import name_of
from apps.review.rules import ReviewRules
from apps.specs.models import Membership, Project
from apps.task_types import task_type_of

PER_PAGE = 50
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class PersonRow:
    """One reviewer or lead of the project, for the lead's eyes."""

    membership: Membership
    pace: Pace
    gold: GoldScore
    is_below_bar: bool


@dataclass(frozen=True)
class QualityPage:
    rules: ReviewRules
    agreement: AgreementReport
    people: list[PersonRow]
    to_adjudicate: int
    stock: GoldStock
    contested: list[ContestedGold]
    since: date
    """The day from which somebody's latest decisions are offered to be taken back."""

    @property
    def overall_rows(self) -> list[AgreementRow]:
        return [self.agreement.overall]


@dataclass(frozen=True)
class OwnDecision:
    """One decision of a reviewer as their own page shows it. ``text``: the record's, as they left it."""

    decision: Decision
    name: str
    text: str
    reasons: list[str]


@dataclass(frozen=True)
class OwnPage:
    """A reviewer's own decisions, newest first; agreement and gold score: None unless the project shows them."""

    page: Page[Decision]
    rows: list[OwnDecision]
    shows_records: bool
    """Whether they may open the pages of records."""
    pace: Pace
    agreement: AgreementRow | None
    gold: GoldScore | None


def quality_page(project: Project) -> QualityPage:
    """A number of queries that grows neither with people nor with decisions."""
    members = [
        membership
        for membership in project.memberships.select_related("user").order_by("user__username")
        if membership.has_any(REVIEWERS)
    ]
    rules, paces, scores = ReviewRules.of(project), paces_of(project), gold_scores(project)
    return QualityPage(
        rules=rules,
        agreement=agreement_report(project, {member.user_id: str(member.user) for member in members}),
        people=[
            PersonRow(
                member,
                paces.get(member.user_id, NO_PACE),
                score := scores.get(member.user_id, GoldScore()),
                score.is_below(rules.gold_bar),
            )
            for member in members
        ],
        to_adjudicate=ReviewTask.objects.to_adjudicate().filter(project=project).count(),
        stock=gold_stock(project),
        contested=contested_gold(project),
        since=timezone.localdate() - RECENT,
    )


def own_page(*, project: Project, user: User, number: str | None, is_lead: bool = False) -> OwnPage:
    mine = Decision.objects.filter(project=project, reviewer=user).select_related("record", "undo", "task")
    rules = ReviewRules.of(project)
    page = Paginator(mine.order_by("-decided_at", "-id"), PER_PAGE).get_page(number)
    words = {reason["code"]: reason["text"] for reason in project.reject_reasons}
    text_of = task_type_of(project.task_type).text_of
    shows = rules.show_scores
    return OwnPage(
        page=page,
        rows=[
            OwnDecision(
                decision,
                name_of(decision.record, rules),
                text_of(decision.edited_input or decision.record.current_input),
                [words.get(code, code) for code in decision.reasons],
            )
            for decision in page.object_list
        ],
        shows_records=is_lead or not rules.hides_records,
        pace=paces_of(project, person=user.pk).get(user.pk, NO_PACE),
        agreement=agreement_of(project, user.pk) if shows else None,
        gold=gold_scores(project, person=user.pk).get(user.pk, GoldScore()) if shows else None,
    )
