"""What became of the questions of a portion that is over. Without a verdict a record is not judged, and says why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from apps.core.clock import database_now
from apps.core.errors import StaleStateError
from apps.critic.models import Asking, Question, QuestionState
from apps.submissions.models import RequestOutcome, Submission, SubmissionStatus
from apps.submissions.request_files import custom_id_of

# Nothing of these reached a model.
UNDONE = frozenset({SubmissionStatus.FAILED, SubmissionStatus.REJECTED})


def to_close() -> list[int]:
    return list(Asking.objects.to_close().order_by("id").values_list("pk", flat=True)[:100])


@transaction.atomic
def close_asking(asking_id: int) -> None:
    """Open → closed, once every submission has come to its end; its open questions say how they ended."""
    asking = Asking.objects.to_close().filter(pk=asking_id).first()
    if asking is None:
        return
    if not Asking.objects.filter(pk=asking.pk, closed_at=None).update(closed_at=database_now()):
        raise StaleStateError(f"{asking} has been closed already.")
    ended: dict[tuple[str, str], list[int]] = defaultdict(list)
    for submission in Submission.objects.of_run(asking.uuid):
        for record, state, reason in _endings(submission):
            ended[state, reason].append(record)
    still_open = asking.questions.filter(state=QuestionState.ASKED)
    for (state, reason), records in ended.items():
        still_open.filter(record__in=records).update(state=state, reason=reason)
    # A question of which no request is known was never asked.
    Question.objects.filter(asking=asking, state=QuestionState.ASKED).update(state=QuestionState.UNSENT)


def _endings(submission: Submission) -> Sequence[tuple[int, str, str]]:
    """(record, state, reason) of each request without a verdict."""
    named = {
        custom_id_of(submission.nonce, place["line"]) for place in submission.screen_findings if place["line"]
    }
    was_asked = submission.post_count and submission.status not in UNDONE
    endings = []
    rows = submission.requests.exclude(outcome=RequestOutcome.ANSWERED)
    for custom_id, context, outcome, reason in rows.values_list("custom_id", "context", "outcome", "reason"):
        if custom_id in named:
            state, reason = QuestionState.STOPPED, "leakage or secret"
        elif was_asked:
            state, reason = QuestionState.UNANSWERED, reason or outcome
        else:
            state, reason = QuestionState.UNSENT, submission.status
        endings.append((context["judged"], state, reason))
    return endings
