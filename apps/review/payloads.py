"""Edited payloads: may they stand, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import RefusedError
from apps.core.json_schemas import pointer_to, validator_of
from apps.core.text import flatten_strings
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Project
from apps.validation.checks import Batch, FindingData
from apps.validation.models import Outcome
from apps.validation.pipeline import make_batch
from apps.validation.services import check_copies, check_payload, keep_findings

Payload = Mapping[str, Any]
"""``{"input": {…}, "output": {…}}``."""

COMPARING = frozenset({"exact_duplicate", "near_duplicate", "leakage"})
"""Checks that would say what a gold item was copied from."""
PROTECTED_CHECKS = frozenset({"leakage"})
"""Checks against data nobody may see: where and how much they matched would be an oracle."""
TOO_CLOSE = "Too close to protected data."


class EditRefusedError(RefusedError):
    """The edit cannot stand (HTTP 422). ``by_pointer``: JSON pointer → what is wrong there ("": anywhere)."""

    def __init__(self, by_pointer: Mapping[str, list[str]]) -> None:
        self.by_pointer = dict(by_pointer)
        problems = [f"{pointer}: {text}" if pointer else text for pointer, text in _flat(self.by_pointer)]
        super().__init__("This edit was not saved; your text is kept as a draft.", problems)


@dataclass(frozen=True)
class EditCheck:
    """What the fast checks say of a payload: ``problems`` forbid saving, ``warnings`` do not."""

    problems: dict[str, list[str]]
    warnings: list[str]
    findings: list[FindingData]


def current_payload(record: Record) -> dict[str, Any]:
    return {"input": record.current_input, "output": record.current_output}


def record_schema(project: Project) -> dict[str, Any]:
    """JSON Schema of a whole record of ``project`` as a person may edit it: with the labels of its guide."""
    return schema_of(make_batch(project, []))


def schema_of(rules: Batch) -> dict[str, Any]:
    schema = rules.task_type.record_schema(rules.view)
    if rules.view.output_schema:
        schema["properties"]["output"] = dict(rules.view.output_schema)
    return schema


def check_shape(project: Project, payload: Payload) -> dict[str, list[str]]:
    """Problems by JSON pointer; empty when ``payload`` has the shape of a record of ``project``."""
    if problems := unstorable(payload):
        return problems
    # Unmasked: a person reads what is wrong with the text that they are writing.
    errors = validator_of(record_schema(project), mask=None).iter_errors(payload)
    return _grouped([(pointer_to(error), error.message) for error in errors])


def unstorable(payload: Payload) -> dict[str, list[str]]:
    """Strings that PostgreSQL would not take, by JSON pointer."""
    return {
        pointer: ["has a character that cannot be stored (NUL or half of a pair)"]
        for pointer, text in flatten_strings(dict(payload))
        if "\x00" in text or not _is_encodable(text)
    }


def check_edit(*, project: Project, record: Record, payload: Payload, is_draft: bool = False) -> EditCheck:
    """Shape first, then the checks; of a draft only the fast ones. A blocking or impossible check is a problem."""
    if problems := check_shape(project, payload):
        return EditCheck(problems, [], [])
    if record.status == RecordStatus.GOLD:
        (findings,) = check_copies(project=project, payloads=[payload], but=COMPARING)
    else:
        findings = check_payload(
            project=project,
            input_=payload["input"],
            output=payload["output"],
            ignore_record=record,
            is_draft=is_draft,
        )
    stops = [finding for finding in findings if finding.outcome in (Outcome.BLOCK, Outcome.NOT_CHECKED)]
    warned = [finding for finding in findings if finding.outcome == Outcome.WARN]
    return EditCheck(
        problems=_grouped([(said_pointer(finding), said(finding)) for finding in stops]),
        warnings=[said(finding) for finding in warned],
        findings=findings,
    )


def recheck(*, project: Project, record: Record) -> None:
    """Runs the checks over the payload that stands and keeps what they say; the record does not move."""
    payload = current_payload(record)
    found = check_payload(
        project=project, input_=payload["input"], output=payload["output"], ignore_record=record
    )
    keep_findings(record=record, found=found)


def said(finding: FindingData) -> str:
    """A finding in words for a reviewer."""
    return TOO_CLOSE if finding.check_name in PROTECTED_CHECKS else finding.message


def said_pointer(finding: FindingData) -> str:
    return "" if finding.check_name in PROTECTED_CHECKS else finding.pointer


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    """What is wrong at a place is said once there, however often it was found."""
    grouped: dict[str, list[str]] = {}
    for pointer, text in dict.fromkeys(pairs):
        grouped.setdefault(pointer, []).append(text)
    return grouped


def _flat(by_pointer: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    for pointer, texts in by_pointer.items():
        for text in texts:
            yield pointer, text
