from __future__ import annotations

from typing import Any

from django import forms

from apps.intake.models import ImportRole
from apps.intake.unlabelled import DEFAULT_MAP
from apps.specs.models import Gap, GapStatus, Project

ACCEPTED = ".csv,.tsv,.jsonl,.ndjson,.json"


class UnlabelledForm(forms.Form):
    """A file of real inputs without labels, and where their parts stand in it."""

    file = forms.FileField(
        help_text="CSV with a header line, or JSONL; at most 64 MiB.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )
    mapping = forms.CharField(
        label="Columns",
        initial="\n".join(DEFAULT_MAP),
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text="One a line: input.NAME=COLUMN.",
    )

    def clean_mapping(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["mapping"].splitlines() if line.strip()]


class UploadForm(forms.Form):
    """A file and what its rows may be used for."""

    file = forms.FileField(
        help_text="CSV with a header line, or JSONL; at most 64 MiB.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )
    role = forms.ChoiceField(choices=ImportRole.choices, widget=forms.RadioSelect, label="These rows are")
    gap = forms.ModelChoiceField(
        Gap.objects.none(), required=False, help_text="For candidates: the gap they are meant to fill."
    )
    origin = forms.CharField(
        max_length=300,
        required=False,
        help_text="For candidates: where, when and how they were made. The launch report repeats it.",
    )

    def __init__(self, project: Project, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        field = self.fields["gap"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = project.gaps.exclude(status=GapStatus.CLOSED).order_by("name")

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("role") == ImportRole.CANDIDATES and not values.get("gap") and "gap" not in self.errors:
            self.add_error("gap", "Say which gap these candidates are meant to fill.")
        return values
