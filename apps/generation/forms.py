"""Forms of prompts and runs. They check what a person can mistype; the services check the rest."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.generation.jobs import JOBS
from apps.generation.languages import LANGUAGES, LONGEST_TEMPLATE
from apps.generation.models import Prompt, PromptLanguage, PromptRole, PromptVersion
from apps.generation.roles import chosen_for
from apps.generation.selectors import readable_languages
from apps.generation.services import MOST_RECORDS
from apps.providers import REGISTRY
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
        self.fields["role"] = forms.ChoiceField(
            label="Used to",
            required=False,
            choices=[(role.value, role.label) for role in PromptRole if role in JOBS],
            initial=PromptRole.GENERATE,
        )
        readable = readable_languages()
        choices = [(value, label) for value, label in PromptLanguage.choices if value in readable]
        self.fields["language"] = forms.ChoiceField(
            label="Written as",
            choices=choices,
            initial=choices[0][0],
            # With one provider there is nothing to choose.
            widget=forms.HiddenInput if len(choices) == 1 else forms.Select,
        )
        self.initial.setdefault(
            "template", starter_of(self.initial.get("language", choices[0][0]), self.initial.get("role", ""))
        )

    def clean_role(self) -> str:
        return self.cleaned_data["role"] or PromptRole.GENERATE

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_phrases = cleaned.get("language") == PromptLanguage.PHRASES
        if is_phrases and cleaned.get("role", PromptRole.GENERATE) != PromptRole.GENERATE:
            self.add_error("role", "Phrases can only generate: write this one as a Jinja template.")
        return cleaned

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if self.project.prompts.filter(name=name).exists():
            raise forms.ValidationError("There is a prompt of this name: open it and add a version.")
        return name


def starter_of(language: str, role: str) -> str:
    """What an empty editor begins with."""
    if language == PromptLanguage.JINJA and role in JOBS:
        return JOBS[role].starter
    return LANGUAGES[language].starter


class WorkbenchForm(forms.Form):
    """A prompt being written, and what it is looked at with."""

    template = forms.CharField(
        label="Prompt",
        max_length=LONGEST_TEMPLATE,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 22, "class": "mono", "spellcheck": "false"}),
    )
    gap = forms.ModelChoiceField(Gap.objects.none())
    connection = forms.ModelChoiceField(Connection.objects.none(), label="Generator")
    notes = forms.CharField(label="What is new", max_length=300, required=False)

    def __init__(self, prompt: Prompt, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        readers = [key for key, provider in REGISTRY.items() if provider.prompt_language == prompt.language]
        offered = {
            "gap": prompt.project.gaps.exclude(status=GapStatus.CLOSED).order_by("name"),
            "connection": Connection.objects.filter(is_enabled=True, provider__in=readers).order_by("name"),
        }
        for name, rows in offered.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = rows
                field.empty_label = None
        if chosen := chosen_for(prompt.project, prompt.role):
            self.initial.setdefault("connection", chosen)

    def clean_template(self) -> str:
        # As a saved version has it: browsers send two characters for the end of a line.
        template: str = self.cleaned_data["template"]
        return template.replace("\r\n", "\n")

    @property
    def asked(self) -> dict[str, Any]:
        """What a trial is made of."""
        return {name: self.cleaned_data[name] for name in ("template", "gap", "connection")}


class RoleForm(forms.Form):
    """Which connection for which role."""

    role = forms.ChoiceField(choices=PromptRole.choices)
    connection = forms.ModelChoiceField(Connection.objects.filter(is_enabled=True).select_related("family"))


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
        versions = PromptVersion.objects.filter(prompt__project=project, prompt__role__in=JOBS)
        self._offer("gap", gaps.order_by("name"))
        self._offer("prompt_version", versions.select_related("prompt").order_by("prompt__name", "-version"))
        self._offer("connection", Connection.objects.filter(is_enabled=True).order_by("name"))
        newest = versions.select_related("prompt").order_by("-id").first()
        self.initial.setdefault("prompt_version", newest)
        role = newest.prompt.role if newest else PromptRole.GENERATE
        if chosen := chosen_for(project, role):
            self.initial.setdefault("connection", chosen)

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        if not isinstance(field, forms.ModelChoiceField):
            raise TypeError(f"{name} offers no rows.")
        field.queryset = rows
        if len(rows) == 1:
            field.initial = rows[0]


def _open(project: Project) -> Any:
    return project.gaps.filter(status=GapStatus.OPEN)
