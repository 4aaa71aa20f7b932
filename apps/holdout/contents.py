"""The content hash: what exactly was frozen, in one number that anybody can recompute from the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain

from apps.core.batches import batched
from apps.core.strict_json import JsonValue, canonical_dumps
from apps.holdout.models import HoldoutRecord, HoldoutSet

BATCH = 500


def content_hash(holdout: HoldoutSet) -> str:
    """SHA-256 (hex) over canonical JSON lines: the rule, then every row in order of its source id.

    The order is by code point, not by the database's collation, so that every engine gives the same.
    """
    state = hashlib.sha256()
    for value in chain([_rule_of(holdout)], _rows_of(holdout)):
        state.update(canonical_dumps(value) + b"\n")
    return state.hexdigest()


def _rule_of(holdout: HoldoutSet) -> JsonValue:
    return {
        "commonness": holdout.commonness,
        "production_shares": holdout.production_shares,
        "guide_version": holdout.guide_version,
        "guide_hash": holdout.guide_hash,
        "delta": holdout.delta,
        "alpha": holdout.alpha,
        "looks": holdout.looks,
    }


def _rows_of(holdout: HoldoutSet) -> Iterator[JsonValue]:
    ids = sorted(HoldoutRecord.objects.filter(holdout=holdout).values_list("source_id", "pk"))
    for chunk in batched([pk for _, pk in ids], BATCH):
        rows = HoldoutRecord.objects.in_bulk(chunk)
        for row in (rows[pk] for pk in chunk):
            yield {
                "id": row.source_id,
                "input": row.input,
                "gold": row.gold,
                "tags": row.tags,
                "commonness": row.commonness,
            }
