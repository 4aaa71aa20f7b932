"""What a judge said, brought to the people who review: its words are screened, the queue and the card are told.

Runs in the validation worker, which may ask about leaks. No status moves here, whatever a judge says.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.core.clock import database_now
from apps.core.detectors.secrets import find_secrets
from apps.critic.models import Verdict, with_digest
from apps.critic.rubric import CRITERIA
from apps.leakage.screening import screen_texts
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.models import ReviewTask
from apps.review.opening import priority_of_doubt
from apps.validation.models import JUDGE_CHECK, Finding, Outcome

SLICE = 200
WITHHELD = "Its reasons are withheld: they quoted protected data or a credential."


def hear_verdicts() -> int:
    """Up to SLICE verdicts that nobody has been told of, oldest first; returns how many.

    1. Their words are screened, outside any transaction: two databases are asked.
    2. One by one, under the lock of the row, so that of two workers one tells.
    """
    verdicts = list(
        Verdict.objects.unheard().select_related("record__project", "version__judge").order_by("id")[:SLICE]
    )
    leaking = _leaking(verdicts)
    return sum(_hear(verdict, is_withheld=verdict.pk in leaking) for verdict in verdicts)


def has_unheard() -> bool:
    return Verdict.objects.unheard().exists()


def _leaking(verdicts: Sequence[Verdict]) -> set[int]:
    """Those whose reasons say what nobody may read. A model may have met the holdout elsewhere."""
    found: set[int] = set()
    projects = {verdict.record.project for verdict in verdicts}
    for project in projects:
        texts = [
            (verdict.pk, text)
            for verdict in verdicts
            if verdict.record.project_id == project.pk
            for text in map(str, verdict.reasons.values())
        ]
        screened = screen_texts(project_uuid=project.uuid, texts=[text for _, text in texts])
        found |= {
            pk
            for (pk, text), screen in zip(texts, screened, strict=True)
            if not screen.is_clean or any(not each.reserved for each in find_secrets(text))
        }
    return found


@transaction.atomic
def _hear(verdict: Verdict, *, is_withheld: bool) -> bool:
    # Deciding a record locks it as well: a finding is written before the decision or not at all.
    record = with_digest(Record.objects.filter(pk=verdict.record_id)).select_for_update(of=("self",)).get()
    is_waiting = (
        record.status == RecordStatus.AWAITING_REVIEW and record.standing_digest == verdict.payload_digest
    )
    is_doubted = verdict.is_doubt and is_waiting
    is_shown = is_doubted and not verdict.record.project.blind_review
    changes = {"reasons": {}, "is_withheld": True} if is_withheld else {}
    heard = Verdict.objects.unheard().filter(pk=verdict.pk)
    if not heard.update(heard_at=database_now(), is_shown=is_shown, **changes):
        return False
    if is_doubted:
        _bring_forward(verdict)
    if is_shown:
        _keep_finding(verdict, is_withheld=is_withheld)
    return True


def _bring_forward(verdict: Verdict) -> None:
    priority = priority_of_doubt(verdict.lowest)
    tasks = ReviewTask.objects.open().filter(record=verdict.record_id, priority__gt=priority)
    tasks.update(priority=priority)


def _keep_finding(verdict: Verdict, *, is_withheld: bool) -> None:
    """The latest word of this judge on the record; findings of the checks stay."""
    judge = verdict.version.judge
    code = f"judge-{judge.pk}"
    Finding.objects.filter(record=verdict.record_id, check_name=JUDGE_CHECK, code=code).delete()
    Finding.objects.create(
        record_id=verdict.record_id,
        check_name=JUDGE_CHECK,
        check_version=verdict.version.version,
        outcome=Outcome.WARN,
        code=code,
        message=_in_words(verdict, is_withheld=is_withheld)[:400],
    )


def _in_words(verdict: Verdict, *, is_withheld: bool) -> str:
    """The lowest score with its reason; the words are a stranger's and stand behind whose they are."""
    name = min(CRITERIA, key=lambda each: getattr(verdict, each))
    is_low = verdict.lowest <= verdict.version.bar
    why = f"{name} {verdict.lowest} of 5" if is_low else f"doubt {verdict.doubt} of 5"
    said = WITHHELD if is_withheld else f"It says of its {name}: {verdict.reasons.get(name, '')}"
    return f"{verdict.version.judge} doubts it ({why}). {said}"
