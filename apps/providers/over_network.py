"""What providers over the network have in common, unless one says otherwise."""

from __future__ import annotations

from datetime import timedelta

from apps.core.errors import DomainError
from apps.providers.base import Ask, Volume


class OverNetwork:
    """Text in, batches and single answers out, a tag on each batch, a schema that the vendor holds answers to."""

    title: str
    prompt_language = "jinja"
    has_batches = True
    has_synchronous = True
    enforces_schema = True
    tags_batches = True
    poll_every = timedelta(minutes=1)
    create_within = timedelta(minutes=10)
    offline_model = ""

    call_within = timedelta(minutes=2)
    """Longer than the vendor is silent within a call."""
    answer_within = timedelta(minutes=5)
    """The same where a model thinks meanwhile."""

    def time_for(self, volume: Volume, *, is_batch: bool) -> timedelta | None:
        return None


def text_of(ask: Ask, *, asked: str) -> str:
    """The prompt as a text. DomainError when it is none; ``asked`` is who would have been asked."""
    if isinstance(ask.prompt, str) and ask.prompt.strip():
        return ask.prompt
    raise DomainError(
        f"There is nothing to ask {asked} about {ask.label!r}: the prompt is no text. "
        "Write it in the language Jinja, and let it say what is wanted."
    )
