"""The lines of a release: each record as it stood when the list was frozen, whatever became of it since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID

from apps.datasets.models import Release, ReleaseItem
from apps.datasets.writers import Example
from apps.review.models import Action, Decision
from apps.task_types import task_type_of

CHUNK = 500


@dataclass(frozen=True)
class _Decisions:
    """Decisions of a few records: those that let them in, and every standing edit in order."""

    by_uuid: Mapping[UUID, Decision]
    edits: Mapping[int, list[Decision]]

    @classmethod
    def of(cls, items: Sequence[ReleaseItem]) -> _Decisions:
        decided = [item for item in items if item.decision_uuid]
        named = {item.decision_uuid for item in decided}
        rows = Decision.objects.filter(record__in=[item.record_id for item in decided])
        edits: dict[int, list[Decision]] = defaultdict(list)
        by_uuid = {}
        for decision in rows.select_related("reviewer", "undo").order_by("pk"):
            if decision.uuid in named:
                by_uuid[decision.uuid] = decision
            if decision.action == Action.EDITED and not hasattr(decision, "undo"):
                edits[decision.record_id].append(decision)
        return cls(by_uuid, edits)

    def behind(self, item: ReleaseItem) -> Decision | None:
        return self.by_uuid[item.decision_uuid] if item.decision_uuid else None

    def payload(self, item: ReleaseItem) -> tuple[Any, Any]:
        """What the deciding person saw: the last edit up to their decision, else the record as it was made."""
        decision = self.behind(item)
        edits = [edit for edit in self.edits.get(item.record_id, []) if decision and edit.pk <= decision.pk]
        if edits:
            return edits[-1].edited_input, edits[-1].edited_output
        return item.record.input, item.record.output


def examples_of(release: Release, *, on_progress: Callable[[int], None] | None = None) -> Iterator[Example]:
    """Every line of the release in order. ``on_progress`` is told how many are out, now and then.

    Reads only what never changes: items, decisions, the write-once columns of a record, and the part of the
    manifest that was frozen with the list. So the same release gives the same lines for good.
    """
    to_example = task_type_of(release.manifest["task_type"]).to_example
    gap_names: Mapping[str, str] = release.manifest["gaps"]
    items = release.items.select_related("record__derived_from", "record__gap").order_by("position")
    for start in range(0, release.total, CHUNK):
        chunk = list(items.filter(position__gte=start, position__lt=start + CHUNK))
        decisions = _Decisions.of(chunk)
        for item in chunk:
            yield to_example(*decisions.payload(item)) | _provenance(item, decisions.behind(item), gap_names)
        if on_progress:
            on_progress(start + len(chunk))


def _provenance(item: ReleaseItem, decision: Decision | None, gap_names: Mapping[str, str]) -> Example:
    """The nine fields that every export carries, and ours beside them. What is not known is null."""
    record = item.record
    return {
        "id": str(record.uuid),
        "source_type": record.source_type,
        "generator_provider": record.generator_provider or None,
        "generator_model_family": record.generator_model_family or None,
        "prompt_version": record.prompt_version or None,
        "schema_version": record.schema_version,
        "created_at": record.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "reviewer_id": str(decision.reviewer.uuid) if decision else None,
        "review_status": item.review_status,
        "eval_split": item.eval_split,
        "generator_model": record.generator_model or None,
        "review_method": item.review_method or None,
        "use": record.use or None,
        "gap": gap_names[str(record.gap.uuid)] if record.gap else None,
        "run": _text(record.run_uuid),
        "submission": _text(record.submission_uuid),
        "request_id": record.request_id or None,
        "import": _text(record.import_uuid),
        "axes": record.axes,
        "seed_ids": record.seed_uuids,
        "derived_from": _text(record.derived_from.uuid) if record.derived_from else None,
        "rights_note": record.rights_note or None,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
