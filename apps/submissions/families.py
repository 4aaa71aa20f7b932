"""Model families: which models share an ancestor, by how their names begin."""

from __future__ import annotations

import re

from apps.submissions.models import ModelFamily

# "us.anthropic.claude-…", "publishers/google/models/gemini-…", "openai/gpt-…", "meta-llama/Llama-…": the vendor
# and the path say nothing of the ancestor, and people spell both in many ways.
_VENDOR = re.compile(r"^(?:.*/)?(?:(?:us|eu|apac|au|jp|global)\.)?(?:[a-z0-9]+\.)?(?=[a-z])")


def bare_name(model: str) -> str:
    """``model`` in small letters, without path, region and vendor."""
    return _VENDOR.sub("", model.lower())


def family_of(model: str) -> ModelFamily:
    """The family with the longest prefix that fits; a model that fits none becomes a family of its own."""
    name = bare_name(model)
    fits = [
        (len(prefix), family)
        for family in ModelFamily.objects.order_by("name")
        for prefix in family.prefixes
        if isinstance(prefix, str) and prefix and name.startswith(prefix.lower())
    ]
    if fits:
        return max(fits, key=lambda fit: fit[0])[1]
    family, _ = ModelFamily.objects.get_or_create(name=name[:60], defaults={"prefixes": [name]})
    return family
