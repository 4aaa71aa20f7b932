"""The check interface: a batch of items in, findings out.

A check is one file in this folder, one test, and one line in the registry. It never writes. What it cannot do it
says by raising: the pipeline turns that into "not checked", which blocks. Which task types it is for, they say
themselves (``TaskType.check_ids``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from apps.core.strict_json import JsonValue
from apps.core.text import canonical, flatten_strings
from apps.similarity.services import Near
from apps.specs.models import Project, Spec
from apps.task_types.base import SpecView, TaskType, record_of
from apps.validation.models import Outcome


@dataclass(frozen=True, kw_only=True)
class FindingData:
    """What a check says of one item.

    ``pointer`` is a JSON pointer into ``{"input": …, "output": …}``; ``start`` and ``end`` are characters of the
    string it points to. ``message`` is for people and must not repeat a sensitive value.
    """

    outcome: Outcome
    code: str
    message: str
    pointer: str = ""
    start: int | None = None
    end: int | None = None
    check_name: str = ""
    check_version: int = 0


@dataclass(frozen=True)
class Item:
    """One record as a check sees it. ``is_edit``: a person's change to it that is not saved yet."""

    record_id: int
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    text: str
    canonical_hash: str
    axes: Mapping[str, Any] = field(default_factory=dict)
    is_edit: bool = False

    def yields_to(self, other_id: int, *, other_is_real: bool) -> bool:
        """Of two that say the same the real one stays, then the lower id; an edit yields to everybody."""
        if other_id == self.record_id:
            return False
        return other_is_real or self.is_edit or other_id < self.record_id

    @property
    def payload(self) -> dict[str, Any]:
        return {"input": self.input, "output": self.output}

    @cached_property
    def folded(self) -> str:
        """The text in canonical form."""
        return canonical(self.text)

    @cached_property
    def strings(self) -> list[tuple[str, str]]:
        """(JSON pointer, string) of every string of the payload; most checks ask for them."""
        return list(flatten_strings(self.payload))

    @property
    def input_strings(self) -> list[tuple[str, str]]:
        return [(pointer, text) for pointer, text in self.strings if pointer.startswith("/input")]


@dataclass(frozen=True)
class Batch:
    """Items of one project with what the checks need to know about it; the same facts for all of them."""

    project: Project
    spec: Spec | None
    view: SpecView
    task_type: TaskType
    items: Sequence[Item]
    stopped: frozenset[int] = frozenset()
    """Ids of records that an earlier check of this run has stopped: they stand in nobody's way."""
    near: Mapping[int, Sequence[Near]] = field(default_factory=dict)
    """Record id → what is near it, where somebody has looked already."""

    @property
    def project_uuid(self) -> UUID:
        return self.project.uuid

    def options(self, check_name: str) -> Mapping[str, Any]:
        """Switches and thresholds of a check, from the spec, else from the task type.

        See ``Check.options`` for what may stand there. A check that the task type names is on.
        """
        written = (self.spec.checks if self.spec else {}).get(check_name, {})
        own = written if isinstance(written, dict) else {"enabled": bool(written)}
        usual = self.task_type.check_options.get(check_name)
        return own if usual is None else {"enabled": True, **usual, **own}

    def severity(self, check: Check) -> Outcome:
        """The strongest outcome of ``check`` in this project: its own, unless the spec lowers it."""
        own = check.severity
        chosen = self.options(check.name).get("severity", own)
        if check.may_be_lowered and chosen in LOWERED:
            return min(own, Outcome(chosen), key=STRENGTH.__getitem__)
        return own

    def narrowed(self, items: Sequence[Item]) -> Batch:
        """The items that are still alive, the others counted as stopped."""
        alive = {item.record_id for item in items}
        stopped = frozenset(item.record_id for item in self.items if item.record_id not in alive)
        return replace(self, items=items, stopped=self.stopped | stopped)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The shape of a whole record: the task type's, its output replaced by the spec's where that has one.

        Which labels are allowed is not shape: the label check says that in words that help more.
        """
        schema = self.task_type.record_schema(SpecView())
        if self.view.output_schema:
            return record_of(schema["properties"]["input"], self.view.output_schema)
        return schema


Findings = Mapping[int, Sequence[FindingData]]
"""Position in the batch → what was found there. A position that is absent passed."""


LOWERED = (Outcome.WARN, Outcome.INFO)
"""What a project may make of a check that would block."""
STRENGTH = {Outcome.PASS: 0, Outcome.INFO: 1, Outcome.WARN: 2, Outcome.BLOCK: 3, Outcome.NOT_CHECKED: 3}


class Check:
    """One check. Subclasses set the facts and write ``run``."""

    name: str
    version: int = 1
    """Raised when its answer to the same record may change."""
    title: str
    severity: Outcome = Outcome.BLOCK
    """The strongest thing it says: BLOCK drops a record, WARN orders the queue, INFO only tells the reader."""
    may_be_lowered: bool = False
    """Whether a spec may write ``"severity": "warn"`` (or ``"info"``) for it."""
    is_deterministic: bool = True
    is_repairable: bool = False
    """Whether a generator may have one more try: its message must be fit to stand in a prompt."""
    is_final: bool = False
    """Whether what it drops stays dropped, whatever a person says."""
    is_on: bool = True
    """Whether it runs where the spec says nothing of it. One that is off runs where the spec gives it options."""
    options: Mapping[str, Mapping[str, Any]] = {}
    """Name → JSON Schema of the value, with ``default`` and ``description``."""

    def is_enabled(self, options: Mapping[str, Any]) -> bool:
        """Whether it runs where the spec says ``options`` of it."""
        return bool(options.get("enabled", self.is_on or bool(options)))

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        """What is wrong with options that fit their schemas, for whoever saves the spec."""
        return ()

    def definitions(self, batch: Batch) -> Mapping[str, JsonValue]:
        """What the spec defines and this check holds records to, by name: tools, fields, rules. Most have none.

        Another definition is a new version, and the records made for the old one are looked at again.
        """
        return {}

    def proves(self, batch: Batch) -> Sequence[str]:
        """Pointers to what is right, not only well-formed, once this check has passed it. Most prove nothing."""
        return ()

    def extra_seconds(self, batch: Batch) -> float:
        """What it may take on ``batch`` at worst beyond the pipeline's own limits, where it runs other programs."""
        return 0

    def run(self, batch: Batch) -> Findings:
        """Findings by position in ``batch.items``. Raises when it cannot tell; never guesses."""
        raise NotImplementedError

    def option(self, batch: Batch, name: str) -> Any:
        """The spec's value of an option, else its default."""
        return batch.options(self.name).get(name, self.options[name].get("default"))
