from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.holdout.rules import FreezeTerms
from apps.holdout.selectors import LabelLine
from apps.specs.models import Commonness

ACCEPTED = ".csv,.tsv,.jsonl,.ndjson,.json"


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Real rows that no generator has seen",
        help_text="CSV with a header line, or JSONL; at most 64 MiB. Ids that predictions use: a column “id”.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )


class FreezeForm(forms.Form):
    """The rule of the launch verdict, fixed for good. A label that is neither rare nor common is ``other``."""

    rare = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    common = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, required=False)
    delta = forms.FloatField(
        initial=0.02,
        label="Delta",
        help_text="The largest loss on the common labels that is tolerated, as a share: 0.02 is two points.",
    )
    alpha = forms.FloatField(
        initial=0.05, label="Alpha", help_text="One-sided, for all looks together; each look gets its part."
    )
    looks = forms.IntegerField(
        initial=5, min_value=1, help_text="How many candidates may ever be compared with this holdout."
    )
    share_rare = forms.FloatField(required=False, label="Share of rare")
    share_common = forms.FloatField(required=False, label="Share of common")
    share_other = forms.FloatField(required=False, label="Share of other")
    understood = forms.BooleanField(
        label="I know that this is final: no row, label or number can be changed later"
    )

    numbers = ("delta", "alpha", "looks")
    shares = tuple(f"share_{name}" for name in (Commonness.RARE, Commonness.COMMON, Commonness.OTHER))

    def __init__(self, labels: Sequence[LabelLine], *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.labels = [line for line in labels if line.is_in_guide]
        choices = [(line.name, line.name) for line in self.labels]
        for name in (Commonness.RARE, Commonness.COMMON):
            field = self.fields[name]
            if isinstance(field, forms.MultipleChoiceField):
                field.choices = choices
                field.initial = [line.name for line in self.labels if line.commonness == name]

    def label_rows(self) -> list[tuple[LabelLine, Any, Any]]:
        """Each label with its two boxes."""
        return list(zip(self.labels, self["rare"].subwidgets, self["common"].subwidgets, strict=True))

    def number_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.numbers]

    def share_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.shares]

    def terms(self) -> FreezeTerms:
        values = self.cleaned_data
        shares = {
            name.removeprefix("share_"): values[name] for name in self.shares if values[name] is not None
        }
        return FreezeTerms(
            rare=values["rare"],
            common=values["common"],
            delta=values["delta"],
            alpha=values["alpha"],
            looks=values["looks"],
            production_shares=shares,
        )
