"""What the pages about quality send."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms

from apps.review.forms import Words
from apps.review.gold import MOST_AT_ONCE
from apps.review.models import Action
from apps.review.rules import ReviewRules

SHARES = ("overlap", "gold", "gold_bar")


def percent_field(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=0, max_value=100, help_text=help_text)


class RulesForm(forms.Form):
    """What is reviewed twice, and what reviewers are told of themselves. Shares are typed as percentages."""

    overlap = percent_field(
        "Reviewed by two people, in percent",
        "Of the records that are put up from now on. Neither knows of the other; where they differ you decide. "
        "10 is usual.",
    )
    gold = percent_field(
        "Gold items, in percent", "Of what each person is handed; 5 is usual. They must be made first."
    )
    gold_bar = percent_field(
        "Bar for gold items, in percent",
        "A reviewer who is below it beyond chance is named above. Nothing else happens by itself.",
    )
    gold_feedback = forms.BooleanField(
        required=False,
        label="Tell reviewers at once how they did on a gold item",
        help_text="Good for learning. From then on the first answer to an item is the one that counts.",
    )
    show_scores = forms.BooleanField(
        required=False,
        label="Reviewers see their own agreement and gold score",
        help_text="On the page of their decisions.",
    )

    @classmethod
    def of(cls, rules: ReviewRules) -> RulesForm:
        shares = {name: round(getattr(rules, name) * 100) for name in SHARES}
        return cls(initial=asdict(rules) | shares)

    def rules(self) -> ReviewRules:
        values = self.cleaned_data
        return ReviewRules(**(values | {name: values[name] / 100 for name in SHARES}))


class GoldForm(forms.Form):
    count = forms.IntegerField(
        label="How many",
        min_value=1,
        max_value=MOST_AT_ONCE,
        initial=50,
        help_text="Of train rows, at random.",
    )


class PauseForm(forms.Form):
    """``why`` empty: let the person go on."""

    why = forms.CharField(required=False, strip=True, max_length=300)
    resume = forms.BooleanField(required=False)


class VerdictForm(forms.Form):
    """A lead's verdict. ``verdict`` is an action, or for *edited* the number of the edit to take over."""

    key = forms.UUIDField()
    verdict = forms.CharField()
    reason = Words(required=False)
    why = forms.CharField(required=False, strip=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        verdict = cleaned.get("verdict", "")
        if verdict not in (Action.ACCEPTED, Action.REJECTED) and not verdict.isdecimal():
            raise forms.ValidationError("The verdict is accepted, rejected, or one of the edits.")
        return cleaned
