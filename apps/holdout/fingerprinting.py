"""Keeping the fingerprints in the ``leakage`` database in step with the rows of a holdout."""

from __future__ import annotations

from collections.abc import Iterator

from apps.core.batches import batched
from apps.holdout.models import HoldoutRecord, HoldoutSet
from apps.leakage import selectors as leakage
from apps.leakage import services as fingerprints
from apps.leakage.services import screen_texts
from apps.specs.models import Project
from apps.task_types import task_type_of

BATCH = 500


def write_missing_fingerprints(*, holdout: HoldoutSet, project: Project) -> None:
    """Fingerprints every row that has none. Stopped anywhere, it goes on from there when called again.

    The rows are flagged after their fingerprints are committed in the other database, never before.
    """
    text_of = task_type_of(project.task_type).text_of
    fingerprints.ensure_corpus(
        corpus_uuid=holdout.uuid, project_uuid=project.uuid, name=f"holdout of {project}"[:120]
    )
    missing = HoldoutRecord.objects.filter(holdout=holdout, is_fingerprinted=False).order_by("pk")
    while rows := list(missing[:BATCH]):
        fingerprints.add_fingerprints(
            corpus_uuid=holdout.uuid, items=[(row.uuid, text_of(row.input)) for row in rows]
        )
        HoldoutRecord.objects.filter(pk__in=[row.pk for row in rows]).update(is_fingerprinted=True)


def rewrite_fingerprints(*, holdout: HoldoutSet, project: Project) -> None:
    """Starts over, for a corpus that does not match its rows (a restored backup, another key)."""
    fingerprints.clear_corpus(corpus_uuid=holdout.uuid)
    HoldoutRecord.objects.filter(holdout=holdout).update(is_fingerprinted=False)
    write_missing_fingerprints(holdout=holdout, project=project)


def fingerprints_match(*, holdout: HoldoutSet, project: Project) -> bool:
    """The leakage database holds the fingerprints of exactly the rows of ``holdout``: count and hash."""
    text_of = task_type_of(project.task_type).text_of
    rows = HoldoutRecord.objects.filter(holdout=holdout).order_by("uuid").values_list("uuid", "input")
    if leakage.count_items(holdout.uuid) != rows.count():
        return False
    expected = leakage.expected_hash(
        project_uuid=project.uuid, items=((uuid, text_of(input_)) for uuid, input_ in rows.iterator())
    )
    return leakage.corpus_hash(holdout.uuid) == expected


def count_near_real_rows(project: Project) -> int:
    """Seed and train rows that say nearly what a protected row says: natural on short texts, worth a look."""
    return sum(
        not verdict.is_clean
        for texts in batched(_real_texts(project), BATCH)
        for verdict in screen_texts(project_uuid=project.uuid, texts=texts)
    )


def _real_texts(project: Project) -> Iterator[str]:
    text_of = task_type_of(project.task_type).text_of
    return (text_of(input_) for input_ in project.records.real().values_list("input", flat=True).iterator())
