"""One check on records of any shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.validation.checks import REGISTRY, FindingData, Item
from apps.validation.pipeline import make_batch, run_one
from apps.validation.settings_of_checks import problems_of
from tests import factories


def said_of(
    name: str, options: Mapping[str, Any], *payloads: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[list[FindingData]]:
    """What the check ``name`` says of each (input, output), as the pipeline hands it on."""
    project = factories.make_project()
    factories.make_spec(project, checks={name: {"enabled": True, **options}})
    items = [
        Item(number, input_, output, "", str(number)) for number, (input_, output) in enumerate(payloads, 1)
    ]
    found = run_one(REGISTRY[name], make_batch(project, items))
    return [found.get(position, []) for position in range(len(items))]


def refusals(name: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with ``options``, when a spec with them is to be published."""
    spec = factories.make_spec(factories.make_project(), published=False, checks={name: options})
    return problems_of(spec)
