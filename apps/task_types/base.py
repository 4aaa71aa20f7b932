"""What a task type tells the rest of the house."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apps.core.schema_references import self_contained
from apps.core.strict_json import JsonValue, StrictJsonError, loads_line

Payload = Mapping[str, Any]
"""A JSON object."""
Parts = tuple[dict[str, Any], dict[str, Any]]
"""Input and output of a record."""
FIELD: dict[str, Any] = {"type": ["string", "number", "boolean", "null"]}
"""A field beside those that we know (channel, subject, …): it belongs to the data, not to us."""
LONGEST_FACET = 120

# What tasks ask of a record alike, for ``TaskType.check_ids``; what one of them asks besides stands between these.
SHAPE = ("schema", "label")
WRITING = ("length", "encoding", "forbidden", "boilerplate")
ORIGIN = ("exact_duplicate", "secrets", "personal_data", "leakage", "near_duplicate")
TONE = ("language", "realism", "adversarial")


@dataclass(frozen=True)
class SpecView:
    """The part of a spec and its guide that a pure function may need."""

    labels: tuple[str, ...] = ()
    rejected_labels: tuple[str, ...] = ()
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Measure:
    """What one score of ``TaskType.score`` tells people; ``says`` is what its mean over rows is."""

    title: str
    says: str
    lower_is_better: bool = False


class TaskType(Protocol):
    """Data and pure functions of one kind of task; nothing else in the house asks which task this is."""

    name: str
    title: str
    reading_template: str
    """Path of the template that shows ``record.current_input`` and ``current_output`` to a reader."""
    check_ids: tuple[str, ...]
    """Checks that make sense for it, cheapest first."""
    check_options: Mapping[str, Mapping[str, Any]]
    """Options of checks where the spec does not say otherwise: a check that is named here is on."""
    reject_reasons: tuple[tuple[str, str], ...]
    """(code, words) of reasons that make sense for it alone; they come before those that all tasks share."""
    noted: tuple[str, ...]
    """Decisions (accepted, edited, rejected) that a new project of this type asks a note for."""
    answers_one_label: bool
    """Whether the answer is one label of the guide and nothing more: what the built-in learner can learn."""
    facet_pointer: str
    """Where in a record its facet stands."""
    measures: Mapping[str, Measure]
    """Every name of ``score``, as people read them in a report; ``recall`` speaks for each ``recall: KIND`` too."""
    guesses: tuple[tuple[str, tuple[str, ...]], ...]
    """Part of a record → the usual names of its column in a file, the likeliest first."""

    def record_schema(self, spec: SpecView) -> dict[str, Any]:
        """JSON Schema (2020-12) of ``{"input", "output"}`` with ``x-widget`` hints for the edit form."""

    def text_of(self, input_: Payload) -> str:
        """The text by which two records are the same, near or leaked."""

    def shown(self, input_: Payload, output: Payload | None = None) -> str:
        """A record as a prompt shows it to a model; without ``output`` only what is asked."""

    def facet(self, input_: Payload, output: Payload) -> str:
        """The short string by which records are grouped and filtered: for classification, the label."""

    def labels_of(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        """Everything in a record that has to be a label of the guide; the facet is one of them."""

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        """A row as it comes in the wild, in the shape of ``record_schema`` where it can be read so."""

    def notes(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        """What ``normalised`` reads otherwise than it is written, in words that quote none of it; for people."""

    def example(self, text: str, label: str) -> Parts:
        """Input and output of the real record that a guide's example text under ``label`` stands for."""

    def prompt_parts(self, spec: SpecView) -> dict[str, str]:
        """Named pieces that a prompt template may use: what a record looks like, what an answer is."""

    def score(self, item: Payload, prediction: Payload, spec: SpecView) -> dict[str, float]:
        """Named scores in [0, 1] of ``prediction`` for a holdout ``item`` of ``{"input", "output"}``.

        A score that says nothing of this item is left out: its mean is over the items that have it.
        """

    def prediction_from_row(self, row: Mapping[str, Any]) -> Payload:
        """The output that a line of an uploaded prediction file means; raises ValueError with the reason."""

    def to_example(self, input_: Payload, output: Payload) -> dict[str, Any]:
        """The training example that a release writes."""

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """The lines that trainers of this kind of model read as they are, of what ``to_example`` made."""

    def primary_score(self) -> str:
        """The key of ``score`` that the launch rule reads (1.0 counts as right)."""


class Common:
    """What is the same for most task types: one text, and what is answered about it."""

    check_options: Mapping[str, Mapping[str, Any]] = {}
    reject_reasons: tuple[tuple[str, str], ...] = ()
    noted: tuple[str, ...] = ()
    answers_one_label: bool = False
    facet_pointer: str = "/input/kind"
    measures: Mapping[str, Measure] = {}
    readings: Mapping[str, str] = {}
    """``output.spans`` and the like → what ``normalised`` makes of it when it is written otherwise."""
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = ()
    default_kind: str = "document"
    """The facet of a record whose input does not say its kind."""

    def text_of(self, input_: Payload) -> str:
        return text_in(input_, "text")

    def shown(self, input_: Payload, output: Payload | None = None) -> str:
        """The text as it is, so that it is known again where a prompt quotes it; whatever else there is as JSON."""
        text = self.text_of(input_)
        others = {name: value for name, value in input_.items() if value != text}
        lines = [text, *([_json(others)] if others else [])]
        return "\n".join([*lines, *([] if output is None else [f"Output: {_json(output)}"])])

    def facet(self, input_: Payload, output: Payload) -> str:
        return text_in(input_, "kind")[:LONGEST_FACET] or self.default_kind

    def labels_of(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        return (self.facet(input_, output),)

    def normalised(self, input_: Payload, output: Payload) -> Parts:
        return dict(input_), dict(output)

    def notes(self, input_: Payload, output: Payload) -> tuple[str, ...]:
        made_input, made_output = self.normalised(input_, output)
        sides = (("input", input_, made_input), ("output", output, made_output))
        return tuple(
            self.readings.get(f"{side}.{name}", f"{side}.{name} read in the shape of this task")
            for side, written, made in sides
            for name, value in written.items()
            if name not in made or made[name] != value
        )

    def example(self, text: str, label: str) -> Parts:
        """The whole record, when the text is its JSON; else a text of this kind, without an answer."""
        try:
            record = loads_line(text.encode(errors="replace"))
        except StrictJsonError:
            record = None
        if isinstance(record, dict):
            input_, output = record.get("input"), record.get("output")
            if isinstance(input_, dict) and isinstance(output, dict):
                return self.normalised(input_, output)
        return {"text": text, "kind": label}, {}

    def to_example(self, input_: Payload, output: Payload) -> dict[str, Any]:
        return {"input": dict(input_), "output": dict(output)}

    def to_training(self, input_: Payload, output: Payload) -> list[dict[str, Any]]:
        """Chat messages, as OpenAI's fine-tuning and TRL take them; the answer is JSON."""
        return [{"messages": messages(self.shown(input_), _json(output))}]


def messages(asked: str, answered: str) -> list[dict[str, Any]]:
    """A question and its answer as a chat."""
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]


def object_schema(
    properties: Mapping[str, Any], *, required: Sequence[str] = (), more: Mapping[str, Any] | bool = False
) -> dict[str, Any]:
    """JSON Schema of an object; ``more`` is what fields beside ``properties`` may be."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": more if isinstance(more, bool) else dict(more),
        "properties": dict(properties),
    }


def record_of(input_: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of a record out of those of its two parts; what they refer to inside themselves goes along."""
    inside, definitions = self_contained(output)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **object_schema({"input": dict(input_), "output": inside}, required=("input", "output")),
        **({"$defs": definitions} if definitions else {}),
    }


def long_text(title: str = "Text") -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "title": title, "x-widget": "long-text"}


KIND: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_FACET, "title": "Kind"}
"""What sort of input it is, in words of the guide: rows are grouped by it."""


def kind_schema(spec: SpecView) -> dict[str, Any]:
    return KIND | ({"enum": list(spec.labels), "x-widget": "choice"} if spec.labels else {})


def _json(value: Payload) -> str:
    return json.dumps(dict(value), ensure_ascii=False)


def text_in(values: Payload, name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def require_text(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of ``names`` that ``row`` fills; ValueError names them all otherwise."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise ValueError(f"needs a value in {_either(names)}")


def require_json(row: Mapping[str, Any], names: Sequence[str]) -> JsonValue:
    """The first of ``names`` that ``row`` has: a JSON value, or JSON text of one, as a CSV file holds it.

    ValueError names them all where there is none, and says why a text is no JSON.
    """
    for name in names:
        value: JsonValue = row.get(name)
        if name not in row or value == "":
            continue
        return json_of(value, name) if isinstance(value, str) else value
    raise ValueError(f"needs a value in {_either(names)}")


def json_of(text: str, name: str) -> JsonValue:
    try:
        return loads_line(text.encode())
    except (StrictJsonError, UnicodeEncodeError) as error:
        raise ValueError(f"needs JSON in {name!r}: {error}") from error


def _either(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)


def share(part: float, whole: float) -> float:
    """``part`` of ``whole``; of nothing, everything is there."""
    return part / whole if whole else 1.0


def f1(*, hits: float, gold: float, given: float) -> float:
    """Harmonic mean of precision (hits/given) and recall (hits/gold); 1 where nothing was there and nothing given."""
    return share(2 * hits, gold + given)
