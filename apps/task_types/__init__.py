"""Task types: one file each, data and pure functions. Adding one is a file, a test and a line in REGISTRY."""

from __future__ import annotations

from apps.core.errors import DomainError
from apps.task_types.base import TaskType
from apps.task_types.classification import Classification

REGISTRY: dict[str, TaskType] = {"classification": Classification()}


def task_type_of(name: str) -> TaskType:
    try:
        return REGISTRY[name]
    except KeyError:
        raise DomainError(
            f"There is no task type {name!r}; there is {', '.join(sorted(REGISTRY))}."
        ) from None


__all__ = ["REGISTRY", "TaskType", "task_type_of"]
