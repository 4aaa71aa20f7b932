"""Where the files of a release lie."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.core.errors import DomainError
from apps.datasets.models import Release
from apps.datasets.writers import REGISTRY

MANIFEST = "manifest.json"
CARD = "card.md"


def names_of(release: Release) -> tuple[str, ...]:
    """Every file that this release consists of: one of before a format was there has it not."""
    written = release.manifest.get("files", {})
    return (*(writer.filename for writer in REGISTRY.values() if writer.filename in written), MANIFEST, CARD)


def relative_directory(release: Release) -> str:
    return f"releases/{release.uuid}"


def directory_of(release: Release) -> Path:
    return Path(settings.FILES_DIR) / relative_directory(release)


def path_of(release: Release, name: str) -> Path:
    """Raises DomainError for a file that is not there (any more)."""
    path = directory_of(release) / name
    if name not in names_of(release) or not path.is_file():
        raise DomainError(
            f"There is no file {name} of {release} on this machine. The dataset can be built again."
        )
    return path


def remove_drafts(release: Release) -> None:
    """What a killed attempt left behind."""
    for draft in directory_of(release).glob(".*"):
        draft.unlink(missing_ok=True)
