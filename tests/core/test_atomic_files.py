"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.core.atomic_files import atomic_file


def test_a_written_file_has_its_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with atomic_file(path, mode=0o440) as file:
        file.write(b"all of it")
        assert not path.exists()
    assert path.read_bytes() == b"all of it"
    assert path.stat().st_mode & 0o777 == 0o440


def test_a_block_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write() -> None:
        with atomic_file(path) as file:
            file.write(b"new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
