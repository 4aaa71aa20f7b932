"""The negatives of a retrieval record are other passages than the positive, and their ids are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from apps.similarity.minhash import jaccard, shingles
from apps.task_types.base import text_in
from apps.task_types.retrieval import passages_of
from apps.validation.checks.base import Batch, Check, FindingData, Findings, Item
from apps.validation.models import Outcome


class NegativesCheck(Check):
    """Near is measured as near-duplicates are: Jaccard of character 5-grams."""

    name = "negatives"
    title = "Negatives"
    is_on = False
    is_repairable = True
    options = {
        "most_alike": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.7,
            "description": "From which Jaccard on a negative is the positive over again.",
        },
        "ids": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "maxItems": 100_000,
            "default": None,
            "description": "The ids of the corpus, when every passage has to be one of them.",
        },
    }

    def run(self, batch: Batch) -> Findings:
        most, ids = float(self.option(batch, "most_alike")), self.option(batch, "ids")
        known = None if ids is None else frozenset(ids)
        return {
            position: found
            for position, item in enumerate(batch.items)
            if (found := list(_wrong(item, most, known)))
        }


def _wrong(item: Item, most_alike: float, known: Collection[str] | None) -> Iterator[FindingData]:
    seen: dict[str, str] = {}
    positive = None
    for place, passage in passages_of(item.output):
        name, grams = text_in(passage, "id"), shingles(text_in(passage, "text"))
        if known is not None and name not in known:
            yield _block("unknown_id", "The corpus has no passage of this id.", f"{place}/id")
        if name in seen:
            yield _block("same_id", f"The same id as {seen[name]}.", f"{place}/id")
        seen.setdefault(name, place)
        if positive is None and place == "/output/positive":
            positive = grams
        elif positive is not None and (alike := jaccard(positive, grams)) >= most_alike:
            yield _block("positive_again", f"Nearly the positive again ({alike:.0%} alike).", f"{place}/text")


def _block(code: str, message: str, pointer: str) -> FindingData:
    return FindingData(outcome=Outcome.BLOCK, code=code, message=message, pointer=pointer)
