"""What the pages of the review room read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, Min, OuterRef
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.core.clock import database_now
from apps.core.prepared import Prepared, Slot
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.claiming import on_offer
from apps.review.leases import session_digest
from apps.review.lots import LotCounts, counts_of
from apps.review.models import Action, Decision, Lot, ReviewTask, Skip, TaskKind
from apps.review.pausing import why_paused
from apps.review.rules import ReviewRules
from apps.review.undo import undoable
from apps.specs.models import LabelGuide, Project
from apps.specs.selectors import current_guide

PACE_WINDOW = timedelta(hours=1)
SHORTEST_SPAN = timedelta(minutes=5)
"""A pace from less time than this would jump about."""
COUNTED_UP_TO = 1000
FLAGS_PER_PAGE = 25


@dataclass(frozen=True)
class Progress:
    """Where the project's queue stands; ``pace``: this person's decisions per hour, 0 while not known."""

    decided: int
    total: int
    pace: int


@dataclass(frozen=True)
class QueueState:
    """Why a queue gives nothing: what is left, and where it is."""

    left: int
    held_by_others: int
    first_back_at: datetime | None
    assigned_to_others: int
    skipped: int
    second_opinions: int
    """Records that this person decided and somebody else has to decide too."""
    adjudicating: int
    is_offered: bool
    paused: str | None
    """Why a lead paused this person."""
    waiting_for_checks: int
    flagged: int
    in_closed_piles: int
    in_piles_of_others: int
    not_opened: bool
    asked_at: datetime

    @property
    def is_all_done(self) -> bool:
        return self.paused is None and not (self.left or self.waiting_for_checks or self.is_obtainable)

    @property
    def is_obtainable(self) -> bool:
        """Something is there for this person to take."""
        return self.paused is None and (self.is_offered or self.not_opened)

    def sentences(self) -> list[str]:
        """For people: what happened to the rest of the queue, and when to come back."""
        said = []
        if self.paused is not None:
            said.append(f"A lead has paused your reviews: {self.paused}")
        if self.held_by_others:
            said.append(f"{_records(self.held_by_others)} in the hands of others; {self._first_back()}.")
        if self.assigned_to_others:
            said.append(f"{_records(self.assigned_to_others)} assigned to others.")
        if self.second_opinions:
            said.append(
                f"{_records(self.second_opinions)} decided by you and waiting for somebody else’s opinion."
            )
        if self.adjudicating:
            said.append(f"{_records(self.adjudicating)} with the lead: two people disagreed.")
        if self.in_piles_of_others:
            said.append(f"{_records(self.in_piles_of_others)} in piles that a lead keeps for others.")
        if self.in_closed_piles:
            said.append(f"{_records(self.in_closed_piles)} in piles that a lead has closed.")
        if self.skipped:
            said.append(f"You skipped {self.skipped} in this session.")
        if self.waiting_for_checks:
            more = "+" if self.waiting_for_checks >= COUNTED_UP_TO else ""
            said.append(f"Waiting for checks: {self.waiting_for_checks:,}{more}.")
        if self.flagged:
            said.append(f"{_records(self.flagged)} flagged for the lead.")
        if self.is_all_done:
            said.insert(0, "Every record that passed its checks is decided.")
        return said

    def _first_back(self) -> str:
        if self.first_back_at is None:
            return "they return when their holders leave"
        minutes = max(1, round((self.first_back_at - self.asked_at) / timedelta(minutes=1)))
        return f"the first returns in {minutes} min"


@dataclass(frozen=True)
class RoomPage:
    """The review room around its cards."""

    progress: Progress
    guide: LabelGuide | None
    reasons: list[dict[str, str]]
    note_required: list[str]
    """Actions that need a note."""
    history: list[UUID]
    """What this person can undo, newest first."""
    fresh_key: UUID = field(default_factory=uuid4)
    """The key of the decision that a plain form of this page makes: sent twice, it is one decision."""


@dataclass(frozen=True)
class Flag:
    """A flagged record and what was asked about it."""

    record: Record
    decision: Decision


@dataclass(frozen=True)
class FlagPage:
    page: Page[Record]
    flags: list[Flag]


def room_page(*, project: Project, user: User) -> RoomPage:
    return RoomPage(
        progress=progress_of(project=project, user=user),
        guide=current_guide(project),
        reasons=list(project.reject_reasons),
        note_required=list(project.note_required),
        history=[decision.uuid for decision in undoable(project, user)],
    )


def progress_of(*, project: Project, user: User) -> Progress:
    """Three queries: folded counts, waiting deltas, and this person's last hour."""
    counts: LotCounts = counts_of(project)
    return Progress(*counts.progress(ReviewRules.of(project).gold), _pace(project, user))


def queue_state(*, project: Project, user: User, session_key: str) -> QueueState:
    """Where the records are that this person cannot have. Asked only when a claim came back empty."""
    now = database_now()
    open_lots = Lot.objects.handed_to(user).filter(project=project)
    cards = ReviewTask.objects.open().filter(lot__in=open_lots)
    open_tasks = cards.exclude(kind=TaskKind.GOLD)
    held = open_tasks.filter(lease_until__gt=now, lease_holder__isnull=False).exclude(lease_holder=user)
    others = held.aggregate(count=Count("id"), first=Min("lease_until"))
    counts = counts_of(project, lots=Lot.objects.open())
    session = session_digest(session_key)
    answered = Decision.objects.standing().filter(
        reviewer=user, record=OuterRef("record"), task__round=OuterRef("round")
    )
    second = open_tasks.filter(Exists(answered), kind=TaskKind.OVERLAP)
    offered = on_offer(user=user, session=session, now=now).filter(lot__in=open_lots)
    checking = Record.objects.filter(project=project, status=RecordStatus.GENERATED)
    return QueueState(
        left=counts.left,
        held_by_others=others["count"],
        first_back_at=others["first"],
        assigned_to_others=open_tasks.exclude(assignee=None).exclude(assignee=user)[:COUNTED_UP_TO].count(),
        skipped=Skip.objects.filter(task__in=cards, user=user, session=session).count(),
        second_opinions=second[:COUNTED_UP_TO].count(),
        adjudicating=open_tasks.to_adjudicate()[:COUNTED_UP_TO].count(),
        is_offered=offered.filter(record__status=RecordStatus.AWAITING_REVIEW).exists(),
        paused=why_paused(project=project, user=user),
        waiting_for_checks=checking[:COUNTED_UP_TO].count(),
        flagged=counts.flagged,
        in_closed_piles=counts_of(project, lots=Lot.objects.held_back()).left,
        in_piles_of_others=counts_of(project, lots=Lot.objects.of_others(user)).left,
        not_opened=Record.objects.due(RecordStatus.AWAITING_REVIEW, now).filter(project=project).exists(),
        asked_at=now,
    )


def flag_page(*, project: Project, number: str | None) -> FlagPage:
    """Flagged records with the flag that stands, oldest record first."""
    records = Record.objects.filter(project=project, status=RecordStatus.FLAGGED).order_by("id")
    page = Paginator(records, FLAGS_PER_PAGE).get_page(number)
    asked = Decision.objects.filter(
        record__in=list(page.object_list), action=Action.FLAGGED, undo=None
    ).select_related("reviewer")
    latest = {decision.record_id: decision for decision in asked.order_by("id")}
    return FlagPage(page, [Flag(record, latest[record.pk]) for record in page.object_list])


def _pace(project: Project, user: User) -> int:
    if (found := _RECENT.row(project=project.pk, user=user.pk)) is None:
        return 0
    count, first, now = found
    return int(count * (PACE_WINDOW / max(now - first, SHORTEST_SPAN)))


_RECENT = Prepared(
    lambda: (
        Decision.objects.filter(
            project=Slot("project"), reviewer=Slot("user"), decided_at__gt=Now() - PACE_WINDOW
        )
        .order_by()
        .values("reviewer")
        .annotate(count=Count("id"), first=Min("decided_at"))
        .values_list("count", "first", Now())
    )
)


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count:,} records are"
