"""Forms of judges. They check what a person can mistype; the services check the rest."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.critic.asking import MOST_RECORDS, USUAL_PORTION
from apps.critic.models import HIGHEST, LOWEST, USUAL_BAR, Judge, JudgeVersion, Occasion
from apps.critic.rubric import LONGEST_RUBRIC, STARTER
from apps.generation.models import PromptRole
from apps.generation.roles import chosen_for
from apps.providers import REGISTRY
from apps.specs.models import Project
from apps.submissions.models import Connection, Delivery


class JudgeVersionForm(forms.Form):
    """Whom a judge asks, by which rubric."""

    connection = forms.ModelChoiceField(
        Connection.objects.none(),
        label="Model",
        help_text="Of another family than the models that write here: its own blind spots it would not see.",
    )
    rubric = forms.CharField(
        max_length=LONGEST_RUBRIC,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text="What a good record is, beside the spec and the label guide, which it is given anyway. Quote no "
        "real record here.",
    )
    bar = forms.TypedChoiceField(
        label="It doubts at a score of",
        coerce=int,
        choices=[(score, f"{score} or less") for score in range(LOWEST, HIGHEST)],
        initial=USUAL_BAR,
        help_text="Of 5, or when it says a doubt as far from the other end: 2 or less, 4 or more. Doubted records "
        "come first in the queue; none is dropped or accepted.",
    )
    notes = forms.CharField(label="What is new", max_length=300, required=False)

    def __init__(self, project: Project, *args: Any, last: JudgeVersion | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        models = [key for key, provider in REGISTRY.items() if not provider.offline_model]
        field = self.fields["connection"]
        if isinstance(field, forms.ModelChoiceField):
            offered = Connection.objects.filter(is_enabled=True, provider__in=models)
            field.queryset = offered.order_by("name")
        self.initial.setdefault("rubric", last.rubric if last else STARTER.strip())
        self.initial.setdefault("bar", last.bar if last else USUAL_BAR)
        chosen = last.connection if last else chosen_for(project, PromptRole.JUDGE)
        self.initial.setdefault("connection", chosen)


class JudgeForm(JudgeVersionForm):
    """A new judge with its first version."""

    name = forms.CharField(max_length=Judge._meta.get_field("name").max_length)
    field_order = ("name", "connection", "rubric", "bar", "notes")


class SwitchForm(forms.Form):
    is_on = forms.BooleanField(label="Switched on", required=False)
    audits = forms.BooleanField(
        label="Audit what was accepted, every night",
        required=False,
        help_text="As an offline batch where its provider has one, within the project’s budget.",
    )
    audit_most = forms.IntegerField(label="Records a night, at most", min_value=1, max_value=MOST_RECORDS)


class AskForm(forms.Form):
    """One portion: what about, how many, how."""

    occasion = forms.ChoiceField(label="About", choices=[(each.value, each.label) for each in Occasion])
    most = forms.IntegerField(
        label="How many, at most", min_value=1, max_value=MOST_RECORDS, initial=USUAL_PORTION
    )
    delivery = forms.ChoiceField(
        label="Sent",
        required=False,
        choices=[
            ("", "as a batch where there is one"),
            (Delivery.BATCH, "as a batch"),
            (Delivery.SYNCHRONOUS, "one by one"),
        ],
    )

    def asked(self) -> dict[str, Any]:
        """The portion in words of ``critic.asking``; a form that is not valid asks for the usual one."""
        values = self.cleaned_data if self.is_valid() else {}
        return {
            "occasion": values.get("occasion") or Occasion.REVIEW.value,
            "most": values.get("most") or USUAL_PORTION,
            "delivery": values.get("delivery") or "",
        }
