"""JSON Lines: one canonical JSON object per line. The format by whose hash a release is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from apps.core.strict_json import canonical_dumps
from apps.datasets.writers.base import Example


class JsonlWriter:
    filename = "dataset.jsonl"

    def write(self, examples: Iterable[Example], target: BinaryIO, *, task_type: str) -> None:
        for example in examples:
            target.write(canonical_dumps(example) + b"\n")
