"""The train split as trainers read it without a further step: each task type says in which shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from apps.core.strict_json import canonical_dumps
from apps.datasets.models import EvalSplit
from apps.datasets.writers.base import Example
from apps.task_types import task_type_of


class TrainingWriter:
    """Examples of other splits are left out, and so is where an example comes from: ``dataset.jsonl`` has both."""

    filename = "training.jsonl"

    def write(self, examples: Iterable[Example], target: BinaryIO, *, task_type: str) -> None:
        to_training = task_type_of(task_type).to_training
        for example in examples:
            if example["eval_split"] == EvalSplit.TRAIN:
                for line in to_training(example["input"], example["output"]):
                    target.write(canonical_dumps(line) + b"\n")
