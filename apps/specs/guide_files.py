"""Label guides as YAML: for engineers who keep them in a repository.

task: Route the ticket.
labels:
  - name: refunds
    definition: The customer asks for money back.
    counts: [A cancelled order]
    does_not_count: ["A renewal → renewal_refund_dispute"]
    commonness: common
    examples: [i want my money back]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from apps.core.errors import RefusedError
from apps.core.text import canonical
from apps.specs.models import Commonness

LABEL_KEYS = frozenset(
    {"name", "definition", "counts", "does_not_count", "commonness", "examples", "rejected"}
)
LONGEST_NAME = 120


@dataclass
class LabelDraft:
    """One label as written, before it is a row."""

    name: str
    definition: str = ""
    counts: list[str] = field(default_factory=list)
    does_not_count: list[str] = field(default_factory=list)
    commonness: str = ""
    examples: list[str] = field(default_factory=list)
    is_rejected: bool = False


@dataclass
class GuideDraft:
    task: str
    labels: list[LabelDraft]
    introduction: str = ""


def parse_guide(text: str) -> GuideDraft:
    """Reads a guide file. RefusedError lists every problem with its place (label number and key)."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RefusedError(f"The guide is not valid YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("labels"), list):
        raise RefusedError("The guide needs a list under `labels:` (and a line `task:`).")
    problems: list[str] = []
    labels = [_parse_label(entry, number, problems) for number, entry in enumerate(document["labels"], 1)]
    names = [label.name for label in labels]
    problems += [
        f"label {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems:
        raise RefusedError("The guide cannot be used:", problems)
    return GuideDraft(
        task=str(document.get("task") or "").strip(),
        labels=labels,
        introduction=str(document.get("introduction") or "").strip(),
    )


def guide_from_rows(rows: Iterable[tuple[str, str]], *, filename: str, column: str) -> GuideDraft:
    """A guide to start from: one label for each value of ``column``, its first two texts as examples.

    A text that stands under two labels is an example of neither.
    """
    rows = list(rows)
    labels_of: dict[str, set[str]] = {}
    for text, label in rows:
        labels_of.setdefault(canonical(text), set()).add(label)
    examples: dict[str, list[str]] = {}
    for text, label in rows:
        known = examples.setdefault(label, [])
        if len(known) < 2 and text not in known and len(labels_of[canonical(text)]) == 1:
            known.append(text)
    return GuideDraft(
        task=f"Find the {column} of the text.",
        labels=[
            LabelDraft(
                name=name,
                definition=f"Rows that {filename} gives the {column} {name!r}; see the examples.",
                commonness=Commonness.OTHER,
                examples=texts,
            )
            for name, texts in sorted(examples.items())
        ],
    )


def _parse_label(entry: Any, number: int, problems: list[str]) -> LabelDraft:
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, dict) or not str(entry.get("name") or "").strip():
        problems.append(f"label {number}: needs a name")
        return LabelDraft(name=f"label {number}")
    name = str(entry["name"]).strip()
    where = f"label {number} ({name})"
    if len(name) > LONGEST_NAME:
        problems.append(f"{where}: the name is longer than {LONGEST_NAME} characters")
    problems += [f"{where}: unknown key {key!r}" for key in sorted(set(map(str, entry)) - LABEL_KEYS)]
    commonness = str(entry.get("commonness") or "")
    if commonness and commonness not in Commonness.values:
        problems.append(f"{where}: commonness {commonness!r} is not one of {', '.join(Commonness.values)}")
    rejected = entry.get("rejected", False)
    if not isinstance(rejected, bool):
        problems.append(f"{where}: rejected must be true or false")
    return LabelDraft(
        name=name,
        definition=str(entry.get("definition") or "").strip(),
        counts=_sentences(entry, "counts", where, problems),
        does_not_count=_sentences(entry, "does_not_count", where, problems),
        commonness=commonness,
        examples=_sentences(entry, "examples", where, problems),
        is_rejected=rejected is True,
    )


def _sentences(entry: dict[str, Any], key: str, where: str, problems: list[str]) -> list[str]:
    value = entry.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        problems.append(f"{where}: {key} must be a list of texts (quote texts that contain a colon)")
        return []
    return [item.strip() for item in value if item.strip()]
