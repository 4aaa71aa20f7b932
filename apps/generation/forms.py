"""Forms of prompts and runs. They check what a person can mistype; the services check the rest."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.generation.languages import LANGUAGES, LONGEST_TEMPLATE
from apps.generation.models import Prompt, PromptLanguage, PromptRole, PromptVersion
from apps.generation.selectors import readable_languages
from apps.generation.services import MOST_RECORDS
from apps.specs.models import Gap, GapStatus, Project
from apps.submissions.models import Connection, Delivery

MOST_SEED = 2**63 - 1


class VersionForm(forms.Form):
    """What the next version of a prompt says."""

    template = forms.CharField(
        label="Prompt",
        max_length=LONGEST_TEMPLATE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "class": "mono", "spellcheck": "false"}),
    )
    notes = forms.CharField(
        label="What is new", max_length=300, required=False, help_text="One line for the list of versions."
    )


class PromptForm(VersionForm):
    """A new prompt with its first version."""

    name = forms.CharField(max_length=Prompt._meta.get_field("name").max_length)
    field_order = ("name", "template", "notes")

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        readable = readable_languages()
        choices = [(value, label) for value, label in PromptLanguage.choices if value in readable]
        self.fields["language"] = forms.ChoiceField(
            label="Written as",
            choices=choices,
            initial=choices[0][0],
            # With one provider there is nothing to choose.
            widget=forms.HiddenInput if len(choices) == 1 else forms.Select,
        )
        self.initial.setdefault("template", LANGUAGES[choices[0][0]].starter)

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if self.project.prompts.filter(name=name).exists():
            raise forms.ValidationError("There is a prompt of this name: open it and add a version.")
        return name


class RunForm(forms.Form):
    """What to make, for which gap, with which prompt and model."""

    gap = forms.ModelChoiceField(Gap.objects.none(), help_text="Only gaps that are open.")
    prompt_version = forms.ModelChoiceField(PromptVersion.objects.none(), label="Prompt")
    connection = forms.ModelChoiceField(Connection.objects.none(), label="Generator")
    count = forms.IntegerField(
        label="Records",
        min_value=1,
        max_value=MOST_RECORDS,
        help_text="What the checks drop is not replaced.",
    )
    delivery = forms.ChoiceField(
        label="Sent",
        required=False,
        choices=[
            ("", "as a batch where there is one"),
            (Delivery.BATCH, "as a batch: cheaper, within the provider's window"),
            (Delivery.SYNCHRONOUS, "one by one: at once, at the full price"),
        ],
    )
    needed_by = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="The estimate then says whether a batch can be back in time.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=MOST_SEED,
        required=False,
        help_text="An offline run with the same seed gives the same records. Empty: a new one.",
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gaps = project.gaps.exclude(status=GapStatus.CLOSED) if project.is_sandbox else _open(project)
        versions = PromptVersion.objects.filter(prompt__project=project, prompt__role=PromptRole.GENERATE)
        self._offer("gap", gaps.order_by("name"))
        self._offer("prompt_version", versions.select_related("prompt").order_by("prompt__name", "-version"))
        self._offer("connection", Connection.objects.filter(is_enabled=True).order_by("name"))
        self.initial.setdefault("prompt_version", versions.order_by("-id").first())

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        if not isinstance(field, forms.ModelChoiceField):
            raise TypeError(f"{name} offers no rows.")
        field.queryset = rows
        if len(rows) == 1:
            field.initial = rows[0]


def _open(project: Project) -> Any:
    return project.gaps.filter(status=GapStatus.OPEN)
