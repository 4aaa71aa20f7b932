"""Which model for which role: what each costs and takes by its vendor, and how it has done in this project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum

from apps.core.statistics.intervals import wilson
from apps.generation.gates import latest_teacher_check
from apps.generation.models import RoleChoice, TeacherCheck
from apps.providers import Provider, provider_of
from apps.providers.base import TokenPrice
from apps.records.models import Record
from apps.records.states import RELEASABLE, RecordStatus
from apps.reports.run_money import dollars
from apps.specs.models import Project
from apps.submissions.budgets import tokens_cost
from apps.submissions.models import Connection, Submission
from apps.submissions.prices import price_for, price_json

MOST_COMPARED = 4
# A short text of so many words, in tokens.
TOKENS_PER_WORD = Decimal("1.35")
# What one request says beside the records it asks for: task, definition, seeds, schema.
TOKENS_PER_REQUEST = 900
RECORDS_PER_REQUEST = 5


@dataclass(frozen=True)
class OwnFigures:
    """Of this project's records by one model."""

    made: int = 0
    dropped: int = 0
    kept: int = 0
    decided: int = 0
    cost: Decimal = Decimal(0)

    @property
    def acceptance(self) -> str:
        if not self.decided:
            return "–"
        if self.decided < 20:
            return f"{self.kept} of {self.decided}"
        interval = wilson(self.kept, self.decided)
        return f"{self.kept / self.decided:.0%} ({interval.low:.0%}–{interval.high:.0%})"

    @property
    def drop_rate(self) -> str:
        return f"{self.dropped / self.made:.0%} of {self.made:,}" if self.made else "–"

    @property
    def per_accepted(self) -> str:
        return dollars(self.cost / self.kept) if self.kept and self.cost else "–"


@dataclass(frozen=True)
class Entry:
    """One enabled connection."""

    connection: Connection
    provider: Provider
    synchronous: TokenPrice | None
    batch: TokenPrice | None
    context_window: int | None
    own: OwnFigures
    teacher: TeacherCheck | None
    roles: list[str]

    @property
    def window(self) -> str:
        if not self.provider.has_batches:
            return "no batches"
        if self.provider.window is None:
            return "at once"
        return f"{self.provider.window.total_seconds() / 3600:,.0f} hours"

    @property
    def structured(self) -> str:
        return "held to by the provider" if self.provider.enforces_schema else "asked for, checked here"

    @property
    def teacher_words(self) -> str:
        if self.teacher is None or not self.teacher.answered:
            return "–"
        return f"{self.teacher.right} of {self.teacher.answered}"


SORTS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.connection.name.lower(),
    "family": lambda entry: entry.connection.family.name,
    "input": lambda entry: _or_last(entry.synchronous.input if entry.synchronous else None),
    "output": lambda entry: _or_last(entry.synchronous.output if entry.synchronous else None),
    "batch": lambda entry: _or_last(entry.batch.output if entry.batch else None),
    "context": lambda entry: -(entry.context_window or 0),
    "acceptance": lambda entry: -(entry.own.kept / entry.own.decided if entry.own.decided else -1),
    "drops": lambda entry: entry.own.dropped / entry.own.made if entry.own.made else 2,
}


@dataclass(frozen=True)
class Column:
    title: str
    sort: str = ""
    is_number: bool = False


COLUMNS = (
    Column("Model", "name"),
    Column("Family", "family"),
    Column("Chosen to"),
    Column("In", "input", is_number=True),
    Column("Out", "output", is_number=True),
    Column("Batch in / out", "batch", is_number=True),
    Column("Context", "context", is_number=True),
    Column("Batch window"),
    Column("Dropped", "drops"),
    Column("Kept", "acceptance"),
    Column("Per accepted", is_number=True),
    Column("Teacher check"),
    Column("Estimate: batch, one by one", is_number=True),
)


def catalogue(project: Project, *, sort: str = "name") -> list[Entry]:
    """A fixed number of queries and three for each connection."""
    own = _own_figures(project)
    roles: dict[int, list[str]] = defaultdict(list)
    for choice in RoleChoice.objects.filter(project=project).order_by("role"):
        roles[choice.connection_id].append(choice.get_role_display())
    entries = [
        _entry(project, connection, own, roles)
        for connection in Connection.objects.filter(is_enabled=True).select_related("family").order_by("name")
    ]
    return sorted(entries, key=SORTS.get(sort, SORTS["name"]))


def _entry(
    project: Project,
    connection: Connection,
    own: dict[tuple[str, str], OwnFigures],
    roles: dict[int, list[str]],
) -> Entry:
    provider = provider_of(connection.provider)
    return Entry(
        connection=connection,
        provider=provider,
        synchronous=price_for(connection, is_batch=False) if provider.has_synchronous else None,
        batch=price_for(connection, is_batch=True) if provider.has_batches else None,
        context_window=provider.context_window(connection.model),
        own=own.get((connection.provider, connection.model), OwnFigures()),
        teacher=latest_teacher_check(project, connection),
        roles=roles[connection.pk],
    )


def _own_figures(project: Project) -> dict[tuple[str, str], OwnFigures]:
    rows = (
        Record.objects.filter(project=project)
        .candidates()
        .values("generator_provider", "generator_model")
        .annotate(
            made=Count("pk"),
            dropped=Count("pk", filter=Q(status__in=[RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED])),
            kept=Count("pk", filter=Q(status__in=RELEASABLE)),
            rejected=Count("pk", filter=Q(status=RecordStatus.REJECTED)),
        )
        .order_by()
    )
    costs = {
        (row["connection__provider"], row["connection__model"]): row["cost"] or Decimal(0)
        for row in Submission.objects.filter(project=project)
        .values("connection__provider", "connection__model")
        .annotate(cost=Sum("cost"))
        .order_by()
    }
    return {
        (row["generator_provider"], row["generator_model"]): OwnFigures(
            made=row["made"],
            dropped=row["dropped"],
            kept=row["kept"],
            decided=row["kept"] + row["rejected"],
            cost=costs.get((row["generator_provider"], row["generator_model"]), Decimal(0)),
        )
        for row in rows
    }


@dataclass(frozen=True)
class Estimated:
    """What so many records would cost with one model; "" where no price is known."""

    batch: str
    synchronous: str


def estimated(entry: Entry, *, records: int, words: int) -> Estimated:
    """By a rule of thumb: ``words`` a record, five records a request. Always a guess."""
    output = int(records * words * TOKENS_PER_WORD)
    input_ = -(-records // RECORDS_PER_REQUEST) * TOKENS_PER_REQUEST
    return Estimated(*(_cost(price, input_, output) for price in (entry.batch, entry.synchronous)))


def _cost(price: TokenPrice | None, input_: int, output: int) -> str:
    if price is None:
        return ""
    return f"about {dollars(tokens_cost(price_json(price), input_tokens=input_, output_tokens=output))}"


def _or_last(price: Decimal | None) -> Decimal:
    return Decimal("Infinity") if price is None else price
