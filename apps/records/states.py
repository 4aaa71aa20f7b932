"""The states of a record and the moves between them (architecture: States)."""

from __future__ import annotations

from django.db import models

from apps.core.states import Machine


class RecordStatus(models.TextChoices):
    GENERATED = "generated"
    FAILED_CHECKS = "failed_checks", "Failed checks"
    NOT_CHECKED = "not_checked", "Not checked"
    SAMPLED_OUT = "sampled_out", "Sampled out"
    AWAITING_REVIEW = "awaiting_review", "Awaiting review"
    FLAGGED = "flagged"
    ACCEPTED = "accepted"
    EDITED = "edited"
    REJECTED = "rejected"
    RECALLED = "recalled"
    REAL = "real"
    GOLD = "gold", "Gold item"


S = RecordStatus

MACHINE = Machine(
    "record",
    {
        S.GENERATED: frozenset(
            {S.FAILED_CHECKS, S.NOT_CHECKED, S.AWAITING_REVIEW, S.SAMPLED_OUT, S.ACCEPTED, S.GOLD}
        ),
        S.FAILED_CHECKS: frozenset({S.AWAITING_REVIEW, S.GENERATED}),
        S.NOT_CHECKED: frozenset({S.GENERATED}),
        S.SAMPLED_OUT: frozenset({S.ACCEPTED, S.AWAITING_REVIEW, S.FAILED_CHECKS}),
        S.AWAITING_REVIEW: frozenset(
            {S.ACCEPTED, S.EDITED, S.REJECTED, S.FLAGGED, S.FAILED_CHECKS, S.SAMPLED_OUT}
        ),
        S.FLAGGED: frozenset({S.AWAITING_REVIEW, S.ACCEPTED, S.EDITED, S.REJECTED}),
        S.ACCEPTED: frozenset({S.AWAITING_REVIEW, S.RECALLED, S.FAILED_CHECKS}),
        S.EDITED: frozenset({S.AWAITING_REVIEW, S.RECALLED, S.FAILED_CHECKS}),
        S.REJECTED: frozenset({S.AWAITING_REVIEW}),
        S.RECALLED: frozenset({S.AWAITING_REVIEW}),
        # A real row is what it is: it enters in this state and stays.
        S.REAL: frozenset(),
        # People decide about it, and it never moves: nothing of it is ever released.
        S.GOLD: frozenset(),
    },
)

RELEASABLE = frozenset({S.ACCEPTED, S.EDITED})
REVIEWED_HERE = frozenset({S.AWAITING_REVIEW, S.GOLD})
"""What people are handed."""
DECIDED = frozenset({S.ACCEPTED, S.EDITED, S.REJECTED})
