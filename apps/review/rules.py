"""What a project asks of its reviews beyond one decision per record."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.specs.models import Project


@dataclass(frozen=True, kw_only=True)
class ReviewRules:
    """Shares are from 0 to 1. Everything is off until a lead says otherwise."""

    overlap: float = 0.0
    """Share of records that two people decide, neither knowing of the other."""
    gold: float = 0.0
    """Share of what a person is handed whose right answer is known."""
    gold_bar: float = 0.8
    """A reviewer whose whole interval lies below this share of right answers is named to the lead."""
    gold_feedback: bool = False
    """Whether reviewers are told at once how they did on a gold item."""
    show_scores: bool = False
    """Whether reviewers see their own agreement and gold score."""

    @property
    def hides_records(self) -> bool:
        """Whether a reviewer must not look records up: whoever finds every card but one has found a gold item."""
        return bool(self.gold)

    @property
    def keeps_secrets(self) -> bool:
        """Whether there is something about a waiting record that a reviewer must not know."""
        return bool(self.overlap or self.gold)

    @classmethod
    def of(cls, project: Project) -> ReviewRules:
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in project.review_rules.items() if name in known})


def set_rules(*, project: Project, rules: ReviewRules, actor: User) -> None:
    """Counts for records that are opened, and cards that are handed out, from now on."""
    shares = {"overlap": rules.overlap, "gold": rules.gold, "gold_bar": rules.gold_bar}
    if wrong := [name for name, share in shares.items() if not 0 <= share <= 1]:
        raise RefusedError(f"These must be shares from 0 to 100%: {', '.join(wrong)}.")
    Project.objects.filter(pk=project.pk).update(review_rules=asdict(rules))
    project.review_rules = asdict(rules)
