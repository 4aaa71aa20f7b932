"""A reviewer made of a few plain rules. Its decisions carry its name, and reports say that it is a script."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import yaml

from apps.accounts.models import User
from apps.core.errors import RefusedError
from apps.review.claiming import claim_next
from apps.review.decisions import decide
from apps.review.models import Action, ReviewTask
from apps.review.opening import open_tasks
from apps.review.payloads import current_payload
from apps.specs.models import Project

SESSION = "scripted reviewer"


@dataclass(frozen=True)
class Rules:
    """``reject``: (text in lower case, reason code) in order; ``edit``: (find, replace), all of them."""

    reject: list[tuple[str, str]]
    edit: list[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> Rules:
        document = yaml.safe_load(text)
        return cls(
            reject=[(rule["pattern"].lower(), rule["reason"]) for rule in document["reject"]],
            edit=[(rule["find"], rule["replace"]) for rule in document["edit"]],
        )

    def verdict(self, text: str) -> tuple[Action, str]:
        """What to do with ``text``: (rejected, reason), (edited, new text) or (accepted, "")."""
        lowered = text.lower()
        for pattern, reason in self.reject:
            if pattern in lowered:
                return Action.REJECTED, reason
        edited = text
        for find, replacement in self.edit:
            edited = edited.replace(find, replacement)
        return (Action.EDITED, edited) if edited != text else (Action.ACCEPTED, "")


def review_with_rules(
    *, project: Project, reviewer: User, rules: Rules, limit: int | None = None
) -> Counter[str]:
    """Reviews up to ``limit`` waiting records through the same leases and decisions as a person."""
    open_tasks(project=project)
    counts: Counter[str] = Counter()
    while limit is None or counts.total() < limit:
        tasks = claim_next(project=project, user=reviewer, session_key=SESSION, count=1)
        if not tasks:
            break
        counts[_decide(tasks[0], reviewer, rules)] += 1
    return counts


def _decide(task: ReviewTask, reviewer: User, rules: Rules) -> str:
    payload = current_payload(task.record)
    action, said = rules.verdict(payload["input"]["text"])
    arguments: dict[str, Any] = {"task": task, "actor": reviewer, "fence": task.fence, "key": uuid4()}
    if action == Action.REJECTED:
        decide(**arguments, action=action, reasons=[said])
    elif action == Action.EDITED:
        edited = payload | {"input": payload["input"] | {"text": said}}
        try:
            decide(**arguments, action=action, payload=edited)
        except RefusedError:
            # Edited, it would say what another record says already.
            decide(**arguments, action=Action.REJECTED, reasons=["duplicate"])
            return Action.REJECTED
    else:
        decide(**arguments, action=action)
    return action
