"""The seal of a decision: a digest of all it says, so that a changed reason, note or time shows."""

from __future__ import annotations

from apps.core.strict_json import sha256_of
from apps.records import chain
from apps.review.models import Decision


def seal_of(decision: Decision, *, secret: str = "") -> str:
    """Of a decision that is complete, ``decided_at`` included. The person goes in as a keyed pseudonym."""
    edited = {"input": decision.edited_input, "output": decision.edited_output}
    return chain.digest(
        str(decision.uuid),
        str(decision.record.uuid),
        str(decision.task_id),
        chain.pseudonym(decision.reviewer, secret=secret),
        str(decision.action),
        str(decision.method),
        sha256_of({"reasons": list(decision.reasons), "note": decision.note, "edited": edited}),
        str(decision.guide_version or ""),
        str(decision.fence),
        str(decision.milliseconds),
        chain.moment(decision.decided_at),
    )
