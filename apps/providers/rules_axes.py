"""How the axes and the realism that a gap asks for bend what the ``rules`` generator writes.

Known axes: ``tone`` (angry, polite), ``length`` (short, long), ``channel`` (email, chat, phone, form) and
``noise`` (none, light, heavy). Any other axis is remembered with the record and leaves no trace in its text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Share of records that get a kind of noise which the gap demands and the prompt leaves open.
DEMANDED = 0.35
# What a demand does to a share that the prompt states. A prompt that says 0 means never.
DEMANDED_FACTOR = 1.5

NOISE_FACTORS = {
    "none": 0.0, "clean": 0.0, "light": 0.5, "low": 0.5, "heavy": 2.0, "high": 2.0, "noisy": 2.0,
}  # fmt: skip
CHANNEL_FACTORS: Mapping[str, Mapping[str, float]] = {
    "email": {"pasted_mail": 2.0},
    "chat": {"abbreviations": 1.5, "fragments": 1.5, "pasted_mail": 0.0},
    # A transcript: what was said, not what was typed.
    "phone": {"run_ons": 2.0, "pasted_mail": 0.0, "abbreviations": 0.0, "casing": 0.0, "typos": 0.2},
    "form": {"pasted_mail": 0.0},
}
LENGTH_FACTORS: Mapping[str, Mapping[str, float]] = {"short": {"pasted_mail": 0.0, "contradictions": 0.0}}
ALIASES = {
    "mail": "email", "e-mail": "email", "livechat": "chat", "live chat": "chat", "messenger": "chat",
    "sms": "chat", "call": "phone", "voice": "phone", "web form": "form", "contact form": "form",
    "furious": "angry", "annoyed": "angry", "frustrated": "angry", "friendly": "polite", "formal": "polite",
    "brief": "short", "terse": "short", "verbose": "long", "detailed": "long", "rambling": "long",
}  # fmt: skip
REALISM_ALIASES = {
    "typo": "typos", "fragment": "fragments", "run_on": "run_ons", "abbreviation": "abbreviations",
    "case": "casing", "contradiction": "contradictions", "mail": "pasted_mail", "quotes": "pasted_mail",
}  # fmt: skip


@dataclass(frozen=True)
class Manner:
    """How one record is to be written."""

    tone: str
    length: str
    channel: str
    noise: Mapping[str, float]
    """Chance of each kind of noise, at most 1."""


def manner_of(
    axes: Mapping[str, str], *, realism: tuple[str, ...], prompt_noise: Mapping[str, float]
) -> Manner:
    channel, length = _known(axes, "channel"), _known(axes, "length")
    factors = (CHANNEL_FACTORS.get(channel, {}), LENGTH_FACTORS.get(length, {}))
    overall = NOISE_FACTORS.get(_known(axes, "noise"), 1.0)
    wanted = _with_demands(prompt_noise, realism)
    return Manner(
        tone=_known(axes, "tone"),
        length=length,
        channel=channel,
        noise={
            kind: min(1.0, share * overall * math.prod(factor.get(kind, 1.0) for factor in factors))
            for kind, share in wanted.items()
        },
    )


def _known(axes: Mapping[str, str], name: str) -> str:
    value = next((value for key, value in axes.items() if key.casefold() == name), "").casefold().strip()
    return ALIASES.get(value, value)


def _with_demands(noise: Mapping[str, float], realism: tuple[str, ...]) -> dict[str, float]:
    result = dict(noise)
    for demand in realism:
        kind = demand.casefold().strip().replace(" ", "_").replace("-", "_")
        kind = REALISM_ALIASES.get(kind, kind)
        result[kind] = result[kind] * DEMANDED_FACTOR if kind in result else DEMANDED
    return result
