"""A prompt version is written once; another wording is another version."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.errors import DomainError, RefusedError
from apps.generation.models import PromptVersion
from apps.generation.prompts import (
    create_prompt,
    create_prompt_version,
    default_rules_prompt,
    find_prompt_version,
)
from apps.generation.selectors import diff_lines, version_entries
from apps.specs.models import Project
from tests import factories
from tests.generation.scene import TEMPLATE, make_prompt

pytestmark = pytest.mark.django_db

OTHER = "labels: {}\nnoise: {typos: 0.4}\n"


@pytest.fixture
def project() -> Project:
    project = factories.make_project()
    factories.make_guide(project, "refund", "billing")
    return project


def test_versions_count_up_and_name_their_maker(project: Project) -> None:
    person = factories.make_user()
    first = create_prompt(project=project, name="tickets", template=TEMPLATE, actor=person)
    second = create_prompt_version(prompt=first.prompt, template=OTHER, notes="less", actor=person)
    assert (first.label, second.label, second.created_by) == ("tickets v1", "tickets v2", person)


def test_the_same_text_again_is_no_new_version(project: Project) -> None:
    first = make_prompt(project)
    with pytest.raises(DomainError, match="says the same as tickets v1"):
        create_prompt_version(prompt=first.prompt, template=TEMPLATE, actor=None)


def test_line_ends_of_a_browser_are_no_other_wording(project: Project) -> None:
    first = make_prompt(project, template=OTHER.replace("\n", "\r\n"))
    assert first.template == OTHER
    with pytest.raises(DomainError, match="says the same"):
        create_prompt_version(prompt=first.prompt, template=OTHER.replace("\n", "\r\n"), actor=None)


def test_a_name_is_taken_once(project: Project) -> None:
    make_prompt(project)
    with pytest.raises(DomainError, match="a prompt 'tickets' already"):
        make_prompt(project)


def test_a_template_with_mistakes_is_refused_and_leaves_no_prompt(project: Project) -> None:
    with pytest.raises(RefusedError, match="cannot be used") as caught:
        make_prompt(project, template="labels: {refunds: {patterns: ['{x}']}}")
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "labels.refunds",
        "labels.refunds.patterns, no. 1",
    ]
    assert not project.prompts.exists()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE generation_promptversion SET template = 'x'", "DELETE FROM generation_promptversion"],
)
def test_a_saved_version_cannot_be_changed_by_sql(project: Project, statement: str) -> None:
    make_prompt(project)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    assert PromptVersion.objects.get().template == TEMPLATE


def test_a_prompt_is_found_by_name_or_by_name_and_version(project: Project) -> None:
    first = make_prompt(project)
    second = create_prompt_version(prompt=first.prompt, template=OTHER, actor=None)
    assert find_prompt_version(project, "tickets") == second
    assert find_prompt_version(project, "tickets v1") == first
    assert find_prompt_version(project, "tickets v3") is None
    assert find_prompt_version(project, "nothing") is None
    assert find_prompt_version(factories.make_project(), "tickets") is None


def test_a_prompt_whose_name_looks_like_a_version_is_found_first(project: Project) -> None:
    make_prompt(project)
    odd = make_prompt(project, name="tickets v1")
    assert find_prompt_version(project, "tickets v1") == odd


def test_the_default_prompt_has_no_phrases(project: Project) -> None:
    version = default_rules_prompt(project=project, name="from seeds", actor=None)
    assert version.label == "from seeds v1"
    assert "labels: {}" in version.template


def test_entries_are_newest_first_with_what_changed(project: Project) -> None:
    first = make_prompt(project, template="labels: {}\nnoise: {typos: 0.1}\n")
    create_prompt_version(prompt=first.prompt, template=OTHER, actor=None)
    newest, oldest = version_entries(first.prompt)
    assert [(line.op, line.text) for line in newest.diff] == [
        ("same", "labels: {}"),
        ("removed", "noise: {typos: 0.1}"),
        ("added", "noise: {typos: 0.4}"),
    ]
    assert oldest.diff == []


def test_a_diff_leaves_out_what_did_not_change() -> None:
    before = "\n".join(map(str, range(100)))
    lines = diff_lines(before, before.replace("\n50\n", "\nfifty\n"))
    assert [(line.op, line.text) for line in lines] == [
        ("skip", "48 unchanged"),
        ("same", "48"),
        ("same", "49"),
        ("removed", "50"),
        ("added", "fifty"),
        ("same", "51"),
        ("same", "52"),
        ("skip", "47 unchanged"),
    ]
