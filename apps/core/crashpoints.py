"""Places where a test may end the process as if the power had gone."""

from __future__ import annotations

import os
import signal

VARIABLE = "SYNTHREVIEW_CRASH_AT"


def crash_point(name: str) -> None:
    """Kills this process, with no chance to clean up, when the environment names this very place."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
