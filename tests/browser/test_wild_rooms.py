"""Files that others made, from upload to release through the pages: receipts, calls of tools, repairs of code.

They lie beside the repository and are no part of it; where they are not, these tests are skipped and say so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from apps.accounts.models import User
from apps.operations.work import drain
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Project, Role, Standing
from apps.task_types import task_type_of
from tests import factories
from tests.browser.conftest import Site
from tests.browser.looks import look
from tests.browser.room import SAVED, Room

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="NO ../shared/data")


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


@dataclass(frozen=True)
class Wild:
    """``rows`` reads them; ``parts``: part of a record → its column; ``chosen``: column → what it is, where the page
    cannot guess it. The first two rows come in as real ones, the others as candidates."""

    task_type: str
    rows: Callable[[], list[dict[str, Any]]]
    parts: dict[str, str]
    labels: Callable[[list[dict[str, Any]]], list[str]]
    edit: Callable[[Room], None]
    has: Callable[[dict[str, Any]], bool]
    chosen: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)


def receipts() -> list[dict[str, Any]]:
    return lines("sroie-receipts.jsonl")[:8]


def calls() -> list[dict[str, Any]]:
    truth = {each["id"]: each["ground_truth"] for each in lines("bfcl-live-simple-answers.jsonl")}
    return [each | {"ground_truth": truth[each["id"]]} for each in lines("bfcl-live-simple.jsonl")[2:8]]


def repairs() -> list[dict[str, Any]]:
    wanted = ("flatten", "kth", "gcd", "bucketsort")
    return [each for each in lines("quixbugs.jsonl") if each["id"] in wanted]


def edits_total(room: Room) -> None:
    room.page.get_by_label("Total").fill("9.01")


def edits_an_argument(room: Room) -> None:
    field = room.page.locator(".call-tool input").first
    field.fill(f"{field.input_value()} 1")


def edits_code(room: Room) -> None:
    room.page.get_by_label("Mended code").press("Control+End")
    room.page.keyboard.type("# seen")


WILD = (
    Wild(
        "extraction",
        receipts,
        {"input.text": "text", "output.fields": "key"},
        lambda rows: ["document"],
        edits_total,
        lambda output: output["total"] == "9.01",
        chosen={f"key.{name}": f"output.{name}" for name in ("company", "date", "address", "total")},
        spec={"checks": {"answer_in_text": {"enabled": False}, "personal_data": {"enabled": False}}},
    ),
    Wild(
        "tool_call",
        calls,
        {"input.text": "question", "input.tools": "function", "output.call": "ground_truth"},
        lambda rows: sorted({tool["name"] for row in rows for tool in row["function"]}),
        edits_an_argument,
        lambda output: str(next(iter(output["call"]["arguments"].values()))).endswith(" 1"),
        spec={"checks": {"personal_data": {"enabled": False}}},
    ),
    Wild(
        "code_repair",
        repairs,
        {
            "input.code": "buggy",
            "input.tests": "testcases",
            "input.function": "id",
            "output.code": "fixed",
        },
        lambda rows: ["bug"],
        edits_code,
        lambda output: output["code"].endswith("# seen"),
        chosen={"id": "input.function"},
    ),
)


@needs_data
@pytest.mark.one_engine
@pytest.mark.parametrize("wild", WILD, ids=lambda wild: wild.task_type)
def test_rows_of_others_go_from_their_file_to_a_release_through_the_pages(site: Site, wild: Wild) -> None:
    rows = wild.rows()
    labels = wild.labels(rows)
    project = factories.make_project(task_type=wild.task_type, standing=Standing.SANDBOX)
    factories.make_spec(project, **wild.spec)
    factories.make_guide(project, *labels)
    gap = factories.make_gap(project, labels=tuple(labels), name="rows of others")
    lead = factories.make_member(project, Role.LEAD, Role.REVIEWER)

    page = site.open(f"/p/{project.slug}/import/", lead)
    import_real(page, rows[:2], wild)
    page.goto(f"/p/{project.slug}/import/")
    import_candidates(page, [candidate(row, wild.parts) for row in rows[2:]], gap.name)
    drain()
    waiting = project.records.filter(status=RecordStatus.AWAITING_REVIEW)
    assert waiting.count() >= 2, told(project)

    edited = review(site, project, lead, wild)
    page.goto(f"/p/{project.slug}/releases/")
    page.get_by_role("button", name="Freeze and build").click()
    drain()
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("link", name="dataset.jsonl").click()
    released = {
        row["id"]: row for row in map(json.loads, Path(download.value.path()).read_text().splitlines())
    }
    assert len(released) == project.records.filter(released_at__isnull=False).count() >= 2
    line = released[str(edited.uuid)]
    assert wild.has(edited.current_output)
    example = task_type_of(wild.task_type).to_example(edited.current_input, edited.current_output)
    assert {part: line[part] for part in ("input", "output")} == example


def upload(page: Page, rows: list[dict[str, Any]], role: str) -> None:
    content = "\n".join(map(json.dumps, rows)).encode()
    file: FilePayload = {"name": "rows.jsonl", "mimeType": "application/jsonl", "buffer": content}
    page.get_by_label("File").set_input_files(file)
    page.get_by_label(role).check()


def commit(page: Page, rows: list[dict[str, Any]]) -> None:
    expect(page.get_by_role("heading", name=f"The first {len(rows)}")).to_be_visible()
    page.get_by_role("button", name=f"Import {len(rows)} rows").click()
    expect(page.get_by_text("were imported")).to_be_visible()


def import_real(page: Page, rows: list[dict[str, Any]], wild: Wild) -> None:
    upload(page, rows, "train:")
    page.get_by_role("button", name="Upload and look").click()
    for column, target in wild.chosen.items():
        page.get_by_label(column, exact=True).select_option(target)
    for target, column in wild.parts.items():
        if page.get_by_label(column, exact=True).count() == 0:
            # An object is a column for each of its members.
            continue
        expect(page.get_by_label(column, exact=True)).to_have_value(target)
    if wild.chosen:
        page.get_by_role("button", name="Look again").click()
    commit(page, rows)


def import_candidates(page: Page, rows: list[dict[str, Any]], gap: str) -> None:
    upload(page, rows, "candidates")
    page.get_by_label("Gap").select_option(label=gap)
    page.get_by_label("Origin").fill("A public set, used as it is.")
    page.get_by_role("button", name="Upload and look").click()
    commit(page, rows)


def candidate(row: dict[str, Any], parts: dict[str, str]) -> dict[str, Any]:
    """The row as a candidate: its parts as they were written by others, and who made it."""
    made: dict[str, Any] = {"input": {}, "output": {}}
    for target, column in parts.items():
        side, name = target.split(".")
        made[side][name] = row[column]
    return made | {
        "generator_provider": "others",
        "generator_model": "a public set",
        "generator_model_family": "people",
        "prompt_version": "none",
    }


def review(site: Site, project: Project, lead: User, wild: Wild) -> Record:
    """Edits the first record and accepts the others; returns the edited one."""
    room = Room(site.open(f"/p/{project.slug}/review/", lead))
    expect(room.state).to_have_text(SAVED)
    look(room.page, f"{wild.task_type}, of others")
    first = room.record
    room.press("e")
    wild.edit(room)
    room.press("Control+Enter")
    room.wait_for_another(first)
    done = room.page.get_by_role("heading", name="All done")
    while not done.is_visible():
        record = room.record
        room.press("a")
        expect(room.page.locator(f"[data-card][data-record='{record}']")).to_have_count(0)
        expect(room.page.locator("[data-card]").or_(done)).to_be_visible()
    expect(room.state).to_have_text(SAVED)
    return project.records.get(pk=first)


def told(project: Project) -> list[tuple[str, list[str]]]:
    return [
        (record.status, [f"{each.check_name}: {each.message}" for each in record.findings.all()])
        for record in project.records.all()
    ]
