"""What the ``rules`` provider remembers of its batches, so that a lost answer can be found again.

A network provider keeps this on its own side. There is a file for each nonce; a batch exists from the moment
at which its line is appended.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

NONCE = re.compile(r"[0-9a-f]{32}")


def _path(nonce: str) -> Path:
    if not NONCE.fullmatch(nonce):
        raise ValueError("A nonce is 32 hexadecimal digits.")
    return Path(settings.FILES_DIR) / "provider-journal" / "rules" / f"{nonce}.jsonl"


def write(nonce: str, event: str, **values: str) -> datetime:
    """Appends one event and brings it to disk; returns its time."""
    path = _path(nonce)
    path.parent.mkdir(parents=True, exist_ok=True)
    now = timezone.now()
    # A line feed on both sides: whatever a crash left half-written before it stays a line of its own.
    line = "\n" + json.dumps({"event": event, "at": now.isoformat(), **values}) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return now


def read(nonce: str) -> list[dict[str, Any]]:
    """The events of ``nonce``, oldest first; a line that a crash cut short never happened."""
    path = _path(nonce)
    if not path.exists():
        return []
    events = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with suppress(json.JSONDecodeError):
            events.append(json.loads(line))
    return events
