"""Lots for leads: what waits in each, under which plan, what its sample says and what may still be bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.core.charts.curve import Point, share_curve
from apps.core.charts.format import percent
from apps.core.statistics.acceptance import OperatingPoint, most_bad, sequential_point, single_point
from apps.core.statistics.sequential import Plan, Sample, Verdict
from apps.core.statistics.switching import reduced_point
from apps.generation.models import PromptPause
from apps.records.states import RecordStatus
from apps.review.batches import NextPlan, next_plan
from apps.review.group_models import ReviewGroup
from apps.review.lots import LotCounts, counts_of_lots
from apps.review.models import Lot, LotStatus
from apps.review.piles import reviewers_of
from apps.review.plan_models import OPEN_PLAN, PlanKind, PlanStatus, Risk, SamplingPlan
from apps.review.plans import BAD, LEAST_POPULATION, sample_of, takeable
from apps.specs.models import Project

PER_PAGE = 50
CURVE_TO = 0.30
STEPS = 30
DEFAULT_BATCH = 200
SHOWN_SHARES = (0.02, 0.05, 0.10, 0.15, 0.20)
WAITING = (RecordStatus.AWAITING_REVIEW, RecordStatus.FLAGGED)


class PlanForm(forms.Form):
    """Shares are typed as percentages, and read as shares."""

    # A reduced plan is none to choose: the history of the lot allows it or not.
    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in PlanKind if kind != PlanKind.REDUCED],
        label="People look at",
    )
    share = forms.FloatField(
        required=False, min_value=0.1, max_value=99.9, label="Share (%)", help_text="Of a fixed share."
    )
    risk_share = forms.FloatField(
        required=False,
        min_value=0,
        max_value=50,
        label="Riskiest besides (%)",
        help_text="Doubted by a judge, near protected data, rare in its axes; at most 500.",
    )
    good = forms.FloatField(min_value=0.1, max_value=99, initial=5, label="Bad records that are fine (%)")
    poor = forms.FloatField(min_value=0.2, max_value=99.9, initial=15, label="Bad records that are not (%)")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("kind") == PlanKind.SHARE and not values.get("share"):
            self.add_error("share", "Say which share.")
        if values.get("good") and values.get("poor") and values["good"] >= values["poor"]:
            self.add_error("poor", "More than the share that is fine.")
        return values

    def plan(self) -> dict[str, Any]:
        """The arguments of ``start_plan`` that it holds. The form was validated."""
        values = self.cleaned_data
        is_share = values["kind"] == PlanKind.SHARE
        return {
            "kind": PlanKind(values["kind"]),
            "share": values["share"] / 100 if is_share else None,
            "risk_share": (values["risk_share"] or 0) / 100,
            "rule": Plan(good=values["good"] / 100, poor=values["poor"] / 100),
        }


@dataclass(frozen=True)
class LotLine:
    lot: Lot
    counts: LotCounts
    plan: SamplingPlan | None
    """The plan that is running."""
    reviewers: list[str]
    """The groups and people who alone are handed its records; empty: everybody."""


@dataclass(frozen=True)
class LotPage:
    page: Page[Lot]
    lines: list[LotLine]
    pauses: list[PromptPause]


@dataclass(frozen=True)
class PointRow:
    share_percent: str
    accepts_percent: str
    reviews: float


@dataclass(frozen=True)
class Characteristic:
    """How a plan treats lots, by how bad they are."""

    chart: SafeString
    points: list[PointRow]


@dataclass(frozen=True)
class RiskLine:
    title: str
    drawn: int
    decided: int
    bad: int


@dataclass(frozen=True)
class PlanView:
    """One plan: where its sample is, what the rest may hold, and what the risk audit found."""

    plan: SamplingPlan
    sample: Sample
    with_people: int
    unreviewed: int
    risks: list[RiskLine]
    characteristic: Characteristic

    @property
    def is_open(self) -> bool:
        return self.plan.status in OPEN_PLAN

    @property
    def share_percent(self) -> str:
        return percent(self.plan.share or 0, digits=1)

    @property
    def sentence(self) -> str:
        """How it stands, and what that does to the records."""
        said = {
            PlanStatus.TAKING: "What waits is being set aside.",
            PlanStatus.ACCEPTING: "The lot is accepted; the records that nobody looked at are being accepted.",
            PlanStatus.ACCEPTED: f"The lot was accepted: its {self.unreviewed} unread records have the method “lot”.",
            PlanStatus.REFUSING: "The lot is refused; the rest is on its way to full review.",
            PlanStatus.REFUSED: f"The lot was refused: the rest went to full review. {self.plan.note}",
            PlanStatus.RETURNING: "The rest is on its way to full review.",
            PlanStatus.RETURNED: f"No verdict on the lot: {self.plan.note}. The rest is reviewed in full.",
        }
        if self.is_stuck:
            return "Undecided: the sample is through and says neither yes nor no. Stop it to review the rest in full."
        if self.needs_more:
            return f"Undecided: {self.needs_more} more good records in a row would let the lot pass."
        return said.get(PlanStatus(self.plan.status), "Undecided: people are at the sample.")

    @property
    def can_stop(self) -> bool:
        return self.plan.status in (PlanStatus.TAKING, PlanStatus.SAMPLING)

    @property
    def most_bad_left(self) -> int | None:
        """Of the records outside the sample: 95% upper limit, as of a sample of settled size. None before any."""
        n, bad, lot = self.sample.reviewed, self.sample.bad, self.plan.population
        return most_bad(lot, n, bad) - bad if n and n <= lot else None

    @property
    def outside(self) -> int:
        return self.plan.population - self.sample.reviewed

    @property
    def needs_more(self) -> int | None:
        """Good records in a row that would settle it; only where records come one after the other."""
        if self.plan.status != PlanStatus.SAMPLING or self.plan.kind != PlanKind.SEQUENTIAL:
            return None
        if self.sample.verdict != Verdict.UNDECIDED:
            return None
        return self.plan.rule.more_needed(self.sample.reviewed, self.sample.bad)

    @property
    def is_stuck(self) -> bool:
        """A settled sample is through and says neither yes nor no."""
        return (
            self.plan.status == PlanStatus.SAMPLING
            and self.plan.kind == PlanKind.SHARE
            and not self.with_people
            and bool(self.sample.reviewed)
            and self.sample.verdict == Verdict.UNDECIDED
        )


@dataclass(frozen=True)
class LotDetail:
    lot: Lot
    counts: LotCounts
    takeable: int
    plans: list[PlanView]
    pause: PromptPause | None
    people: list[tuple[User, bool]]
    """Who can review here, and whether the pile is kept for them."""
    groups: list[tuple[ReviewGroup, bool]]
    next_plan: NextPlan | None
    """What the batches before ask for; None where there were none, or a plan is running."""
    next_characteristic: Characteristic | None

    @property
    def default_batch(self) -> int:
        return self.lot.batch_size or DEFAULT_BATCH

    @property
    def may_begin_next(self) -> bool:
        return self.next_plan is not None and self.next_characteristic is not None

    @property
    def may_plan(self) -> bool:
        return self.lot.status == LotStatus.OPEN and not any(view.is_open for view in self.plans)


def lot_page(project: Project, number: str | None) -> LotPage:
    """Eight queries, whatever the number of lots."""
    lots = Lot.objects.filter(project=project).select_related("gap").prefetch_related("reviewers", "groups")
    lots = lots.order_by("status", "-pk")
    page = Paginator(lots, PER_PAGE).get_page(number)
    shown = list(page.object_list)
    counts = counts_of_lots(shown)
    plans = {plan.lot_id: plan for plan in SamplingPlan.objects.filter(lot__in=shown, status__in=OPEN_PLAN)}
    pauses = PromptPause.objects.standing().filter(prompt_version__prompt__project=project)
    return LotPage(
        page=page,
        lines=[LotLine(lot, counts[lot.pk], plans.get(lot.pk), _kept_for(lot)) for lot in shown],
        pauses=list(pauses.select_related("prompt_version__prompt").order_by("pk")),
    )


def _kept_for(lot: Lot) -> list[str]:
    return [*map(str, lot.groups.all()), *map(str, lot.reviewers.all())]


def lot_detail(lot: Lot) -> LotDetail:
    """A fixed number of queries and a few for each plan of the lot."""
    plans = lot.plans.select_related("started_by", "stopped_by").order_by("-pk")
    pauses = PromptPause.objects.standing().filter(
        prompt_version__prompt__project=lot.project_id, model=lot.generator_model
    )
    by_label = {
        pause.prompt_version.label: pause for pause in pauses.select_related("prompt_version__prompt")
    }
    waiting, views = takeable(lot).count(), [_view(plan) for plan in plans]
    following = _next_plan(lot, waiting, views)
    return LotDetail(
        lot=lot,
        counts=counts_of_lots([lot])[lot.pk],
        takeable=waiting,
        plans=views,
        next_plan=following,
        next_characteristic=_characteristic_of(following, waiting),
        pause=by_label.get(lot.prompt_version),
        people=_people(lot),
        groups=_groups(lot),
    )


def _next_plan(lot: Lot, waiting: int, views: Sequence[PlanView]) -> NextPlan | None:
    if any(view.is_open for view in views):
        return None
    following = next_plan(lot, waiting=waiting)
    return following if following.words else None


def _characteristic_of(plan: NextPlan | None, waiting: int) -> Characteristic | None:
    """None where the plan cannot begin: people see everything, or too few wait."""
    if plan is None or plan.kind is None or waiting < LEAST_POPULATION:
        return None
    return characteristic(plan.rule, kind=plan.kind, share=plan.share, population=waiting)


def _groups(lot: Lot) -> list[tuple[ReviewGroup, bool]]:
    chosen = set(lot.groups.values_list("pk", flat=True))
    return [(group, group.pk in chosen) for group in lot.project.review_groups.order_by("name")]


def _people(lot: Lot) -> list[tuple[User, bool]]:
    chosen = set(lot.reviewers.values_list("pk", flat=True))
    return [(user, user.pk in chosen) for user in reviewers_of(lot.project)]


def characteristic(rule: Plan, *, kind: PlanKind, share: float | None, population: int) -> Characteristic:
    """``share`` of ``population`` at once, or without it one record after the other."""
    sampled = None if share is None else ceil(share * population)
    shares = [CURVE_TO * step / STEPS for step in range(STEPS + 1)]
    marked = {rule.good: "fine", rule.poor: "not fine"}
    points = [
        Point(each, _point(rule, each, kind, sampled, population).accepts, _note(each, marked))
        for each in sorted({*shares, *marked})
        if each <= max(CURVE_TO, rule.poor)
    ]
    return Characteristic(
        chart=share_curve(
            points, title="How often a lot is accepted", across="Bad records in the lot", up="Accepted"
        ),
        points=[
            PointRow(percent(point.share, digits=1), percent(point.accepts, digits=1), point.reviews)
            for point in (
                _point(rule, each, kind, sampled, population) for each in sorted({*SHOWN_SHARES, *marked})
            )
        ],
    )


def _note(share: float, marked: dict[float, str]) -> str:
    return f"{share:.0%} {marked[share]}" if share in marked else ""


def _point(rule: Plan, share: float, kind: PlanKind, sampled: int | None, population: int) -> OperatingPoint:
    if sampled is None:
        return sequential_point(rule, share)
    if kind == PlanKind.REDUCED:
        return reduced_point(rule, share, sampled=sampled)
    return single_point(rule, share, lot=population, sampled=sampled)


def _view(plan: SamplingPlan) -> PlanView:
    is_running = plan.status == PlanStatus.SAMPLING
    sample = sample_of(plan) if is_running else Sample(plan.reviewed, plan.bad, _verdict(plan))
    counts = plan.records.aggregate(
        with_people=Count("pk", filter=Q(drawn_at__isnull=False, record__status__in=WAITING)),
        unreviewed=Count("pk", filter=Q(drawn_at=None)),
    )
    return PlanView(
        plan=plan,
        sample=sample,
        with_people=counts["with_people"],
        unreviewed=counts["unreviewed"],
        risks=_risks(plan),
        characteristic=characteristic(
            plan.rule, kind=PlanKind(plan.kind), share=plan.share, population=max(plan.population, 1)
        ),
    )


def _verdict(plan: SamplingPlan) -> Verdict:
    if plan.status in (PlanStatus.ACCEPTING, PlanStatus.ACCEPTED):
        return Verdict.ACCEPTED
    return Verdict.REFUSED if plan.status in (PlanStatus.REFUSING, PlanStatus.REFUSED) else Verdict.UNDECIDED


def _risks(plan: SamplingPlan) -> list[RiskLine]:
    rows = (
        plan.records.exclude(risk="")
        .values("risk")
        .annotate(
            drawn=Count("pk"),
            decided=Count("pk", filter=Q(record__status__in=[RecordStatus.ACCEPTED, *BAD])),
            bad=Count("pk", filter=Q(record__status__in=BAD)),
        )
        .order_by("risk")
    )
    return [RiskLine(str(Risk(row["risk"]).label), row["drawn"], row["decided"], row["bad"]) for row in rows]
