"""The validation worker stops a request file that holds what must not leave (threat 42)."""

from __future__ import annotations

from typing import Any

import pytest

from apps.generation.planning import plan_run
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.operations.work import drain
from apps.providers import rules_journal
from apps.records.models import Record, Use
from apps.specs.models import Gap
from apps.submissions.models import Submission, SubmissionStatus
from apps.validation.screening import screen_submission
from tests import factories
from tests.generation.scene import make_prompt, make_ready_project, start

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

CANARY = "the marmalade invoice was charged to my late uncle's card"
# In the shape of a key, made up, and no vendor's documented example.
KEY = "sk-" + "proj-" + "Zr8kQ2vLm4Xt9Wc1Bn6Hs3Jd7Fg5Py0RaUeTiOwQsDfGhJkLzXcVbNmT3BlbkFJMnBv"


@pytest.fixture
def gap() -> Gap:
    gap = make_ready_project()
    corpus = ensure_corpus(corpus_uuid=gap.uuid, project_uuid=gap.project.uuid, name="holdout")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(gap.uuid, CANARY), (gap.project.uuid, "Refund!")])
    return gap


def template_with(fact: str) -> str:
    return f"labels: {{refund: {{patterns: ['{{fact}}'], slots: {{fact: [\"{fact}\", money back]}}}}}}"


def screened(gap: Gap, **values: Any) -> Submission:
    plan_run(start(gap, **values).pk)
    submission = Submission.objects.get()
    screen_submission(submission.pk)
    submission.refresh_from_db()
    return submission


def test_a_clean_prompt_passes(gap: Gap) -> None:
    assert screened(gap).status == SubmissionStatus.SCREENED


@pytest.mark.parametrize("text", [CANARY, CANARY.upper() + "!!", CANARY + "s", f"so {CANARY} ok"])
def test_a_holdout_canary_in_a_prompt_is_stopped_before_the_provider(gap: Gap, text: str) -> None:
    stopped = screened(gap, prompt=make_prompt(gap.project, template=template_with(text)))
    assert stopped.status == SubmissionStatus.FAILED
    assert {place["screen"] for place in stopped.screen_findings} == {"leakage"}
    assert stopped.screen_findings[0]["pointer"] == "/request/prompt/slots/fact/0"
    assert "marmalade" not in str(stopped.screen_findings) + stopped.last_error
    drain()
    assert rules_journal.read(stopped.nonce) == []
    assert not Record.objects.candidates().exists()


def test_a_holdout_canary_in_a_seed_is_stopped(gap: Gap) -> None:
    factories.make_real(gap.project, CANARY, "refund", use=Use.SEED)
    stopped = screened(gap, prompt=make_prompt(gap.project, template="labels: {}"))
    assert stopped.status == SubmissionStatus.FAILED


def test_a_secret_in_a_prompt_is_stopped(gap: Gap) -> None:
    stopped = screened(gap, prompt=make_prompt(gap.project, template=template_with(f"my key is {KEY}")))
    assert stopped.status == SubmissionStatus.FAILED
    assert [place["screen"] for place in stopped.screen_findings] == ["secrets"]
    assert KEY not in str(stopped.screen_findings) + stopped.last_error


def test_a_label_named_like_a_holdout_text_stops_nothing(gap: Gap) -> None:
    """The text “Refund!” is protected, and every request says that its label is “refund”."""
    assert screened(gap, prompt=make_prompt(gap.project)).status == SubmissionStatus.SCREENED


def test_but_the_same_text_as_a_phrase_is_stopped(gap: Gap) -> None:
    stopped = screened(gap, prompt=make_prompt(gap.project, template=template_with("REFUND")))
    assert stopped.status == SubmissionStatus.FAILED
