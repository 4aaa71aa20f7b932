"""The holdout wall: which process may hold the address of which database.

On PostgreSQL the roles of the three databases enforce this table; on one machine with SQLite it is
configuration, not protection from hostile code that runs as the same user.
"""

from __future__ import annotations

from typing import Final

EVERYTHING: Final = frozenset({"default", "leakage", "holdout"})

# ``shell`` is an operator's own command line: `manage.py prepare`, `freeze_holdout`, `demo --headless`, tests.
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "shell": EVERYTHING,
    "web": EVERYTHING,
    "generation": frozenset({"default"}),
    "validation": frozenset({"default", "leakage"}),
    "evaluation": EVERYTHING,
    "beat": frozenset({"default"}),
}

ADDRESS_VARIABLES: Final = {
    "default": "DATABASE_URL",
    "leakage": "LEAKAGE_DATABASE_URL",
    "holdout": "HOLDOUT_DATABASE_URL",
}

LEAKAGE_KEY_VARIABLES: Final = ("LEAKAGE_KEY", "LEAKAGE_KEY_FILE")


def forbidden_variables(process: str) -> list[str]:
    """Environment variables that ``process`` must not even be given."""
    missing = EVERYTHING - ALLOWED[process]
    names = [
        spelling
        for alias in sorted(missing)
        for spelling in (ADDRESS_VARIABLES[alias], f"{ADDRESS_VARIABLES[alias]}_FILE")
    ]
    if "leakage" in missing:
        names += LEAKAGE_KEY_VARIABLES
    return names
