"""Forms for the admin. What a connection is asked for beside its model, its provider says itself."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.core.errors import DomainError
from apps.providers import REGISTRY, provider_of
from apps.submissions.connections import problems_of, used_model_problems
from apps.submissions.families import family_of
from apps.submissions.models import Connection, ModelFamily, Price

SETTING = "setting_"


def provider_choices() -> list[tuple[str, str]]:
    return [(provider.key, provider.title) for provider in REGISTRY.values()]


def setting_fields() -> dict[str, forms.CharField]:
    """One field for every setting that some provider asks for, by its name; the help says which do."""
    titles: dict[str, str] = {}
    helps: dict[str, list[str]] = {}
    for provider in REGISTRY.values():
        for setting in provider.settings:
            titles.setdefault(setting.name, setting.title)
            needed = "needed" if setting.is_required else "optional"
            said = f" {setting.help}" if setting.help else ""
            helps.setdefault(setting.name, []).append(f"{provider.title} ({needed}):{said}".rstrip(":"))
    return {
        f"{SETTING}{name}": forms.CharField(
            label=title,
            required=False,
            max_length=300,
            help_text=" ".join(text if text.endswith(".") else f"{text}." for text in helps[name]),
            widget=forms.TextInput(attrs={"size": 60}),
        )
        for name, title in titles.items()
    }


class ConnectionForm(forms.ModelForm[Connection]):
    """Gives the settings as ``cleaned_data["settings"]``."""

    provider = forms.ChoiceField()
    family = forms.ModelChoiceField(
        ModelFamily.objects.order_by("name"),
        required=False,
        help_text="Empty: by the model's name.",
    )

    class Meta:
        model = Connection
        fields = ("name", "provider", "model", "family", "base_url", "key_name", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider = self.fields["provider"]
        if isinstance(provider, forms.ChoiceField):
            provider.choices = provider_choices()
        self.fields["key_name"].help_text = (
            "Variable of the generation worker, never the key itself. Empty: "
            + ", ".join(
                f"{each.default_key_name} for {each.title}"
                for each in REGISTRY.values()
                if each.default_key_name
            )
            + ". Whether it is set there cannot be seen from here."
        )
        self.fields |= setting_fields()
        for name, value in self.instance.settings.items():
            self.initial[f"{SETTING}{name}"] = value

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        settings = cleaned["settings"] = {
            name.removeprefix(SETTING): value
            for name, value in cleaned.items()
            if name.startswith(SETTING) and value
        }
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
        except DomainError as error:
            problems = [str(error)]
        if self.instance.pk:
            problems += used_model_problems(self.instance, cleaned["provider"], cleaned["model"])
        for problem in problems:
            self.add_error(None, problem)
        if not problems:
            cleaned["family"] = cleaned.get("family") or family_of(cleaned["model"])
        return cleaned


class FamilyForm(forms.ModelForm[ModelFamily]):
    prefixes = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="How its models' names begin, vendor part left out, one a line: gpt-, o3. A new connection is "
        "put into the family with the longest fit.",
    )

    class Meta:
        model = ModelFamily
        fields = ("name", "prefixes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["prefixes"] = "\n".join(map(str, self.instance.prefixes))

    def clean_prefixes(self) -> list[str]:
        lines = (line.strip().lower() for line in self.cleaned_data["prefixes"].splitlines())
        return list(dict.fromkeys(filter(None, lines)))


class PriceForm(forms.ModelForm[Price]):
    provider = forms.ChoiceField()

    class Meta:
        model = Price
        fields = ("provider", "model", "is_batch", "input", "output", "cached_input", "source", "as_of")
        help_texts = {
            "input": "US dollars per million tokens; 0 for a server of your own.",
            "output": "US dollars per million tokens.",
            "cached_input": "US dollars per million tokens. Empty: as other input.",
            "model": "As the connection spells it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        provider = self.fields["provider"]
        if isinstance(provider, forms.ChoiceField):
            provider.choices = provider_choices()
