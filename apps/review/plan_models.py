"""Sampling plans: which records of a lot people look at, and what became of the rest."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.states import Machine, status_in
from apps.core.statistics.sequential import Plan
from apps.core.statistics.switching import Carried, Level
from apps.records.models import Record


class PlanKind(models.TextChoices):
    SHARE = "share", "a fixed share"
    SEQUENTIAL = "sequential", "one after the other until decided"
    REDUCED = "reduced", "a tenth, because the batches before it passed"


class PlanStatus(models.TextChoices):
    TAKING = "taking", "setting records aside"
    SAMPLING = "sampling"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    REFUSING = "refusing"
    REFUSED = "refused"
    RETURNING = "returning", "sending the rest to full review"
    RETURNED = "returned", "full review"


S = PlanStatus
PLAN_MACHINE = Machine(
    "sampling plan",
    {
        S.TAKING: frozenset({S.SAMPLING, S.RETURNING}),
        S.SAMPLING: frozenset({S.ACCEPTING, S.REFUSING, S.RETURNING}),
        S.ACCEPTING: frozenset({S.ACCEPTED}),
        S.REFUSING: frozenset({S.REFUSED}),
        S.RETURNING: frozenset({S.RETURNED}),
        S.ACCEPTED: frozenset(),
        S.REFUSED: frozenset(),
        S.RETURNED: frozenset(),
    },
)
SETTLING = {S.ACCEPTING: S.ACCEPTED, S.REFUSING: S.REFUSED, S.RETURNING: S.RETURNED}
PASSED, FAILED = (S.ACCEPTING, S.ACCEPTED), (S.REFUSING, S.REFUSED)
OPEN_PLAN = (S.TAKING, S.SAMPLING, *SETTLING)


class PlanQuerySet(models.QuerySet["SamplingPlan"]):
    def due(self, now: datetime) -> PlanQuerySet:
        return self.filter(status__in=OPEN_PLAN, next_attempt_at__lte=now)

    def with_verdict(self) -> PlanQuerySet:
        """Whose lot was accepted or refused by its sample."""
        return self.filter(status__in=[*PASSED, *FAILED])


class SamplingPlan(models.Model):
    """What waited in a lot when a lead chose the plan: a random part goes to people, their verdict settles the rest.

    Records that come into the lot later are no part of it: they are the next batch, for people or for another plan.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lot = models.ForeignKey("review.Lot", on_delete=models.PROTECT, related_name="plans")
    kind = models.CharField(max_length=20, choices=PlanKind)
    status = models.CharField(max_length=20, choices=PlanStatus, default=PlanStatus.TAKING)
    level = models.CharField(
        max_length=10,
        choices=[(level.value, level.value) for level in Level],
        default=Level.NORMAL,
        help_text="How closely it looks, by how the batches of this lot before it went.",
    )
    share = models.FloatField(
        null=True, blank=True, help_text="Of a plan with a fixed share, or a reduced one."
    )
    risk_share = models.FloatField(
        default=0, help_text="Share of the riskiest records that people see besides."
    )
    good = models.FloatField(help_text="Share of bad records that is fine.")
    poor = models.FloatField(help_text="Share of bad records that is not.")
    alpha = models.FloatField(help_text="How often a fine lot may be refused.")
    beta = models.FloatField(help_text="How often a poor lot may be accepted.")
    seed = models.PositiveBigIntegerField(
        help_text="Settles the random order, together with each record's uuid."
    )
    last_task = models.BigIntegerField(help_text="The newest task when it began.")
    population = models.PositiveIntegerField(default=0, help_text="Records that were set aside.")
    reviewed = models.PositiveIntegerField(default=0, help_text="Of the random sample, at the verdict.")
    bad = models.PositiveIntegerField(default=0, help_text="Edited or rejected among those.")
    carried_reviewed = models.PositiveIntegerField(
        default=0, help_text="Reduced samples up to here since their sequence was last accepted."
    )
    carried_bad = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True, help_text="Why it ended as it did.")
    started_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    stopped_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            status_in(PLAN_MACHINE, name="plan_status"),
            models.CheckConstraint(condition=Q(kind__in=PlanKind.values), name="plan_kind"),
            models.CheckConstraint(
                condition=Q(kind__in=["share", "reduced"], share__gt=0, share__lt=1)
                | Q(kind="sequential", share=None),
                name="plan_share",
            ),
            models.UniqueConstraint(
                fields=["lot"],
                condition=Q(status__in=["taking", "sampling", "accepting", "refusing", "returning"]),
                name="one_plan_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=Q(next_attempt_at__isnull=False),
                name="plan_due",
            )
        ]

    def __str__(self) -> str:
        return f"plan {self.pk}"

    @property
    def rule(self) -> Plan:
        return Plan(self.good, self.poor, self.alpha, self.beta)

    @property
    def carried(self) -> Carried:
        """What reduced samples after it begin from."""
        return Carried(self.carried_reviewed, self.carried_bad)


class Risk(models.TextChoices):
    DOUBTED = "doubted", "doubted by a judge"
    NEAR = "near", "near protected data"
    RARE = "rare", "rare in its axes"


class PlannedRecord(models.Model):
    """A record under a plan, its place in the random order, and why people were shown it."""

    plan = models.ForeignKey(SamplingPlan, on_delete=models.PROTECT, related_name="records")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="planned")
    rank = models.BigIntegerField(help_text="Random: from the plan's seed and the record's uuid.")
    drawn_at = models.DateTimeField(null=True, blank=True, help_text="When it went to people.")
    is_random = models.BooleanField(default=False, help_text="Part of the random sample.")
    risk = models.CharField(max_length=10, choices=Risk, blank=True, help_text="Part of the risk audit.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "record"], name="planned_once"),
            models.CheckConstraint(condition=Q(risk__in=["", *Risk.values]), name="planned_risk"),
            models.CheckConstraint(
                condition=Q(drawn_at=None, is_random=False, risk="")
                | (Q(drawn_at__isnull=False) & (Q(is_random=True) | ~Q(risk=""))),
                name="planned_drawn_for_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["plan", "rank"], name="planned_in_order")]

    def __str__(self) -> str:
        return f"#{self.record_id} of {self.plan}"
