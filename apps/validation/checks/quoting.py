"""Values of a record in a message: short, in visible characters, secrets and personal data masked."""

from __future__ import annotations

import json

from apps.core.detectors.detection import mask
from apps.core.detectors.personal_data import find_personal_data
from apps.core.detectors.secrets import find_secrets
from apps.core.strict_json import JsonValue

_LONGEST_LOOKED_AT = 2_000


def quoted(value: JsonValue, *, most: int = 80) -> str:
    """``value`` as JSON, at most ``most`` characters of it."""
    return quoted_text(json.dumps(value, ensure_ascii=False), most=most)


def quoted_text(text: str, *, most: int = 80) -> str:
    # Masked before it is cut: half a secret looks like none.
    text = text[:_LONGEST_LOOKED_AT]
    text = mask(text, find_secrets(text))
    text = mask(text, find_personal_data(text))
    visible = "".join(character if character.isprintable() else "·" for character in text)
    return visible if len(visible) <= most else f"{visible[: most - 1]}…"
