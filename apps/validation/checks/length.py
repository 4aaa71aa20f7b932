"""The text is as long as the spec allows, in characters and, where the spec says so, in words and tokens."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from apps.validation.checks.base import Batch, Check, FindingData, Findings
from apps.validation.models import Outcome

TOKENIZER = "bpe_openai"
_BOUND = {"type": ["integer", "null"], "minimum": 0, "default": None}


class LengthCheck(Check):
    """Tokens are counted with the vocabulary that ``encoding`` names, by an optional package."""

    name = "length"
    version = 2
    title = "Length"
    is_repairable = True
    options = {
        "min_words": {**_BOUND, "description": "Fewest words, cut at white space."},
        "max_words": {**_BOUND, "description": "Most words."},
        "min_tokens": {**_BOUND, "description": "Fewest tokens. Needs requirements-tokens.txt."},
        "max_tokens": {**_BOUND, "description": "Most tokens. Needs requirements-tokens.txt."},
        "encoding": {
            "enum": ["o200k_base", "cl100k_base"],
            "default": "o200k_base",
            "description": "The vocabulary by which tokens are counted.",
        },
    }

    def problems(self, options: Mapping[str, Any]) -> Sequence[str]:
        problems = []
        for unit in ("words", "tokens"):
            low, high = options.get(f"min_{unit}"), options.get(f"max_{unit}")
            if low is not None and high is not None and low > high:
                problems.append(f"max_{unit}: {high} is less than min_{unit}, {low}")
        if _asks_for_tokens(options) and importlib.util.find_spec(TOKENIZER) is None:
            problems.append(
                "max_tokens: nothing is installed that counts tokens: pip install -r requirements-tokens.txt"
            )
        return problems

    def run(self, batch: Batch) -> Findings:
        bounds = list(self._bounds(batch))
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_findings(item.text.strip(), bounds)))
        }

    def _bounds(self, batch: Batch) -> Iterator[_Bounds]:
        spec, options = batch.spec, batch.options(self.name)
        yield ("characters", len, spec.min_chars if spec else 1, spec.max_chars if spec else 100_000)
        yield ("words", _words, options.get("min_words"), options.get("max_words"))
        if _asks_for_tokens(options):
            count = _counter(self.option(batch, "encoding"))
            yield ("tokens", count, options.get("min_tokens"), options.get("max_tokens"))


_Bounds = tuple[str, Callable[[str], int], "int | None", "int | None"]


def _asks_for_tokens(options: Mapping[str, Any]) -> bool:
    return options.get("min_tokens") is not None or options.get("max_tokens") is not None


@cache
def _counter(encoding: str) -> Callable[[str], int]:
    """Raises ModuleNotFoundError where the package is not installed: then nothing was checked."""
    with warnings.catch_warnings():
        # The package reads its vocabularies in a way that Python has deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        tokenizer = import_module(TOKENIZER).get_encoding(encoding)
    return lambda text: len(tokenizer.encode(text))


def _words(text: str) -> int:
    return len(text.split())


def _findings(text: str, bounds: Sequence[_Bounds]) -> Iterator[FindingData]:
    for unit, count, low, high in bounds:
        if low is None and high is None:
            continue
        length = count(text)
        if (low is None or length >= low) and (high is None or length <= high):
            continue
        allowed = " and ".join(
            [
                *([f"at least {low}"] if low is not None else []),
                *([f"at most {high}"] if high is not None else []),
            ]
        )
        yield FindingData(
            outcome=Outcome.BLOCK,
            code="too_short" if low is not None and length < low else "too_long",
            message=f"{length} {unit}; the spec allows {allowed}.",
        )
