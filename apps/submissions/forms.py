"""Forms of connections for the admin. A provider says itself what it asks for."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.errors import DomainError, RefusedError
from apps.providers import REGISTRY, provider_of
from apps.submissions.connections import problems_of, used_model_problems
from apps.submissions.families import family_of
from apps.submissions.models import Connection, ModelFamily


def settings_help() -> str:
    """What each provider asks for beside a model, in one line each."""
    lines = []
    for provider in REGISTRY.values():
        if provider.settings:
            names = ", ".join(
                setting.name if setting.is_required else f"{setting.name} (optional)"
                for setting in provider.settings
            )
            lines.append(f"{provider.title}: {names}.")
    return " ".join(lines)


class ConnectionForm(forms.ModelForm[Connection]):
    provider = forms.ChoiceField()
    family = forms.ModelChoiceField(
        ModelFamily.objects.order_by("name"),
        required=False,
        help_text="Empty: by the model's name.",
    )

    class Meta:
        model = Connection
        fields = ("name", "provider", "model", "family", "base_url", "key_name", "settings", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider = self.fields["provider"]
        if isinstance(provider, forms.ChoiceField):
            provider.choices = [(each.key, each.title) for each in REGISTRY.values()]
        self.fields["settings"].help_text = f'{{"name": "value"}}. {settings_help()}'
        self.fields["key_name"].help_text = (
            "Variable of the generation worker, never the key itself. Empty: "
            + ", ".join(
                f"{each.default_key_name} for {each.title}"
                for each in REGISTRY.values()
                if each.default_key_name
            )
            + ". Whether it is set there cannot be seen from here."
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        settings = cleaned.get("settings") or {}
        if not isinstance(settings, dict) or not all(isinstance(value, str) for value in settings.values()):
            self.add_error("settings", 'Write an object of texts, like {"region": "us-east-1"}.')
            return cleaned
        if not cleaned.get("provider") or not cleaned.get("model"):
            return cleaned
        try:
            problems = problems_of(
                provider_of(cleaned["provider"]),
                model=cleaned["model"],
                base_url=cleaned.get("base_url", ""),
                key_name=cleaned.get("key_name", ""),
                settings=settings,
            )
        except (DomainError, RefusedError) as error:
            problems = [str(error)]
        if self.instance.pk:
            problems += used_model_problems(self.instance, cleaned["provider"], cleaned["model"])
        for problem in problems:
            self.add_error(None, problem)
        cleaned["settings"] = settings
        cleaned["family"] = cleaned.get("family") or family_of(cleaned["model"])
        return cleaned
