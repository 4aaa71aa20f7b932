"""Registering texts that must never come back out of a generator: fingerprints are kept, the texts are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, UUID, uuid5

from apps.core import tabular
from apps.core.errors import DomainError
from apps.core.uploads import Upload
from apps.leakage.fingerprints import Fingerprinter, Reading
from apps.leakage.models import CorpusKind, DigestKind, ProtectedCorpus
from apps.leakage.selectors import count_items
from apps.leakage.services import add_fingerprints, clear_corpus, ensure_corpus
from apps.specs.models import Project


@dataclass
class ProtectionReport:
    """What became of a file. ``protected`` counts the texts of the whole corpus afterwards."""

    protected: int = 0
    added: int = 0
    refused: list[str] = field(default_factory=list)
    """Reasons, each with its line and without a text."""


def protect_texts(*, project: Project, name: str, upload: Upload, column: str = "text") -> ProtectionReport:
    """Fingerprints every text of the file's ``column`` under the key of ``project``. Doing it again adds nothing.

    FileRefusedError when nothing of the file can be read; DomainError when no row fills ``column``.
    """
    report = ProtectionReport()
    fingerprinter = Fingerprinter(project.uuid)
    items: dict[UUID, str] = {}
    for row in tabular.read_rows(upload.content, upload.filename):
        if isinstance(row, tabular.RowError):
            report.refused.append(f"line {row.line}: {row.reason}")
            continue
        text = row.values.get(column)
        folded = Reading(text).tokens.folded if isinstance(text, str) else ""
        if isinstance(text, str) and folded:
            # Under the key, so that the id of a text says nothing about it, and the same text is one item.
            items[UUID(bytes=fingerprinter.digest(DigestKind.TEXT, folded))] = text
        else:
            report.refused.append(f"line {row.line}: no text in the column {column!r}")
    if not items:
        known = ", ".join(tabular.columns(upload.content, upload.filename))
        raise DomainError(
            f"No row of {upload.filename} has a text in the column {column!r}. It has: {known}."
        )
    corpus = ensure_corpus(
        corpus_uuid=_corpus_uuid(project, name),
        project_uuid=project.uuid,
        kind=CorpusKind.SENSITIVE,
        name=name,
    )
    before = count_items(corpus.uuid)
    add_fingerprints(corpus_uuid=corpus.uuid, items=list(items.items()))
    report.protected = count_items(corpus.uuid)
    report.added = report.protected - before
    return report


def forget_texts(*, project: Project, name: str) -> None:
    """Removes a registered corpus. DomainError when there is none of that name; a holdout is never forgotten here."""
    corpora = ProtectedCorpus.objects.filter(project_uuid=project.uuid, kind=CorpusKind.SENSITIVE)
    corpus = corpora.filter(name=name).first()
    if corpus is None:
        known = ", ".join(corpora.order_by("name").values_list("name", flat=True))
        raise DomainError(f"{project} has no protected corpus {name!r}. It has: {known or 'none'}.")
    clear_corpus(corpus_uuid=corpus.uuid)
    corpus.delete()


def _corpus_uuid(project: Project, name: str) -> UUID:
    return uuid5(NAMESPACE_OID, f"{project.uuid} protects {name}")
