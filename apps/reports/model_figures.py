"""What each model has done in this project, role by role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from apps.core.charts.format import dollars, rate
from apps.core.statistics.intervals import wilson
from apps.generation.models import PromptRole, Run
from apps.records.models import Record, ReviewMethod
from apps.records.states import RELEASABLE, RecordStatus
from apps.specs.models import Project
from apps.submissions.models import Submission

DROPPED = (RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Records that a model made, and what they cost in US dollars.

    ``kept`` may go into a release, whoever said so; ``reviewed`` and ``liked`` are people's own decisions.
    """

    made: int = 0
    dropped: int = 0
    kept: int = 0
    reviewed: int = 0
    liked: int = 0
    cost: Decimal = Decimal(0)
    cost_is_guess: bool = False

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            made=self.made + other.made,
            dropped=self.dropped + other.dropped,
            kept=self.kept + other.kept,
            reviewed=self.reviewed + other.reviewed,
            liked=self.liked + other.liked,
            cost=self.cost + other.cost,
            cost_is_guess=self.cost_is_guess or other.cost_is_guess,
        )

    @property
    def drop_rate(self) -> float | None:
        return self.dropped / self.made if self.made else None

    @property
    def per_accepted(self) -> Decimal | None:
        return self.cost / self.kept if self.kept else None

    @property
    def least_acceptance(self) -> float | None:
        """What can be relied on: the lower end of the 95% interval (Wilson)."""
        return wilson(self.liked, self.reviewed).low if self.reviewed else None

    @property
    def drop_words(self) -> str:
        return "–" if self.drop_rate is None else f"{self.drop_rate:.0%} of {self.made:,}"

    @property
    def acceptance_words(self) -> str:
        return rate(self.liked, self.reviewed)

    @property
    def cost_words(self) -> str:
        return f"{'~' if self.cost_is_guess else ''}{dollars(self.cost)}"

    @property
    def per_accepted_words(self) -> str:
        if self.per_accepted is None:
            return "–"
        return f"{'~' if self.cost_is_guess else ''}{dollars(self.per_accepted)}"


def figures_by_model(project: Project) -> dict[int, dict[PromptRole, Figures]]:
    """By the pk of the connection and by role. Three queries, whatever there is.

    Trials and teacher checks are nobody's role: neither what they made nor what they cost is in here.
    """
    figures: dict[int, dict[PromptRole, Figures]] = defaultdict(dict)
    for connection_id, role, more in [*_made(project), *_spent(project)]:
        mine = figures[connection_id]
        mine[role] = mine.get(role, Figures()) + more
    return figures


def _made(project: Project) -> Iterator[tuple[int, PromptRole, Figures]]:
    """Run by run."""
    runs = {
        uuid: (connection_id, PromptRole(role))
        for uuid, connection_id, role in Run.objects.filter(project=project).values_list(
            "uuid", "connection_id", "prompt_version__prompt__role"
        )
    }
    by_person = Q(review_method=ReviewMethod.PERSON)
    liked = by_person & Q(status__in=RELEASABLE)
    counts = (
        Record.objects.filter(project=project, run_uuid__isnull=False)
        .candidates()
        .values_list("run_uuid")
        .annotate(
            made=Count("pk"),
            dropped=Count("pk", filter=Q(status__in=DROPPED)),
            kept=Count("pk", filter=Q(status__in=RELEASABLE)),
            reviewed=Count("pk", filter=liked | by_person & Q(status=RecordStatus.REJECTED)),
            liked=Count("pk", filter=liked),
        )
        .order_by()
    )
    for uuid, made, dropped, kept, reviewed, liked_ in counts:
        if uuid in runs:
            yield (
                *runs[uuid],
                Figures(made=made, dropped=dropped, kept=kept, reviewed=reviewed, liked=liked_),
            )


def _spent(project: Project) -> Iterator[tuple[int, PromptRole, Figures]]:
    costs = (
        Submission.objects.filter(project=project, purpose__in=PromptRole.values)
        .values_list("connection_id", "purpose")
        .annotate(cost=Sum("cost"), guesses=Count("pk", filter=Q(cost_is_guess=True)))
        .order_by()
    )
    for connection_id, purpose, cost, guesses in costs:
        yield (
            connection_id,
            PromptRole(purpose),
            Figures(cost=cost or Decimal(0), cost_is_guess=bool(guesses)),
        )
