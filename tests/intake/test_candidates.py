"""Candidates from another generator: what a line needs, what the project needs, and what they become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import DomainError, RefusedError
from apps.core.tabular import FileRefusedError
from apps.core.uploads import Upload
from apps.intake import services
from apps.intake.models import Import, ImportRole
from apps.records.models import Record
from apps.specs.models import Gap, GapStatus, HoldoutSeal, Project, Standing
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

LINE: dict[str, Any] = {
    "input": {"text": "give me back the renewal"},
    "output": {"label": "refund"},
    "generator_provider": "elsewhere",
    "generator_model": "big-1",
    "generator_model_family": "big",
    "prompt_version": "p v3",
}


def make_seal(project: Project) -> HoldoutSeal:
    return HoldoutSeal.objects.create(
        project=project,
        holdout_uuid=project.uuid,
        content_hash="a" * 64,
        row_count=1,
        commonness={},
        label_counts={},
        guide_version=1,
        guide_hash="0" * 64,
        delta=0.02,
        alpha=0.05,
        looks=5,
        sealed_at=timezone.now(),
    )


@pytest.fixture
def gap() -> Gap:
    """An open gap of a project that is ready for candidates."""
    project = factories.make_project()
    make_seal(project)
    factories.make_guide(project)
    factories.make_spec(project)
    return factories.make_gap(project)


def jsonl(*lines: dict[str, Any] | bytes) -> Upload:
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return Upload("candidates.jsonl", b"\n".join(encoded))


def stage(gap: Gap, upload: Upload, **values: Any) -> Import:
    return services.stage_import(
        project=gap.project, role=ImportRole.CANDIDATES, gap=gap, upload=upload, actor=None, **values
    )


def test_a_line_becomes_a_generated_record_due_for_checks_with_its_provenance(gap: Gap) -> None:
    upload = jsonl(LINE | {"axes": {"tone": "angry"}, "rights_note": "ours"})
    done = services.commit_import(import_=stage(gap, upload, origin="vendor, May"), actor=None)
    record = Record.objects.get()
    assert (record.source_type, record.status, record.gap, record.use) == ("synthetic", "generated", gap, "")
    assert record.due_at is not None
    assert (record.generator_provider, record.generator_model, record.generator_model_family) == (
        "elsewhere",
        "big-1",
        "big",
    )
    assert (record.prompt_version, record.schema_version, record.import_uuid) == ("p v3", 1, done.uuid)
    assert (record.axes, record.rights_note, done.origin) == ({"tone": "angry"}, "ours", "vendor, May")


def test_the_origin_that_lines_name_is_the_imports_own_unless_the_importer_says_another(gap: Gap) -> None:
    upload = jsonl(LINE | {"origin": "vendor A"}, LINE | {"origin": "vendor B", "input": {"text": "other"}})
    assert stage(gap, upload).origin == "vendor A; vendor B"
    assert stage(gap, upload, origin="as told").origin == "as told"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"generator_provider": None}, "'generator_provider' is missing"),
        ({"generator_model": ""}, "'generator_model' is missing"),
        ({"generator_model_family": None}, "'generator_model_family' is missing"),
        ({"prompt_version": None}, "'prompt_version' is missing"),
        ({"input": "text"}, "'input' must be an object"),
        ({"output": None}, "'output' must be an object"),
        ({"input": {"text": "  "}}, "The input has no text"),
        ({"axes": ["a"]}, "'axes' must be an object"),
        ({"rights_note": 5}, "'rights_note' must be text"),
        ({"generator_model": "x" * 121}, "'generator_model' is longer than 120 characters"),
        ({"review_status": "accepted"}, "Unknown: 'review_status'"),
    ],
)
def test_a_bad_line_is_refused_with_its_reason(gap: Gap, change: dict[str, Any], reason: str) -> None:
    import_ = stage(gap, jsonl(LINE, LINE | change))
    assert [row["line"] for row in import_.refused] == [2]
    assert reason in import_.refused[0]["reason"]


def test_lines_that_are_no_strict_json_are_refused_and_their_neighbours_come_in(gap: Gap) -> None:
    import_ = stage(gap, jsonl(b'{"input": NaN}', LINE, b"[1]", b'{"a": 1, "a": 2}', b"\xff"))
    assert [row["line"] for row in import_.refused] == [1, 3, 4, 5]
    assert services.commit_import(import_=import_, actor=None).rows_imported == 1


def test_a_label_outside_the_guide_is_for_the_checks_not_for_the_import(gap: Gap) -> None:
    import_ = stage(gap, jsonl(LINE | {"output": {"label": "nonsense"}}))
    assert import_.refused == []
    services.commit_import(import_=import_, actor=None)
    assert Record.objects.get().label == "nonsense"


def test_csv_is_refused_with_the_remedy(gap: Gap) -> None:
    with pytest.raises(FileRefusedError, match="JSONL"):
        stage(gap, Upload("c.csv", b"text\na"))


def test_the_very_same_file_is_not_imported_twice_for_a_gap(gap: Gap) -> None:
    services.commit_import(import_=stage(gap, jsonl(LINE)), actor=None)
    with pytest.raises(DomainError, match="This very file was imported"):
        stage(gap, jsonl(LINE))
    assert Record.objects.count() == 1


def test_a_governed_project_that_is_not_ready_is_told_all_that_is_missing() -> None:
    project = factories.make_project()
    gap = factories.make_gap(project, status=GapStatus.DRAFT)
    with pytest.raises(RefusedError, match="make it a sandbox") as refused:
        stage(gap, jsonl(LINE))
    listed = " ".join(refused.value.problems)
    assert all(what in listed for what in ("frozen holdout", "label guide", "spec", "open gap"))


def test_a_gap_that_closes_between_the_steps_stops_the_commit(gap: Gap) -> None:
    import_ = stage(gap, jsonl(LINE))
    Gap.objects.filter(pk=gap.pk).update(status=GapStatus.CLOSED)
    with pytest.raises(RefusedError):
        services.commit_import(import_=Import.objects.get(pk=import_.pk), actor=None)
    assert not Record.objects.exists()


def test_a_sandbox_takes_candidates_without_holdout_guide_or_open_gap() -> None:
    project = factories.make_project(standing=Standing.SANDBOX)
    import_ = stage(factories.make_gap(project, status=GapStatus.DRAFT), jsonl(LINE))
    services.commit_import(import_=import_, actor=None)
    assert Record.objects.get().schema_version is None


def test_a_gap_of_another_project_is_refused(gap: Gap) -> None:
    with pytest.raises(DomainError, match="is not one of"):
        services.stage_import(
            project=factories.make_project(),
            role=ImportRole.CANDIDATES,
            gap=gap,
            upload=jsonl(LINE),
            actor=None,
        )
    with pytest.raises(DomainError, match="which gap"):
        services.stage_import(project=gap.project, role=ImportRole.CANDIDATES, upload=jsonl(LINE), actor=None)
