"""Forms of the evaluation page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from apps.datasets.models import Release
from apps.evaluation.learner import ARMS, LEAST_FOLDS, MOST_FOLDS
from apps.evaluation.models import ModelUnderTest, Training
from apps.evaluation.selectors import ARM_NOTES


class ComparisonForm(forms.Form):
    """Which arms of the built-in learner to compare, on which release."""

    release = forms.ModelChoiceField(
        Release.objects.none(), required=False, empty_label="none: the project's real rows as they stand"
    )
    arms = forms.MultipleChoiceField(
        choices=[(arm, f"{arm}: {ARM_NOTES[arm]}") for arm in ARMS],
        widget=forms.CheckboxSelectMultiple,
        initial=ARMS,
    )
    folds = forms.IntegerField(min_value=LEAST_FOLDS, max_value=MOST_FOLDS, initial=5)

    def __init__(self, releases: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _set_queryset(self.fields["release"], releases)
        self.fields["release"].initial = releases.first()


class PredictionsForm(forms.Form):
    """What a model answered on the frozen holdout, and what it says of its training."""

    name = forms.CharField(max_length=120, help_text="A later upload of this name takes its place.")
    file = forms.FileField(
        help_text=(
            "CSV or JSONL: id, label, and perhaps score. Every row of the holdout, once. The ids are those of the "
            "column that was mapped to id, else row-1, row-2 … in the order of your file."
        )
    )
    trained_on = forms.ChoiceField(
        choices=Training.choices, initial=Training.UNKNOWN, label="What it was trained on"
    )
    releases = forms.ModelMultipleChoiceField(
        Release.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="These releases"
    )
    note = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, releases: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _set_queryset(self.fields["releases"], releases)


class LaunchForm(forms.Form):
    """Three models to compare."""

    baseline = forms.ModelChoiceField(
        ModelUnderTest.objects.none(), empty_label=None, help_text="What runs today, or real rows only."
    )
    control = forms.ModelChoiceField(
        ModelUnderTest.objects.none(),
        empty_label=None,
        help_text="Real rows only, reweighted: the gain has to be more than that.",
    )
    candidate = forms.ModelChoiceField(
        ModelUnderTest.objects.none(), empty_label=None, help_text="The one that might ship."
    )

    USUAL = {"baseline": "real", "control": "control", "candidate": "blended"}

    def __init__(self, models: Sequence[ModelUnderTest], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        queryset = ModelUnderTest.objects.filter(pk__in=[model.pk for model in models]).order_by("name")
        by_name = {model.name: model for model in models}
        for part, usual in self.USUAL.items():
            _set_queryset(self.fields[part], queryset)
            self.fields[part].initial = by_name.get(usual)


def _set_queryset(field: forms.Field, queryset: Any) -> None:
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = queryset
