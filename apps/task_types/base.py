"""What a task type tells the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Payload = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True)
class SpecView:
    """The part of a spec and its guide that a pure function may need."""

    labels: tuple[str, ...] = ()
    rejected_labels: tuple[str, ...] = ()
    output_schema: Mapping[str, Any] | None = None


class TaskType(Protocol):
    """Data and pure functions of one kind of task; nothing else in the house asks which task this is."""

    name: str
    title: str
    reading_template: str
    """Path of the template that shows ``record.current_input`` and ``current_output`` to a reader."""
    check_ids: tuple[str, ...]
    """Checks that make sense for it, cheapest first."""

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        """JSON Schema (2020-12) of ``{"input", "output"}`` with ``x-widget`` hints for the edit form."""

    def text_of(self, input_: Payload) -> str:
        """The text by which two records are the same, near or leaked."""

    def facet(self, output: Payload) -> str:
        """The short string by which records are grouped and filtered: for classification, the label."""

    def example(self, text: str, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Input and output of the real record that a guide's example text under ``label`` stands for."""

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        """Named pieces that a prompt template may use: what a record looks like, what an answer is."""

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """Named scores in [0, 1] of ``prediction`` for a holdout ``item`` of ``{"input", "output"}``."""

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        """The output that a line of an uploaded prediction file means; raises ValueError with the reason."""

    def to_example(self, input_: Payload, output: Payload) -> dict[str, Any]:
        """The training example that a release writes."""

    def primary_score(self) -> str:
        """The key of ``score`` that the launch rule reads (1.0 counts as right)."""


def require_text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of ``names`` that ``row`` fills; ValueError names them all otherwise."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise ValueError(f"needs a value in {' or '.join(repr(name) for name in names)}")
