"""What models are asked besides records: edge cases, paraphrases, labels, repairs. Each from its prompt to its rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.errors import DomainError, StaleStateError
from apps.core.strict_json import JsonValue
from apps.generation.jobs import JOBS, job_of
from apps.generation.jobs.edge_cases import decide_proposal
from apps.generation.models import EdgeCaseProposal, PromptLanguage, PromptRole, RepairOrder, Run
from apps.generation.planning import plan_run
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run, stop_run
from apps.records.models import Record, ReviewMethod, SourceType, UnlabelledInput
from apps.records.services import canonical_hash
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Role
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.request_files import path_of
from apps.submissions.sinks import UnusableAnswerError
from tests import factories
from tests.generation.scene import make_ready_project
from tests.providers.matrix import finish, worker_environment
from tests.providers.rigs import RIGS, Rig

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def rig() -> Iterator[Rig]:
    with RIGS["openai_compatible"]() as rig, worker_environment(rig):
        yield rig


@pytest.fixture
def gap() -> Gap:
    return make_ready_project(axes={"tone": ["angry", "polite"]})


def run_of(role: PromptRole, gap: Gap, rig: Rig, *, count: int) -> Run:
    version = create_prompt(
        project=gap.project,
        name=str(role),
        template=JOBS[role].starter,
        language=PromptLanguage.JINJA,
        role=role,
        actor=None,
    )
    return draft_run(gap=gap, prompt_version=version, connection=rig.connect(), count=count, actor=None)


def through(run: Run) -> Submission:
    finish(start_run(run=run, actor=None))
    return Submission.objects.get(run_uuid=run.uuid)


def accepted(gap: Gap, text: str) -> Record:
    record = factories.make_candidate(gap, text)
    Record.objects.filter(pk=record.pk).update(
        status=RecordStatus.ACCEPTED, review_method=ReviewMethod.PERSON, reviewer=factories.make_user()
    )
    return record


def test_every_starter_is_a_valid_prompt_of_its_role(gap: Gap) -> None:
    for role, job in JOBS.items():
        create_prompt(
            project=gap.project,
            name=f"a {role}",
            template=job.starter,
            language=PromptLanguage.JINJA,
            role=role,
            actor=None,
        )


def test_a_judge_s_prompt_is_not_for_runs() -> None:
    with pytest.raises(DomainError, match="not for runs"):
        job_of(PromptRole.JUDGE)


def test_paraphrases_come_from_accepted_records_and_remember_them(gap: Gap, rig: Rig) -> None:
    sources = [accepted(gap, "money back for the renewal please"), accepted(gap, "you renewed me, refund")]
    factories.make_candidate(gap, "nobody has looked at this one")
    submission = through(run_of(PromptRole.PARAPHRASE, gap, rig, count=5))
    made = Record.objects.filter(submission_uuid=submission.uuid)
    assert made.count() == 5
    assert set(made.values_list("derived_from", flat=True)) == {source.pk for source in sources}
    assert set(made.values_list("label", "source_type")) == {("refund", SourceType.SYNTHETIC)}
    assert "nobody has looked" not in path_of(submission.request_file).read_text()


def test_a_paraphrase_that_changes_the_label_is_set_aside(gap: Gap, rig: Rig) -> None:
    accepted(gap, "money back for the renewal please")
    submission = through(run_of(PromptRole.PARAPHRASE, gap, rig, count=2))
    request, sink = submission.requests.get(), JOBS[PromptRole.PARAPHRASE].sink(submission.pk)
    text: JsonValue = {"text": "give it back"}
    assert len(sink.read(request, {"records": [{"input": text, "output": {"label": "refund"}}]})) == 1
    with pytest.raises(UnusableAnswerError, match="billing"):
        sink.read(request, {"records": [{"input": text, "output": {"label": "billing"}}]})


def test_without_an_accepted_record_there_is_nothing_to_paraphrase(gap: Gap, rig: Rig) -> None:
    with pytest.raises(DomainError, match="is accepted yet"):
        run_of(PromptRole.PARAPHRASE, gap, rig, count=5)


def test_a_proposal_counts_once_a_lead_has_taken_it(gap: Gap, rig: Rig) -> None:
    through(run_of(PromptRole.EDGE_CASES, gap, rig, count=1))
    proposal = EdgeCaseProposal.objects.get()
    gap.refresh_from_db()
    assert gap.axes == {"tone": ["angry", "polite"]}
    lead = factories.make_member(gap.project, Role.LEAD)
    decide_proposal(proposal=proposal, take=True, actor=lead)
    gap.refresh_from_db()
    assert set(proposal.axes) <= set(gap.axes)
    assert gap.axes["tone"][:2] == ["angry", "polite"]
    with pytest.raises(StaleStateError):
        decide_proposal(proposal=proposal, take=False, actor=lead)
    run = run_of(PromptRole.GENERATE, gap, rig, count=2)
    assert run.status == "estimated"


def test_taken_hard_cases_stand_in_prompts(gap: Gap, rig: Rig) -> None:
    EdgeCaseProposal.objects.create(gap=gap, run_uuid=gap.uuid, request_id="x", axes={}, hard_cases=[HEIR])
    EdgeCaseProposal.objects.update(status="approved", decided_at=gap.created_at)
    version = create_prompt(
        project=gap.project,
        name="hard",
        template="Write {{ count }} records. {% for case in hard_cases %}Hard: {{ case }}{% endfor %}",
        language=PromptLanguage.JINJA,
        actor=None,
    )
    run = draft_run(gap=gap, prompt_version=version, connection=rig.connect(), count=2, actor=None)
    assert "an heir" in path_of(through(run).request_file).read_text()


HEIR = {"description": "a refund asked for by an heir", "why_hard": "it reads like a complaint"}


def propose(gap: Gap) -> EdgeCaseProposal:
    return EdgeCaseProposal.objects.create(
        gap=gap,
        run_uuid=gap.uuid,
        request_id="x",
        axes={"tone": ["angry", "resigned", "curt"], "device": ["phone", "desktop"]},
        hard_cases=[HEIR],
    )


def test_a_lead_takes_some_of_the_values_on_the_gap_s_page(gap: Gap, client: Client) -> None:
    proposal = propose(gap)
    client.force_login(factories.make_member(gap.project, Role.LEAD))
    page = client.get(reverse("reports:gap-detail", args=[gap.project.slug, gap.slug])).content.decode()
    assert 'name="axis:tone" value="resigned"' in page
    assert "it reads like a complaint" in page
    url = reverse("generation:proposal-decide", args=[gap.project.slug, proposal.pk])
    assert client.post(url, {"take": "1", "axis:tone": ["resigned"]}).status_code == 302
    gap.refresh_from_db()
    proposal.refresh_from_db()
    assert gap.axes == {"tone": ["angry", "polite", "resigned"]}
    assert proposal.taken_axes == {"tone": ["resigned"]}
    assert (proposal.status, proposal.axes["device"]) == ("approved", ["phone", "desktop"])
    assert client.post(url, {"take": "0"}).status_code == 409


def test_what_was_not_proposed_is_not_taken(gap: Gap) -> None:
    proposal = propose(gap)
    lead = factories.make_member(gap.project, Role.LEAD)
    with pytest.raises(DomainError, match="was not proposed for tone"):
        decide_proposal(proposal=proposal, take=True, axes={"tone": ["sarcastic"]}, actor=lead)
    proposal.refresh_from_db()
    assert proposal.status == "proposed"


def test_a_declined_proposal_changes_nothing(gap: Gap) -> None:
    proposal = propose(gap)
    decide_proposal(proposal=proposal, take=False, actor=factories.make_member(gap.project, Role.LEAD))
    gap.refresh_from_db()
    assert gap.axes == {"tone": ["angry", "polite"]}


@pytest.mark.parametrize(
    "answer",
    [
        ["no object"],
        {"axes": []},
        {"axes": {}, "hard_cases": []},
        {
            "axes": [{"name": "tone", "values": "angry"}, {"name": "", "values": ["x"]}],
            "hard_cases": ["text"],
        },
    ],
)
def test_an_answer_that_proposes_nothing_is_set_aside(answer: JsonValue, gap: Gap, rig: Rig) -> None:
    submission = through(run_of(PromptRole.EDGE_CASES, gap, rig, count=1))
    request = submission.requests.first()
    assert request is not None
    with pytest.raises(UnusableAnswerError):
        JOBS[PromptRole.EDGE_CASES].sink(submission.pk).read(request, answer)


def unlabelled(gap: Gap, *texts: str) -> list[UnlabelledInput]:
    return [
        UnlabelledInput.objects.create(
            project=gap.project,
            input={"text": text},
            canonical_hash=canonical_hash(text),
            source="mailbox.csv",
        )
        for text in texts
    ]


def test_real_inputs_get_a_proposed_label_and_keep_their_text(gap: Gap, rig: Rig) -> None:
    unlabelled(gap, "where is my money for the renewal", "the invoice has the wrong address", "not yet")
    submission = through(run_of(PromptRole.LABEL, gap, rig, count=2))
    made = Record.objects.filter(submission_uuid=submission.uuid)
    assert set(made.values_list("source_type", flat=True)) == {SourceType.SYNTHETIC_LABEL}
    assert {record.input["text"] for record in made} == {
        "where is my money for the renewal",
        "the invoice has the wrong address",
    }
    assert all(record.label in {"refund", "billing", "abuse"} for record in made)
    assert {record.rights_note for record in made} == {"mailbox.csv"}
    assert UnlabelledInput.objects.filter(asked_in=None).count() == 1


def test_what_a_stopped_run_has_not_asked_another_one_may_ask(gap: Gap, rig: Rig) -> None:
    unlabelled(gap, "where is my money", "the invoice is wrong")
    run = start_run(run=run_of(PromptRole.LABEL, gap, rig, count=2), actor=None)
    plan_run(run.pk)
    assert UnlabelledInput.objects.filter(asked_in=run.uuid).count() == 2
    stop_run(run=run, actor=None)
    assert UnlabelledInput.objects.filter(asked_in=None).count() == 2


def test_what_a_stopped_run_has_sent_stays_asked(gap: Gap, rig: Rig) -> None:
    unlabelled(gap, "where is my money")
    run = start_run(run=run_of(PromptRole.LABEL, gap, rig, count=1), actor=None)
    plan_run(run.pk)
    Submission.objects.update(
        status=SubmissionStatus.RUNNING, screened_at=run.created_at, sent_at=run.created_at, post_count=1
    )
    stop_run(run=run, actor=None)
    assert UnlabelledInput.objects.filter(asked_in=run.uuid).count() == 1


def order(gap: Gap, text: str, finding: str) -> RepairOrder:
    return RepairOrder.objects.create(record=factories.make_candidate(gap, text), finding=finding)


def test_a_repair_is_one_new_record_and_never_a_second_attempt(gap: Gap, rig: Rig) -> None:
    wanted = order(gap, "x", "The text is shorter than three characters.")
    submission = through(run_of(PromptRole.REPAIR, gap, rig, count=5))
    assert "shorter than three characters" in path_of(submission.request_file).read_text()
    made = Record.objects.get(submission_uuid=submission.uuid)
    assert made.derived_from == wanted.record
    with pytest.raises(DomainError, match="waits to be mended"):
        another_repair(gap, rig)


def another_repair(gap: Gap, rig: Rig) -> Run:
    version = gap.project.prompts.get(role=PromptRole.REPAIR).versions.get()
    return draft_run(gap=gap, prompt_version=version, connection=rig.connect(), count=1, actor=None)


def test_a_repair_that_is_two_records_is_set_aside(gap: Gap, rig: Rig) -> None:
    order(gap, "x", "Too short.")
    submission = through(run_of(PromptRole.REPAIR, gap, rig, count=1))
    request = submission.requests.get()
    record: JsonValue = {"input": {"text": "longer"}, "output": {"label": "refund"}}
    sink = JOBS[PromptRole.REPAIR].sink(submission.pk)
    assert len(sink.read(request, {"records": [record]})) == 1
    with pytest.raises(UnusableAnswerError, match="2 records"):
        sink.read(request, {"records": [record, record]})


def test_a_stopped_run_gives_its_repairs_back(gap: Gap, rig: Rig) -> None:
    waiting = order(gap, "x", "Too short.")
    run = start_run(run=run_of(PromptRole.REPAIR, gap, rig, count=1), actor=None)
    plan_run(run.pk)
    stop_run(run=run, actor=None)
    waiting.refresh_from_db()
    assert waiting.asked_in is None


def test_two_runs_never_ask_about_the_same_order(gap: Gap, rig: Rig) -> None:
    order(gap, "x", "Too short.")
    first = run_of(PromptRole.REPAIR, gap, rig, count=1)
    second = another_repair(gap, rig)
    start_run(run=first, actor=None)
    start_run(run=second, actor=None)
    finish(first)
    finish(second)
    assert Submission.objects.count() == 1
    second.refresh_from_db()
    assert "waits to be mended" in second.last_error
