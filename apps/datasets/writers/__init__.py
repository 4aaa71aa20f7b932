"""Formats of a release: one file each. Adding one is a file, a test and a line in REGISTRY."""

from __future__ import annotations

from apps.datasets.writers.base import Example, Writer
from apps.datasets.writers.jsonl import JsonlWriter
from apps.datasets.writers.training import TrainingWriter

MAIN = JsonlWriter()
"""The file whose SHA-256 is the release's content hash."""

REGISTRY: dict[str, Writer] = {"jsonl": MAIN, "training": TrainingWriter()}

__all__ = ["MAIN", "REGISTRY", "Example", "Writer"]
