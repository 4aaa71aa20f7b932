"""Which model for which role: what each costs and takes by its vendor, and how it has done in this project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.core.charts.format import dollars, percent_interval
from apps.generation.gates import teacher_interval
from apps.generation.models import PromptRole, RoleChoice, TeacherCheck
from apps.providers import Provider, provider_of
from apps.providers.base import TokenPrice
from apps.reports.model_figures import Figures, figures_by_model
from apps.specs.models import Project
from apps.submissions.budgets import tokens_cost
from apps.submissions.models import Connection
from apps.submissions.prices import Prices, price_json, prices_of

MOST_COMPARED = 4
# A short text of so many words, in tokens.
TOKENS_PER_WORD = Decimal("1.35")
# What one request says beside the records it asks for: task, definition, seeds, schema.
TOKENS_PER_REQUEST = 900


@dataclass(frozen=True)
class Entry:
    """One enabled connection. ``own`` is by the roles that it has had here."""

    connection: Connection
    provider: Provider
    prices: Prices
    context_window: int | None
    own: Mapping[PromptRole, Figures]
    teacher: TeacherCheck | None
    roles: list[str]
    """What it is chosen to do."""

    @property
    def total(self) -> Figures:
        return sum(self.own.values(), Figures())

    @property
    def synchronous(self) -> TokenPrice | None:
        return self.prices.synchronous if self.provider.has_synchronous else None

    @property
    def batch(self) -> TokenPrice | None:
        return self.prices.batch if self.provider.has_batches else None

    @property
    def synchronous_words(self) -> str:
        return price_words(self.synchronous)

    @property
    def batch_words(self) -> str:
        return price_words(self.batch)

    @property
    def context_words(self) -> str:
        return f"{self.context_window:,}" if self.context_window else "–"

    @property
    def window(self) -> str:
        if not self.provider.has_batches:
            return "no batches"
        if self.provider.window is None:
            return "at once" if self.provider.offline_model else "not said"
        return f"{self.provider.window.total_seconds() / 3600:,.0f} hours"

    @property
    def structured(self) -> str:
        return "enforced" if self.provider.enforces_schema else "asked for"

    @property
    def teacher_words(self) -> str:
        if self.teacher is None or not self.teacher.answered:
            return "–"
        interval = teacher_interval(self.teacher)
        return (
            f"{self.teacher.right} of {self.teacher.asked} ({percent_interval(interval.low, interval.high)})"
        )


def catalogue(project: Project, *, sort: str = "name") -> list[Entry]:
    """The best by ``sort`` first, what is not known last. The same seven queries whatever there is."""
    connections = list(Connection.objects.filter(is_enabled=True).select_related("family").order_by("name"))
    prices, own = prices_of(connections), figures_by_model(project)
    roles: dict[int, list[str]] = defaultdict(list)
    for choice in RoleChoice.objects.filter(project=project).order_by("role"):
        roles[choice.connection_id].append(choice.get_role_display())
    # The newest comes last and stays.
    teachers = {check.connection_id: check for check in project.teacher_checks.ended().order_by("id")}
    entries = []
    for connection in connections:
        provider = provider_of(connection.provider)
        entry = Entry(
            connection=connection,
            provider=provider,
            prices=prices[connection.pk],
            context_window=provider.context_window(connection.model),
            own=own.get(connection.pk, {}),
            teacher=teachers.get(connection.pk),
            roles=roles[connection.pk],
        )
        entries.append(entry)
    return sorted(entries, key=SORTS.get(sort, SORTS["name"]))


@dataclass(frozen=True)
class Estimated:
    """What so many records would cost with one model; "–" where no price is known. Always a guess."""

    batch: Decimal | None
    synchronous: Decimal | None

    @property
    def batch_words(self) -> str:
        return _guess(self.batch)

    @property
    def synchronous_words(self) -> str:
        return _guess(self.synchronous)


def estimated(entry: Entry, *, records: int, words: int) -> Estimated:
    """By a rule of thumb: ``words`` a record, as many records a request as the provider is asked for."""
    each = entry.provider.limits(entry.connection.endpoint).records_per_request
    output = int(records * words * TOKENS_PER_WORD)
    input_ = -(-records // each) * TOKENS_PER_REQUEST

    def cost(price: TokenPrice | None) -> Decimal | None:
        if price is None:
            return None
        return tokens_cost(price_json(price), input_tokens=input_, output_tokens=output)

    return Estimated(cost(entry.batch), cost(entry.synchronous))


def _guess(money: Decimal | None) -> str:
    if money is None:
        return "–"
    return f"~{dollars(money)}" if money else "$0"


@dataclass(frozen=True)
class Column:
    """``sort`` orders by it; empty where there is no order."""

    title: str
    sort: str = ""
    is_number: bool = False


VENDOR_COLUMNS = (
    Column("Model", "name"),
    Column("Chosen to"),
    Column("One by one, in / out", "output", is_number=True),
    Column("Batch, in / out", "batch", is_number=True),
    Column("Context", "context", is_number=True),
    Column("Batch window", "window"),
    Column("Structured output", "structured"),
    Column("Estimate, batch", "estimate", is_number=True),
    Column("Estimate, one by one", "estimate_now", is_number=True),
)
OWN_COLUMNS = (
    Column("Model", "name"),
    Column("Role"),
    Column("Made", "made", is_number=True),
    Column("Dropped by checks", "drops"),
    Column("Kept by reviewers", "acceptance"),
    Column("Spent", is_number=True),
    Column("Per accepted record", "per_accepted", is_number=True),
    Column("Teacher check", "teacher"),
)


def _known(value: Any) -> tuple[bool, Any]:
    """Orders what is not known last."""
    return (value is None, 0 if value is None else value)


def _most(value: Any) -> tuple[bool, Any]:
    return _known(None if value is None else -value)


def _cost_of_many(entry: Entry) -> Estimated:
    """However many there are, they cost in this order; thirty words each are a short message."""
    return estimated(entry, records=1_000_000, words=30)


SORTS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.connection.name.lower(),
    "output": lambda entry: _known(entry.synchronous and entry.synchronous.output),
    "batch": lambda entry: _known(entry.batch and entry.batch.output),
    "context": lambda entry: _most(entry.context_window),
    "window": lambda entry: _known(entry.provider.window if entry.provider.has_batches else None),
    "structured": lambda entry: not entry.provider.enforces_schema,
    "estimate": lambda entry: _known(_cost_of_many(entry).batch),
    "estimate_now": lambda entry: _known(_cost_of_many(entry).synchronous),
    "made": lambda entry: -entry.total.made,
    "drops": lambda entry: _known(entry.total.drop_rate),
    "acceptance": lambda entry: _most(entry.total.least_acceptance),
    "per_accepted": lambda entry: _known(entry.total.per_accepted),
    "teacher": lambda entry: _most(
        teacher_interval(entry.teacher).low if entry.teacher and entry.teacher.answered else None
    ),
}


@dataclass(frozen=True)
class Line:
    """One line of the sheet that sets models side by side: a text and a remark for each."""

    title: str
    cells: list[tuple[str, str]]


def side_by_side(entries: Sequence[Entry], *, records: int, words: int) -> list[Line]:
    estimates = [estimated(entry, records=records, words=words) for entry in entries]

    def line(title: str, *cells: str) -> Line:
        return Line(title, [(cell, "") for cell in cells])

    def prices(title: str, found: Sequence[TokenPrice | None]) -> Line:
        return Line(title, [(price_words(price), _read_where(price)) for price in found])

    lines = [
        line("Provider", *(entry.provider.title for entry in entries)),
        line("Model", *(entry.connection.model for entry in entries)),
        line("Family", *(entry.connection.family.name for entry in entries)),
        line("Chosen to", *(", ".join(entry.roles) or "–" for entry in entries)),
        prices("One by one, in / out", [entry.synchronous for entry in entries]),
        prices("Batch, in / out", [entry.batch for entry in entries]),
        line(f"{records:,} records, batch", *(each.batch_words for each in estimates)),
        line(f"{records:,} records, one by one", *(each.synchronous_words for each in estimates)),
        line("Context window", *(entry.context_words for entry in entries)),
        line("Batch window", *(entry.window for entry in entries)),
        line("Structured output", *(entry.structured for entry in entries)),
        # No task asks for another one yet, and no list says which a model takes.
        line("Modalities", *("text" for _ in entries)),
        line("Teacher check", *(entry.teacher_words for entry in entries)),
    ]
    for role in [role for role in PromptRole if any(role in entry.own for entry in entries)]:
        own = [entry.own.get(role, Figures()) for entry in entries]
        lines += [
            line(f"{role.label}: dropped by checks", *(each.drop_words for each in own)),
            line(f"{role.label}: kept by reviewers", *(each.acceptance_words for each in own)),
            line(f"{role.label}: per accepted record", *(each.per_accepted_words for each in own)),
        ]
    return lines


def price_words(price: TokenPrice | None) -> str:
    if price is None:
        return "–"
    guess = "~" if price.is_guess else ""
    return f"{guess}{_digits(price.input)} / {_digits(price.output)}"


def _digits(money: Decimal) -> str:
    """At least cents, and as many digits as it has."""
    cents = money.quantize(Decimal("0.01"))
    return f"{cents}" if cents == money else f"{money.normalize():f}"


def _read_where(price: TokenPrice | None) -> str:
    return "" if price is None else ", ".join(filter(None, (price.source, price.as_of)))
