"""One run: how far it is, what the checks dropped and why, and what came back that nobody asked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, IntegerField, Max, Min
from django.db.models.expressions import ExpressionWrapper
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.core.charts.format import dollars
from apps.core.charts.sparkline import sparkline
from apps.generation.gates import Gate, gates_of
from apps.generation.models import Run, RunStatus
from apps.generation.pauses import pause_of, words_of_pause
from apps.generation.services import missing_to_start
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.reports.run_money import RunMoney, price_words, run_money
from apps.specs.models import Project
from apps.submissions.budgets import share_of
from apps.submissions.estimates import expiry_warning
from apps.submissions.models import Delivery, Submission
from apps.submissions.selectors import SubmissionsOfRun, submissions_of_run
from apps.task_types import task_type_of
from apps.validation.models import Finding
from apps.validation.selectors import dropped_by_check

TREND_STEPS = 12
SAMPLE_LENGTH = 120
DROPPED = (RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED)


@dataclass(frozen=True)
class Stage:
    """``done`` of ``most``, and the same in words."""

    name: str
    done: int
    most: int
    words: str


@dataclass(frozen=True)
class Figure:
    """What it is, how much, and what to read it against."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Sample:
    pk: int
    text: str


@dataclass(frozen=True)
class DroppedGroup:
    title: str
    count: int
    trend: SafeString
    samples: list[Sample]


@dataclass(frozen=True)
class Unanswered:
    """Requests of one submission that came back without an answer."""

    submission: Submission
    number: int
    cost_words: str
    """What asking them again may cost at most; "" where it costs nothing or no price is known."""


@dataclass(frozen=True)
class RunPage:
    run: Run
    sentence: str
    stages: list[Stage]
    sent: SubmissionsOfRun
    dropped: list[DroppedGroup]
    missing: list[str]
    """What keeps an estimated run from starting."""
    waiting: int
    """Records that wait for a reviewer."""
    is_live: bool
    """Whether anything may still change by itself, so that the page looks again."""

    @property
    def can_stop(self) -> bool:
        return self.run.status in {RunStatus.RUNNING, RunStatus.PAUSED}

    @property
    def unanswered(self) -> list[Unanswered]:
        """What a lead may have asked again: nothing of a run that was stopped."""
        if self.run.status == RunStatus.STOPPED:
            return []
        return [
            Unanswered(submission, number, dollars(cost) if cost else "")
            for submission in self.sent.submissions
            if (number := getattr(submission, "missing", 0))
            for cost in [share_of(submission, number)]
        ]

    money: RunMoney
    gates: list[Gate]

    @property
    def is_held(self) -> bool:
        return any(gate.holds for gate in self.gates)

    @property
    def warnings(self) -> list[str]:
        return list(filter(None, map(expiry_warning, self.sent.submissions)))

    @property
    def estimate(self) -> list[Figure]:
        return estimate_figures(self.run.estimate)


def run_page(run: Run) -> RunPage:
    """A fixed number of queries and two for each check that dropped something."""
    sent = submissions_of_run(run.uuid)
    counts = dict(
        Record.objects.filter(run_uuid=run.uuid).values_list("status").annotate(n=Count("pk")).order_by()
    )
    made = sum(counts.values())
    unchecked = counts.get(RecordStatus.GENERATED, 0)
    dropped = sum(counts.get(status, 0) for status in DROPPED)
    checked = made - unchecked
    kept = checked - dropped
    is_running = run.status in {RunStatus.RUNNING, RunStatus.PAUSED}
    gates = gates_of(run) if run.status == RunStatus.ESTIMATED else []
    return RunPage(
        run=run,
        sentence=_sentence(run, made),
        stages=[
            Stage("Generate", made, max(made, run.count), f"{made:,} / {run.count:,}"),
            Stage("Check", checked, max(made, 1), f"{checked:,} / {made:,}"),
            Stage("Queue for review", kept, max(checked, 1), f"{kept:,} kept, {dropped:,} dropped"),
        ],
        sent=sent,
        dropped=_dropped(run.project, run.uuid) if dropped else [],
        missing=_missing(run) if run.status == RunStatus.ESTIMATED else [],
        waiting=counts.get(RecordStatus.AWAITING_REVIEW, 0),
        is_live=is_running or unchecked > 0,
        money=run_money(run.uuid, sent.submissions),
        gates=gates,
    )


def _missing(run: Run) -> list[str]:
    pause = pause_of(run)
    return missing_to_start(run.project, run.gap) + ([words_of_pause(pause)] if pause else [])


def estimate_figures(estimate: dict[str, Any]) -> list[Figure]:
    """What starting would ask for, in words."""
    batches = estimate["submissions"]
    how = f"in {batches:,} batch{'es' if batches != 1 else ''}"
    if estimate.get("delivery", Delivery.BATCH) != Delivery.BATCH:
        how = "posted one by one"
    figures = [
        Figure("Records", f"{estimate['records']:,}", "asked for"),
        Figure("Requests", f"{estimate['requests']:,}", how),
    ]
    if tokens := estimate.get("input_tokens", 0) + estimate.get("output_tokens", 0):
        figures.append(Figure("Tokens", f"{tokens:,}", estimate["tokens_source"]))
    figures.append(Figure("Money", _money_words(estimate), _money_note(estimate)))
    if estimate["seconds"]:
        figures.append(Figure("Time", in_words(timedelta(seconds=estimate["seconds"])), "checks included"))
    elif hours := estimate.get("window_hours"):
        figures.append(Figure("Time", f"up to {hours:,} hours", "by the provider's documentation"))
    return figures


def _money_words(estimate: dict[str, Any]) -> str:
    if not estimate.get("price", {"source": "kept from before"}):
        return "not known"
    about = "about " if estimate["is_guess"] and Decimal(estimate["money"]) else ""
    return f"{about}{dollars(estimate['money'])}"


def _money_note(estimate: dict[str, Any]) -> str:
    note = price_words(estimate.get("price") or {"source": estimate["source"]})
    full = Decimal(estimate.get("synchronous_money") or 0)
    if full > Decimal(estimate["money"]):
        note += f"; {dollars(full)} one by one"
    return note


def _sentence(run: Run, made: int) -> str:
    asked = f"{made:,} of {run.count:,} candidates generated"
    if run.status == RunStatus.ESTIMATED:
        return f"{run.count:,} candidates for {', '.join(run.gap.target_labels)}. Nothing has started."
    if run.started_at is None:
        return "Thrown away before it started."
    by = f" by {run.started_by}" if run.started_by else ""
    started = f"Started {timezone.localtime(run.started_at):%-d %b, %H:%M}{by}"
    if run.finished_at is not None:
        took = in_words(run.finished_at - run.started_at)
        return f"{started}, {run.get_status_display().lower()} after {took}. {asked}."
    return f"{started}. {asked}{_time_left(run, made)}."


def _time_left(run: Run, made: int) -> str:
    if not 0 < made < run.count or run.started_at is None:
        return ""
    return f", about {in_words((timezone.now() - run.started_at) * (run.count / made - 1))} left"


def in_words(duration: timedelta) -> str:
    """A duration as people say it, in one unit."""
    seconds = max(1, round(duration.total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds >= size:
            number = round(seconds / size)
            return f"{number} {unit}{'s' if number != 1 else ''}"
    raise ValueError(f"{duration} has no unit.")


def _dropped(project: Project, run_uuid: UUID) -> list[DroppedGroup]:
    text_of = task_type_of(project.task_type).text_of
    trends = _trends(run_uuid)
    return [
        DroppedGroup(
            title=group.title,
            count=group.count,
            trend=sparkline(
                trends[group.check_name], label="Dropped from the first to the last record of the run"
            ),
            samples=[Sample(record.pk, text_of(record.input)[:SAMPLE_LENGTH]) for record in group.samples],
        )
        for group in dropped_by_check(project, run_uuid=run_uuid)
    ]


def _trends(run_uuid: UUID) -> dict[str, list[int]]:
    """For each check the records it dropped in each twelfth of the run, in the order they came in."""
    records = Record.objects.filter(run_uuid=run_uuid)
    ends = records.aggregate(first=Min("pk"), last=Max("pk"))
    trends: dict[str, list[int]] = defaultdict(lambda: [0] * TREND_STEPS)
    if ends["first"] is None:
        return trends
    step = ExpressionWrapper(
        (F("record_id") - ends["first"]) * TREND_STEPS / (ends["last"] - ends["first"] + 1),
        output_field=IntegerField(),
    )
    found = Finding.objects.blocking().filter(record__run_uuid=run_uuid, record__status__in=DROPPED)
    for name, place, number in (
        found.annotate(step=step)
        .order_by()
        .values_list("check_name", "step")
        .annotate(n=Count("record", distinct=True))
    ):
        trends[name][place] = number
    return trends
