"""Every string of a frozen request file is screened; the answer is places, never texts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.core.errors import RefusedError
from apps.leakage.services import LeakPlace, add_fingerprints, ensure_corpus, screen_json_lines
from apps.records.models import Use
from apps.specs.models import Project
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

CANARY = "the marmalade invoice was charged to my late uncle's card"
COMMON = "what should i do now"


@pytest.fixture
def project() -> Project:
    project = factories.make_project()
    corpus = ensure_corpus(corpus_uuid=project.uuid, project_uuid=project.uuid, name="holdout")
    rows = [factories.make_user().uuid, factories.make_user().uuid]
    add_fingerprints(corpus_uuid=corpus.uuid, items=list(zip(rows, (CANARY, COMMON), strict=True)))
    return project


def request_file(*bodies: object) -> bytes:
    return b"".join(json.dumps(body).encode() + b"\n" for body in bodies)


def prompt(content: str) -> dict[str, object]:
    return {"body": {"messages": [{"role": "system", "content": "You write tickets."}, {"content": content}]}}


def test_a_clean_file_has_no_places(project: Project) -> None:
    assert (
        screen_json_lines(request_file(prompt("Write a ticket about refunds.")), project_uuid=project.uuid)
        == []
    )


def test_a_canary_in_any_string_is_named_by_line_and_pointer(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(request_file(prompt("Write a ticket."), prompt(f"Like this one: {CANARY.upper()}!")))
    assert screen_json_lines(path, project_uuid=project.uuid) == [
        LeakPlace(2, "/body/messages/1/content", "gram")
    ]


def test_a_canary_with_one_word_changed_is_a_near_place(project: Project) -> None:
    content = f"Examples:\n- {CANARY.replace('late', 'dear')}\n- another"
    places = screen_json_lines(request_file(prompt(content)), project_uuid=project.uuid)
    assert places == [LeakPlace(1, "/body/messages/1/content", "near")]


def test_a_canary_hidden_behind_json_escapes_is_found(project: Project) -> None:
    quoted = json.dumps({"text": CANARY.replace("'", "’").replace(" ", "\n")})
    assert "\\u2019" in quoted
    assert "\\n" in quoted
    places = screen_json_lines(request_file(prompt(f"Vary this: {quoted}")), project_uuid=project.uuid)
    assert [place.pointer for place in places] == ["/body/messages/1/content"]


def test_what_a_quoted_seed_says_is_no_leak(project: Project) -> None:
    seed = f"My card is gone, {COMMON}, the shop is closed"
    stopped = screen_json_lines(request_file(prompt(f"Example: {seed}.")), project_uuid=project.uuid)
    factories.make_real(project, seed, "billing", use=Use.SEED)
    passed = screen_json_lines(request_file(prompt(f"Example: {seed}.")), project_uuid=project.uuid)
    assert [place.rule for place in stopped] == ["gram"]
    assert passed == []


def test_a_seed_that_is_not_quoted_excuses_nothing(project: Project) -> None:
    factories.make_real(project, f"My card is gone, {COMMON}, the shop is closed", "billing", use=Use.SEED)
    places = screen_json_lines(
        request_file(prompt(f"Someone asked {COMMON} again.")), project_uuid=project.uuid
    )
    assert [place.rule for place in places] == ["gram"]


def test_a_quoted_seed_does_not_excuse_what_stands_beside_it(project: Project) -> None:
    seed = "My card is gone and the shop is closed"
    factories.make_real(project, seed, "billing", use=Use.SEED)
    places = screen_json_lines(request_file(prompt(f"- {seed}\n- {CANARY}")), project_uuid=project.uuid)
    assert [place.rule for place in places] == ["sentence"]


def test_a_train_row_excuses_nothing(project: Project) -> None:
    train = f"My card is gone, {COMMON}, the shop is closed"
    factories.make_real(project, train, "billing", use=Use.TRAIN)
    assert screen_json_lines(request_file(prompt(f"Example: {train}.")), project_uuid=project.uuid)


def test_a_line_that_cannot_be_read_refuses_the_file_and_names_the_line(project: Project) -> None:
    data = request_file(prompt("fine")) + b'{"body": NaN}\n'
    with pytest.raises(RefusedError, match="must not be sent") as refused:
        screen_json_lines(data, project_uuid=project.uuid)
    assert refused.value.problems == ["line 2: NaN is not JSON."]


def test_a_piece_of_a_seed_is_no_leak_even_where_it_is_a_whole_protected_text(project: Project) -> None:
    piece = request_file({"phrases": [COMMON]})
    stopped = screen_json_lines(piece, project_uuid=project.uuid)
    factories.make_real(project, f"My card is gone. {COMMON}? The shop is closed.", "billing", use=Use.SEED)
    assert [place.rule for place in stopped] == ["text"]
    assert screen_json_lines(piece, project_uuid=project.uuid) == []


def test_a_run_of_thirteen_words_is_stopped_even_inside_a_quoted_seed(project: Project) -> None:
    long = "I have waited for my refund since the third of March and nobody ever answers"
    add_fingerprints(corpus_uuid=project.uuid, items=[(factories.make_user().uuid, long)])
    seed = f"Hello, {long} me on the phone"
    factories.make_real(project, seed, "billing", use=Use.SEED)
    places = screen_json_lines(request_file(prompt(f"Example: {seed}.")), project_uuid=project.uuid)
    assert [place.rule for place in places] == ["gram"]
