"""A holdout text placed where a generator or a trainer would meet it is stopped; a train row never leaves the house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings

from apps.core.errors import RefusedError
from apps.core.uploads import Upload
from apps.generation.models import Run
from apps.generation.prompts import create_prompt, default_rules_prompt
from apps.generation.services import draft_run, start_run
from apps.holdout.imports import commit_holdout_import, stage_holdout_import
from apps.holdout.rules import FreezeTerms
from apps.holdout.services import begin_freeze, continue_freeze
from apps.intake.examples import publish_guide
from apps.intake.models import ImportRole
from apps.intake.services import commit_import, stage_import
from apps.operations.work import drain
from apps.records.models import Record, Use
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Label, LabelExample, LabelGuide
from apps.submissions.models import Submission, SubmissionStatus
from apps.submissions.services import ensure_rules_connection
from apps.validation.models import Finding
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

CANARY = "the renewal was taken from my grandmother's card although we cancelled in March"
NEAR = CANARY.replace("grandmother", "grandfather")
SEED = "please refund the yearly plan, nobody here uses it any more"
TRAIN = "your courier left the parcel with a neighbour who moved away"
TEMPLATE = """
labels:
  refund:
    patterns: ["{opening} {fact}", "{fact}. {opening}"]
    slots:
      opening: [hi, hello, good morning, dear team, hey, excuse me]
      fact: [you charged me twice, i sent it back in may, wrong size, it broke after a day, {planted}]
noise: {}
"""


@pytest.fixture
def gap() -> Gap:
    """An open gap of a governed project whose frozen holdout holds the canary."""
    project = factories.make_project()
    factories.make_spec(project)
    factories.make_guide(project, "refund", "billing")
    upload = Upload(
        "holdout.csv", f'text,category\n"{CANARY}",refund\n"the invoice is wrong",billing\n'.encode()
    )
    staged = stage_holdout_import(project=project, upload=upload, actor=None)
    commit_holdout_import(project=project, import_=staged, actor=None)
    terms = FreezeTerms(rare=["refund"], common=["billing"])
    continue_freeze(holdout=begin_freeze(project=project, terms=terms, actor=None))
    factories.make_real(project, SEED, "refund", use=Use.SEED)
    factories.make_real(project, TRAIN, "refund", use=Use.TRAIN)
    return factories.make_gap(project)


def generate(gap: Gap, planted: str | None) -> Run:
    """A run with ``planted`` among the phrases of its prompt; without any, one made of the project's seeds."""
    prompt = (
        default_rules_prompt(project=gap.project, name="seeds", actor=None)
        if planted is None
        else create_prompt(
            project=gap.project,
            name="planted",
            template=TEMPLATE.replace("{planted}", json.dumps(planted)),
            actor=None,
        )
    )
    run = draft_run(
        gap=gap, prompt_version=prompt, connection=ensure_rules_connection(), count=10, seed=1, actor=None
    )
    run = start_run(run=run, actor=None)
    drain()
    return run


def on_the_wire() -> str:
    """Every request file there is."""
    return "".join(path.read_text() for path in Path(settings.FILES_DIR).rglob("*") if path.is_file())


@pytest.mark.parametrize("role", [ImportRole.SEED, ImportRole.TRAIN])
def test_a_canary_in_a_seed_or_train_file_is_refused(gap: Gap, role: ImportRole) -> None:
    upload = Upload("rows.csv", f'text,category\n"{CANARY.upper()}!",refund\n"another row",refund\n'.encode())
    import_ = stage_import(project=gap.project, role=role, upload=upload, actor=None)
    assert [row["line"] for row in import_.refused] == [2]
    commit_import(import_=import_, actor=None)
    assert not [record for record in Record.objects.all() if CANARY in record.input["text"].lower()]


def test_a_canary_among_a_guides_examples_stops_its_publication(gap: Gap) -> None:
    guide = LabelGuide.objects.create(project=gap.project, version=2)
    for name in ("refund", "billing"):
        label = Label.objects.create(guide=guide, name=name, definition=name, commonness="other")
        LabelExample.objects.create(label=label, text=CANARY if name == "refund" else "a fine example")
    with pytest.raises(RefusedError) as refused:
        publish_guide(guide=guide, actor=None)
    assert any("stands in the holdout" in problem for problem in refused.value.problems)
    assert gap.project.published_guide() != guide


@pytest.mark.parametrize("planted", [CANARY, NEAR, f"and then {CANARY}, can you believe it"])
def test_a_canary_in_a_prompt_is_stopped_before_anything_is_sent(gap: Gap, planted: str) -> None:
    generate(gap, planted)
    submission = Submission.objects.get()
    assert (submission.status, submission.post_count, submission.sent_at) == (
        SubmissionStatus.FAILED,
        0,
        None,
    )
    assert submission.screen_findings
    assert planted not in json.dumps(submission.screen_findings)
    assert not Record.objects.candidates().exists()


def test_the_negative_control_a_harmless_phrase_is_sent(gap: Gap) -> None:
    generate(gap, "the lid does not close")
    assert Submission.objects.get().status == SubmissionStatus.DONE
    assert Record.objects.candidates().exists()


@pytest.mark.parametrize(("text", "rule"), [(CANARY.title(), "text"), (f"Hello. {CANARY}. Bye!", "sentence")])
def test_a_canary_in_a_generated_record_never_reaches_a_reviewer(gap: Gap, text: str, rule: str) -> None:
    record = factories.make_candidate(gap, text)
    drain()
    record.refresh_from_db()
    assert record.status == RecordStatus.FAILED_CHECKS
    assert Finding.objects.filter(record=record, check_name="leakage", outcome="block", code=rule).exists()


def test_a_near_copy_in_a_generated_record_carries_a_warning(gap: Gap) -> None:
    record = factories.make_candidate(gap, NEAR)
    drain()
    assert Finding.objects.get(record=record, check_name="leakage").outcome == "warn"


def test_a_train_row_never_reaches_the_wire_but_a_seed_may(gap: Gap) -> None:
    generate(gap, None)
    sent = on_the_wire()
    assert Submission.objects.get().status == SubmissionStatus.DONE
    assert "yearly plan" in sent
    assert "courier" not in sent
    assert "grandmother" not in sent
