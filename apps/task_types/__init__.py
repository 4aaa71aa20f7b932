"""Task types: one file each, data and pure functions. Adding one is a file, a test and a line in REGISTRY."""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.task_types.base import TaskType
from apps.task_types.classification import Classification
from apps.task_types.code_repair import CodeRepair
from apps.task_types.dialogue import Dialogue
from apps.task_types.extraction import Extraction
from apps.task_types.instruction import Instruction
from apps.task_types.multi_label import MultiLabel
from apps.task_types.policy import Policy
from apps.task_types.redaction import Redaction
from apps.task_types.retrieval import Retrieval
from apps.task_types.tool_call import ToolUse

REGISTRY: dict[str, TaskType] = {
    "classification": Classification(),
    "multi_label": MultiLabel(),
    "extraction": Extraction(),
    "tool_call": ToolUse(),
    "redaction": Redaction(),
    "code_repair": CodeRepair(),
    "policy": Policy(),
    "dialogue": Dialogue(),
    "instruction": Instruction(),
    "retrieval": Retrieval(),
}


def task_type_of(name: str) -> TaskType:
    try:
        return REGISTRY[name]
    except KeyError:
        raise DomainError(
            f"There is no task type {name!r}; there is {', '.join(sorted(REGISTRY))}."
        ) from None


__all__ = ["REGISTRY", "TaskType", "task_type_of"]
