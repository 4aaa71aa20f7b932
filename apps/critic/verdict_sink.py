"""Answers become verdicts, once each; what cannot be read is quarantined and judges nothing."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.strict_json import JsonValue
from apps.core.wake import wake
from apps.critic.models import Asking, Question, QuestionState, Verdict
from apps.critic.rubric import CRITERIA, read_scores
from apps.submissions.models import Submission, SubmissionRequest
from apps.submissions.sinks import UnusableAnswerError


class VerdictSink:
    """The sink of one submission to a judge."""

    def __init__(self, submission_id: int) -> None:
        run_uuid = Submission.objects.values_list("run_uuid", flat=True).get(pk=submission_id)
        self.asking = Asking.objects.select_related("version").get(uuid=str(run_uuid))
        self.questions = dict(self.asking.questions.values_list("record_id", "pk"))

    def read(self, request: SubmissionRequest, answer: JsonValue) -> list[Verdict]:
        scores = read_scores(answer)
        if scores is None:
            # Without a word of it: what a model says may be what a record told it to say.
            raise UnusableAnswerError("not_a_verdict", "The answer is not a verdict by the schema.")
        record, version = request.context["judged"], self.asking.version
        return [
            Verdict(
                question_id=self.questions[record],
                version=version,
                record_id=record,
                payload_digest=request.context["digest"],
                **{name: getattr(scores, name) for name in CRITERIA},
                doubt=scores.doubt,
                is_doubt=version.doubts(lowest=scores.lowest, doubt=scores.doubt),
                reasons=dict(scores.reasons),
            )
        ]

    def write(self, rows: Sequence[Verdict]) -> None:
        """A payload that this version has judged before keeps its first verdict."""
        Verdict.objects.bulk_create(rows, ignore_conflicts=True)
        answered = [row.question_id for row in rows]
        Question.objects.filter(pk__in=answered).update(state=QuestionState.JUDGED, reason="")
        wake("validation")
