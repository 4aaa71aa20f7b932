"""Forms for gaps, and what the admin asks beyond the models: specs, guides and members are edited there."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.specs.models import LabelGuide, Membership, Project, Role, VersionStatus

REALISM = (
    ("typos", "typos"),
    ("fragments", "fragments"),
    ("abbreviations", "abbreviations"),
    ("casing", "careless casing"),
    ("pasted_mail", "pasted mail"),
    ("contradictions", "contradictions"),
)


class GapForm(forms.Form):
    """A gap to open. ``axes`` is written as lines ``name: value, value``."""

    name = forms.CharField(max_length=120)
    target_labels = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        help_text="The labels that the model misses. They become the locked slice.",
    )
    why = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The evidence: dev or cross-validation figures. Never the holdout.",
    )
    target_count = forms.IntegerField(min_value=1, max_value=1_000_000, initial=200, label="Records wanted")
    axes = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="What to vary",
        help_text="One axis a line, for example “tone: angry, polite, resigned”.",
    )
    realism = forms.MultipleChoiceField(
        required=False, choices=REALISM, widget=forms.CheckboxSelectMultiple, label="Realism to demand"
    )

    def __init__(self, project: Project, guide: LabelGuide | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        field = self.fields["target_labels"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [
                (label.name, f"{label.name} ({label.commonness})")
                for label in (guide.labels.all() if guide else [])
                if not label.is_rejected
            ]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.project.gaps.filter(name=name).exists():
            raise forms.ValidationError("There is a gap of this name already.")
        return name

    def clean_axes(self) -> dict[str, list[str]]:
        axes: dict[str, list[str]] = {}
        for number, line in enumerate(self.cleaned_data["axes"].splitlines(), 1):
            if not line.strip():
                continue
            name, separator, values = line.partition(":")
            parts = [value.strip() for value in values.split(",") if value.strip()]
            if not separator or not name.strip() or not parts:
                raise forms.ValidationError(f"Line {number}: write “name: value, value”.")
            if name.strip() in axes:
                raise forms.ValidationError(f"Line {number}: the axis “{name.strip()}” is there already.")
            axes[name.strip()] = parts
        return axes


class OneDraftForm(forms.ModelForm[Any]):
    """A new version of a spec or guide, in a project that has no draft of it yet."""

    def clean_project(self) -> Project:
        project: Project = self.cleaned_data["project"]
        drafts = self._meta.model._default_manager.filter(project=project, status=VersionStatus.DRAFT)
        if drafts.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("This project has a draft already: publish or change that one.")
        return project


class MembershipForm(forms.ModelForm[Membership]):
    roles = forms.MultipleChoiceField(choices=Role.choices, widget=forms.CheckboxSelectMultiple)

    class Meta:
        model = Membership
        fields = ("user", "project", "roles")
