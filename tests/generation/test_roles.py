"""A judge and the generator it judges share no ancestor, whichever of the two comes first."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.core.errors import DomainError
from apps.generation.models import PromptLanguage, PromptRole, RoleChoice, Run
from apps.generation.prompts import create_prompt
from apps.generation.roles import choose_model, chosen_for, generator_families
from apps.generation.services import draft_run, start_run
from apps.specs.models import Gap
from apps.submissions.connections import save_connection
from apps.submissions.models import Connection
from tests import factories
from tests.generation.scene import make_ready_project
from tests.providers.matrix import TEMPLATE

pytestmark = pytest.mark.django_db


@pytest.fixture
def gap() -> Gap:
    factories.make_families()
    return make_ready_project()


@pytest.fixture
def mini() -> Connection:
    return save_connection(name="mini", provider_key="openai", model="gpt-4o-mini")


@pytest.fixture
def sibling() -> Connection:
    return save_connection(name="sibling", provider_key="openai", model="gpt-4o")


@pytest.fixture
def stranger() -> Connection:
    return save_connection(name="stranger", provider_key="anthropic", model="claude-sonnet-5")


def draft(gap: Gap, connection: Connection) -> Run:
    version = create_prompt(
        project=gap.project,
        name=f"for {connection}",
        template=TEMPLATE,
        language=PromptLanguage.JINJA,
        actor=None,
    )
    return draft_run(gap=gap, prompt_version=version, connection=connection, count=10, actor=None)


def judge(gap: Gap, connection: Connection) -> RoleChoice:
    return choose_model(project=gap.project, role=PromptRole.JUDGE, connection=connection, actor=None)


def test_choosing_again_replaces_the_choice(gap: Gap, mini: Connection, stranger: Connection) -> None:
    for connection in (mini, stranger):
        choose_model(project=gap.project, role=PromptRole.GENERATE, connection=connection, actor=None)
    assert chosen_for(gap.project, PromptRole.GENERATE) == stranger
    assert RoleChoice.objects.count() == 1


def test_a_judge_of_the_generator_s_family_is_refused_and_both_are_named(
    gap: Gap, mini: Connection, sibling: Connection
) -> None:
    choose_model(project=gap.project, role=PromptRole.GENERATE, connection=mini, actor=None)
    with pytest.raises(DomainError, match=f"sibling is of the family {mini.family}"):
        judge(gap, sibling)


@pytest.mark.parametrize(
    "role", [PromptRole.GENERATE, PromptRole.PARAPHRASE, PromptRole.LABEL, PromptRole.REPAIR]
)
def test_a_writer_of_the_judge_s_family_is_refused_and_both_are_named(
    role: PromptRole, gap: Gap, mini: Connection, sibling: Connection
) -> None:
    judge(gap, sibling)
    with pytest.raises(DomainError, match=r"mini is of the family .* judge of .*, sibling"):
        choose_model(project=gap.project, role=role, connection=mini, actor=None)


def test_who_only_designs_edge_cases_may_be_of_the_judge_s_family(
    gap: Gap, mini: Connection, sibling: Connection
) -> None:
    judge(gap, sibling)
    choose_model(project=gap.project, role=PromptRole.EDGE_CASES, connection=mini, actor=None)


def test_a_run_with_a_generator_of_the_judge_s_family_is_refused(
    gap: Gap, mini: Connection, sibling: Connection, stranger: Connection
) -> None:
    judge(gap, sibling)
    with pytest.raises(DomainError, match="so is the judge"):
        draft(gap, mini)
    assert draft(gap, stranger).status == "estimated"


def test_a_judge_that_was_chosen_after_the_estimate_counts_when_the_run_starts(
    gap: Gap, mini: Connection, sibling: Connection
) -> None:
    run = draft(gap, mini)
    judge(gap, sibling)
    with pytest.raises(DomainError, match="so is the judge"):
        start_run(run=run, actor=None)


def test_a_run_under_way_counts_before_its_first_record(
    gap: Gap, mini: Connection, sibling: Connection
) -> None:
    run = draft(gap, mini)
    assert generator_families(gap.project) == set()
    Run.objects.filter(pk=run.pk).update(started_at=timezone.now())
    with pytest.raises(DomainError, match="blind spots"):
        judge(gap, sibling)


def test_records_of_long_ago_count(gap: Gap, sibling: Connection, stranger: Connection) -> None:
    factories.make_candidate(gap, "made last year", generator_model_family=sibling.family.name)
    with pytest.raises(DomainError, match="blind spots"):
        judge(gap, sibling)
    judge(gap, stranger)
