from __future__ import annotations

from typing import Any

from django import forms

from apps.datasets.policy import MixPolicy
from apps.records.models import ReviewMethod

METHODS = (
    (ReviewMethod.PERSON, "person: a reviewer looked at it"),
    (ReviewMethod.VALIDATOR, "validator: a check proved it right"),
    (ReviewMethod.LOT, "lot: accepted with its lot, by sampling"),
    (ReviewMethod.BULK, "bulk: accepted all at once"),
)


class ReleaseForm(forms.Form):
    """A new release: the project's policy, with what shall differ this time."""

    admit = forms.MultipleChoiceField(
        choices=METHODS,
        widget=forms.CheckboxSelectMultiple,
        label="Take records that were accepted by",
        help_text="The card states the share of each.",
    )
    real = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Share of each label's real train rows",
        help_text="1 takes all of them, 0 none.",
    )
    include_seeds = forms.BooleanField(
        required=False, label="Take seed rows too: they are real rows that a generator has seen"
    )

    def __init__(self, policy: MixPolicy, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": policy.as_json(), **kwargs})
