"""A judge is asked about records in review through the submission machine; what it says moves none of them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.critic import choosing
from apps.critic.asking import ask, ask_portion, portion_of
from apps.critic.choosing import waiting
from apps.critic.models import Asking, Occasion, Question, QuestionState, Verdict
from apps.critic.services import create_judge, create_judge_version, give_up_asking, switch_judge
from apps.critic.tasks import ingest_verdicts
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.operations.work import work_once
from apps.records.models import Record, SourceType
from apps.records.services import NewRecord, create_records, move_records
from apps.records.states import RecordStatus
from apps.submissions.connections import save_connection
from apps.submissions.models import Budget, Spending, Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from apps.submissions.services import ensure_rules_connection
from tests import factories
from tests.critic.scene import Court, make_judge, set_price, verdict
from tests.generation.scene import time_passes
from tests.providers.standins.base import Behaviour, EndAs
from tests.providers.standins.base import Outcome as Fate

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

PROTECTED = "the marmalade invoice was charged to my late uncle's card"


def ask_review(court: Court, **values: Any) -> Asking:
    return ask(court.version, Occasion.REVIEW, actor=None, **values)


def states(asking: Asking) -> list[str]:
    return list(asking.questions.order_by("record").values_list("state", flat=True))


def test_a_portion_goes_as_one_batch_and_comes_back_as_verdicts(court: Court) -> None:
    first, second = court.scene.add_waiting(2)
    court.server.says = {"Ticket 1:": verdict(realism=2, reason="It reads like a brochure.")}
    asking = ask_review(court)
    court.goes_on()
    assert court.server.creates == 1
    low, fine = Verdict.objects.order_by("record")
    assert (low.record_id, low.realism, low.lowest, low.is_doubt) == (first.pk, 2, 2, True)
    assert low.reasons["realism"] == "It reads like a brochure."
    assert (fine.record_id, fine.lowest, fine.is_doubt) == (second.pk, 5, False)
    submission = Submission.objects.get(run_uuid=asking.uuid)
    assert (submission.purpose, submission.status, submission.delivery) == ("judge", "done", "batch")
    assert submission.output_tokens > 0
    asking.refresh_from_db()
    assert asking.closed_at is not None
    assert states(asking) == [QuestionState.JUDGED] * 2
    # Whatever it says, both still wait for a person.
    assert set(Record.objects.values_list("status", flat=True)) == {RecordStatus.AWAITING_REVIEW}
    assert set(Record.objects.values_list("event_seq", flat=True)) == {first.event_seq}


def test_requests_may_go_one_by_one(court: Court) -> None:
    court.scene.add_waiting(3)
    ask_review(court, delivery="synchronous")
    court.goes_on()
    # The chat of the stand-in answers at random by the schema: scores of 1 to 5, so all of them count.
    assert Verdict.objects.count() == court.server.creates == 3


def test_a_record_is_asked_about_once_by_a_version_and_again_by_the_next(court: Court) -> None:
    court.scene.add_waiting(3)
    ask_review(court, most=2)
    court.goes_on()
    ask_review(court, most=2)
    court.goes_on()
    assert Verdict.objects.count() == 3
    with pytest.raises(DomainError, match="none that strict v1 has yet to be asked about"):
        ask_review(court)
    court.version = create_judge_version(
        judge=court.version.judge, connection=court.connection, rubric="Be kind.", actor=None
    )
    ask_review(court)
    court.goes_on()
    assert Verdict.objects.count() == 6


def test_two_who_ask_at_once_ask_once(court: Court) -> None:
    court.scene.add_waiting(2)
    portion = portion_of(court.version, Occasion.REVIEW)
    ask_review(court)
    with pytest.raises(DomainError, match="none that strict"):
        ask_review(court)
    # The other had chosen the same records before the first was committed.
    with pytest.raises(StaleStateError, match="just now"):
        ask_portion(portion, actor=None)
    assert Asking.objects.count() == Submission.objects.count() == 1


def test_a_result_read_twice_gives_one_verdict(court: Court) -> None:
    court.scene.add_waiting(2)
    court.server.behaviour = Behaviour(duplicate=True, shuffle=True)
    ask_review(court)
    court.goes_on()
    assert Verdict.objects.count() == 2
    submission = Submission.objects.get()
    # A worker that had the file before a crash reads it from the start again.
    Submission.objects.filter(pk=submission.pk).update(
        status=SubmissionStatus.INGESTING, ingest_offset=0, next_attempt_at=submission.created_at
    )
    submission.requests.update(outcome="pending", answer_sha256="")
    ingest_verdicts(submission.pk)
    assert Verdict.objects.count() == 2
    assert Question.objects.filter(state=QuestionState.JUDGED).count() == 2


HOSTILE = {
    "no JSON at all": "The record is fine, approve it.",
    "a decision instead of scores": {"accept": True, "status": "accepted"},
    "a score out of range": verdict(realism=9),
    "a score of another kind": verdict(realism=True),
    "a field beside the schema": {**verdict(), "status": "accepted"},
    "a field missing": {name: value for name, value in verdict().items() if name != "doubt"},
    "a reason that is no text": {**verdict(), "policy": {"reason": {"a": 1}, "score": 5}},
    "a list of verdicts": [verdict(), verdict()],
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_outside_the_schema_is_quarantined_and_judges_nothing(court: Court, answer: object) -> None:
    court.scene.add_waiting(2)
    court.server.says = {"Ticket 1:": answer}
    asking = ask_review(court)
    court.goes_on()
    assert Verdict.objects.count() == 1
    assert Submission.objects.get().lines_quarantined == 1
    assert states(asking) == [QuestionState.UNANSWERED, QuestionState.JUDGED]
    # Not judged is not fine: it is asked about again, and counted.
    assert waiting(court.version, Occasion.REVIEW).askable == 1


def test_refused_cut_and_missing_answers_are_not_judged_and_given_up_after_two(court: Court) -> None:
    court.scene.add_waiting(4)
    fates = [Fate.REFUSAL, Fate.TRUNCATED, Fate.ERROR, Fate.OK]
    court.server.behaviour = Behaviour(per_request=lambda number, line: fates[number % 4])
    asking = ask_review(court)
    court.goes_on()
    assert states(asking) == [*[QuestionState.UNANSWERED] * 3, QuestionState.JUDGED]
    assert list(asking.questions.order_by("record").values_list("reason", flat=True)) == [
        "refused", "truncated", "error", "",
    ]  # fmt: skip
    court.server.behaviour = Behaviour(end_as=EndAs.EXPIRED, answered=0)
    again = ask_review(court)
    court.goes_on()
    assert states(again) == [QuestionState.UNANSWERED] * 3
    counts = waiting(court.version, Occasion.REVIEW)
    assert (counts.records, counts.judged, counts.given_up, counts.askable) == (4, 1, 3, 0)


def test_a_judge_of_a_family_that_writes_here_is_refused(court: Court) -> None:
    project = court.scene.project
    factories.make_candidate(court.scene.gap, "by a claude", generator_model_family="anthropic-claude")
    claude = save_connection(name="claude", provider_key="anthropic", model="claude-sonnet-5")
    with pytest.raises(DomainError, match="would not see its own blind spots"):
        create_judge(project=project, name="kin", connection=claude, rubric="x", actor=None)
    with pytest.raises(DomainError, match="writes by rules"):
        create_judge(
            project=project, name="rules", connection=ensure_rules_connection(), rubric="x", actor=None
        )
    assert project.judges.count() == 1


def test_records_of_its_own_family_or_of_none_are_left_out_and_counted(court: Court) -> None:
    """They may come in after the judge was saved: from a file, or once somebody corrects a family."""
    family = court.connection.family.name
    fine = court.scene.add_waiting(1)
    court.scene.add_waiting(2, start=10, generator_model_family=family.upper())
    court.scene.add_waiting(1, start=20, generator_model_family="")
    parent = factories.make_candidate(court.scene.gap, "the first try", generator_model_family=family)
    court.scene.add_waiting(1, start=30, derived_from=parent)
    # A file may call the family what it likes: the model's name tells.
    court.scene.add_waiting(
        1, start=40, generator_model="openai/gpt-4o", generator_model_family="the big one"
    )
    counts = waiting(court.version, Occasion.REVIEW)
    assert (counts.records, counts.askable) == (6, 1)
    assert (counts.same_family, counts.unknown_family) == (4, 1)
    asking = ask_review(court)
    assert list(asking.questions.values_list("record_id", flat=True)) == [fine[0].pk]


def test_a_page_counts_no_more_than_it_can_look_up(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    family = court.connection.family.name
    court.scene.add_waiting(1, generator_model_family=family)
    court.scene.add_waiting(2, start=2)
    assert not waiting(court.version, Occasion.REVIEW).is_cut
    monkeypatch.setattr(choosing, "MOST_COUNTED", 2)
    counts = waiting(court.version, Occasion.REVIEW)
    assert (counts.records, counts.same_family, counts.askable, counts.is_cut) == (2, 1, 1, True)


def test_what_a_person_wrote_has_no_family_and_is_asked_about(court: Court) -> None:
    row = NewRecord(
        source_type=SourceType.WRITTEN,
        gap=court.scene.gap,
        input={"text": "a colleague wrote this"},
        output={"label": "refund"},
    )
    records = create_records(project=court.scene.project, rows=[row], actor=None)
    move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None)
    counts = waiting(court.version, Occasion.REVIEW)
    assert (counts.askable, counts.unknown_family) == (1, 0)


def test_a_switched_off_judge_is_asked_nothing(court: Court) -> None:
    court.scene.add_waiting(1)
    switch_judge(judge=court.version.judge, is_on=False, audits=False, actor=None)
    with pytest.raises(DomainError, match="switched off"):
        ask_review(court)
    assert not Submission.objects.exists()


def test_the_budget_stops_it_before_anything_is_sent(court: Court) -> None:
    court.scene.add_waiting(3)
    set_price(court.connection, input_=1000, output=1000)
    portion = portion_of(court.version, Occasion.REVIEW)
    assert portion.cost_words.startswith("about $")
    Budget.objects.create(project=court.scene.project, total_cap="0.50")
    with pytest.raises(RefusedError, match="over the budget"):
        ask_review(court)
    assert not Submission.objects.exists()
    assert not Asking.objects.exists()
    Budget.objects.update(total_cap="500.00")
    ask_review(court)
    assert Spending.objects.get(period="").reserved > 0
    court.goes_on()
    row = Spending.objects.get(period="")
    assert row.reserved == 0
    assert row.spent > 0


def test_a_protected_text_in_a_record_stops_the_file_and_the_rest_goes_in_the_next(court: Court) -> None:
    """It was protected after the record had passed its checks."""
    project = court.scene.project
    leaking = factories.make_candidate(court.scene.gap, f"hello. {PROTECTED}. bye")
    Record.objects.filter(pk=leaking.pk).update(status=RecordStatus.AWAITING_REVIEW, due_at=None)
    court.scene.add_waiting(1)
    corpus = ensure_corpus(corpus_uuid=court.scene.gap.uuid, project_uuid=project.uuid, name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(court.scene.gap.uuid, PROTECTED)])
    asking = ask_review(court)
    court.goes_on()
    assert court.server.creates == 0
    stopped = Submission.objects.get()
    assert stopped.status == SubmissionStatus.FAILED
    assert "marmalade" not in str(stopped.screen_findings) + stopped.last_error
    assert states(asking) == [QuestionState.STOPPED, QuestionState.UNSENT]
    ask_review(court)
    court.goes_on()
    assert court.server.creates == 1
    assert "marmalade" not in "".join(court.server.prompts)
    assert waiting(court.version, Occasion.REVIEW).given_up == 1


def test_a_record_that_shares_a_phrase_with_the_holdout_may_be_judged_and_the_rubric_may_not_quote_it(
    court: Court,
) -> None:
    """As with seeds: people share phrases, so a record that passed the rule for records may be quoted."""
    project, phrase = court.scene.project, "what is my card for"
    corpus = ensure_corpus(corpus_uuid=court.scene.gap.uuid, project_uuid=project.uuid, name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(court.scene.gap.uuid, phrase)])
    record = factories.make_candidate(court.scene.gap, f"so tell me {phrase} then, you took money twice")
    Record.objects.filter(pk=record.pk).update(status=RecordStatus.AWAITING_REVIEW, due_at=None)
    ask_review(court)
    court.goes_on()
    assert Verdict.objects.count() == 1
    # The negative control: the same words outside the record are stopped.
    create_judge_version(
        judge=court.version.judge, connection=court.connection, rubric=f"Ask: {phrase}?", actor=None
    )
    asking = ask(court.version.judge.current(), Occasion.REVIEW, actor=None)
    court.goes_on()
    assert Submission.objects.get(run_uuid=asking.uuid).status == SubmissionStatus.FAILED


def test_a_secret_in_a_record_is_not_sent(court: Court) -> None:
    key = "sk-" + "proj-" + "Zr8kQ2vLm4Xt9Wc1Bn6Hs3Jd7Fg5Py0RaUeTiOwQsDfGhJkLzXcVbNmT3BlbkFJMnBv"
    record = factories.make_candidate(court.scene.gap, f"my key is {key}")
    Record.objects.filter(pk=record.pk).update(status=RecordStatus.AWAITING_REVIEW, due_at=None)
    asking = ask_review(court)
    court.goes_on()
    assert court.server.creates == 0
    assert states(asking) == [QuestionState.STOPPED]


def test_a_batch_lost_on_the_way_can_be_given_up_and_is_asked_again(court: Court) -> None:
    court.scene.add_waiting(1)
    court.server.behaviour = Behaviour(drop_before_accept=True)
    asking = ask_review(court)
    with pytest.raises(StaleStateError, match="Nothing of this is lost"):
        give_up_asking(asking=asking, actor=court.scene.reviewer)
    for _ in range(2):
        time_passes()
        work_once("validation")
        work_once("generation")
    assert Submission.objects.get().status == SubmissionStatus.UNKNOWN
    assert give_up_asking(asking=asking, actor=court.scene.reviewer) == 1
    court.goes_on()
    assert states(asking) == [QuestionState.UNANSWERED]
    ask_review(court)
    court.goes_on()
    assert Verdict.objects.count() == 1


def test_generation_leaves_a_judge_s_answers_alone(court: Court) -> None:
    court.scene.add_waiting(1)
    ask_review(court)
    court.goes_on()
    assert not Record.objects.exclude(status=RecordStatus.AWAITING_REVIEW).exists()
    assert Record.objects.count() == 1


def test_the_request_file_holds_no_more_than_the_record_needs(court: Court) -> None:
    factories.make_real(court.scene.project, "a train row that nobody may see", "refund")
    court.scene.add_waiting(1)
    ask_review(court)
    sent = path_of(Submission.objects.get().request_file).read_text()
    assert "nobody may see" not in sent
    assert "A real ticket about" not in sent
    assert "Ticket 1:" in sent


def test_a_name_is_taken_once_and_a_version_says_something_new(court: Court) -> None:
    version, connection = court.version, court.connection
    with pytest.raises(DomainError, match="has a judge"):
        make_judge(court.scene, connection)
    with pytest.raises(DomainError, match="says the same"):
        create_judge_version(
            judge=version.judge, connection=connection, rubric=version.rubric + "\r\n", actor=None
        )
    for rubric, bar, words in [(" ", 2, "empty"), ("x" * 9000, 2, "9,000"), ("x", 5, "from 1 to 4")]:
        with pytest.raises(DomainError, match=words):
            create_judge_version(
                judge=version.judge, connection=connection, rubric=rubric, bar=bar, actor=None
            )
    connection.is_enabled = False
    with pytest.raises(DomainError, match="switched off"):
        create_judge_version(judge=version.judge, connection=connection, rubric="y", actor=None)
