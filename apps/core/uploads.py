"""A file as somebody handed it in, by page or by command."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from apps.core.errors import DomainError
from apps.core.tabular import MAX_FILE_BYTES

MAX_NAME_CHARS = 255


@dataclass(frozen=True)
class Upload:
    """``filename`` is a bare name: it is shown and kept, and tells the format."""

    filename: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def of_form(cls, file: UploadedFile[Any]) -> Upload:
        """Raises DomainError, before reading, for a file that is larger than any reader takes."""
        if file.size is None or file.size > MAX_FILE_BYTES:
            raise DomainError(
                f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB. Split it into several."
            )
        return cls(_bare(file.name or "upload"), file.read())

    @classmethod
    def of_path(cls, path: Path) -> Upload:
        """Raises DomainError when the file cannot be read."""
        try:
            return cls(_bare(path.name), path.read_bytes())
        except OSError as error:
            raise DomainError(f"Cannot read {path}: {error.strerror}.") from error


def _bare(name: str) -> str:
    return PurePath(name).name[-MAX_NAME_CHARS:]
