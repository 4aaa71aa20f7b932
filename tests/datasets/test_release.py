"""A release is frozen when it is asked for, and the same to the byte whenever it is built."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.core.errors import RefusedError, StaleStateError
from apps.datasets import files, services
from apps.datasets.models import Release, ReleaseItem, ReleaseStatus
from apps.datasets.services import MAX_ATTEMPTS, build_release, rebuild_release, request_release
from apps.datasets.tasks import SWEEPS
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import Record
from apps.review.models import Action
from apps.review.undo import undo
from apps.specs.models import Standing
from tests.datasets.scene import Warehouse, lines_of, make_warehouse

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

PROVENANCE = (
    "source_type",
    "generator_provider",
    "generator_model_family",
    "prompt_version",
    "schema_version",
    "created_at",
    "reviewer_id",
    "review_status",
    "eval_split",
)


def test_a_line_carries_the_nine_provenance_fields_and_who_decided(warehouse: Warehouse) -> None:
    record = warehouse.accept("give me the renewal money back")
    line = lines_of(warehouse.release())[-1]
    assert line["input"] == {"text": "give me the renewal money back"}
    assert set(PROVENANCE) <= set(line)
    assert line["id"] == str(record.uuid)
    assert line["reviewer_id"] == str(warehouse.scene.reviewer.uuid)
    assert (line["review_status"], line["review_method"]) == ("accepted", "person")
    assert (line["generator_model"], line["gap"], line["eval_split"]) == ("rules-1", "refund gap", "train")


def test_real_rows_come_first_and_have_no_generator_and_no_reviewer(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    lines = lines_of(warehouse.release())
    assert [line["source_type"] for line in lines] == ["real", "real", "real", "synthetic"]
    assert lines[0]["generator_provider"] is None
    assert lines[0]["reviewer_id"] is None
    assert [line["use"] for line in lines[:3]] == ["train", "train", "seed"]


def test_an_edited_record_is_released_as_it_was_edited(warehouse: Warehouse) -> None:
    warehouse.accept("give me my money", edited="please give me the renewal money back")
    line = lines_of(warehouse.release())[-1]
    assert (line["input"]["text"], line["review_status"]) == (
        "please give me the renewal money back",
        "edited",
    )


def test_an_edit_that_was_undone_is_not_released(warehouse: Warehouse) -> None:
    record = warehouse.accept("give me my money", edited="please give me the renewal money back")
    task = undo(decision_uuid=record.decision_uuid, actor=warehouse.scene.reviewer)  # type: ignore[arg-type]
    warehouse.scene.decide(task, Action.ACCEPTED)
    assert lines_of(warehouse.release())[-1]["input"]["text"] == "give me my money"


def test_the_same_release_built_twice_is_the_same_to_the_byte(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    warehouse.accept("you renewed me twice", edited="you renewed me twice, undo one")
    release = warehouse.release()
    first = (files.directory_of(release) / "dataset.jsonl").read_bytes()
    assert release.content_hash == hashlib.sha256(first).hexdigest()
    (files.directory_of(release) / "dataset.jsonl").unlink()
    assert rebuild_release(release)
    assert (files.directory_of(release) / "dataset.jsonl").read_bytes() == first


def test_a_later_recall_edit_and_renamed_gap_do_not_change_a_released_line(warehouse: Warehouse) -> None:
    record = warehouse.accept("give me my money", edited="please give me the renewal money back")
    release = warehouse.release()
    warehouse.recall(record)
    Record.objects.filter(pk=record.pk).update(edited_input={"text": "another text"}, label="billing")
    warehouse.scene.gap.name = "renamed"
    warehouse.scene.gap.save()
    assert rebuild_release(release)


def test_a_rebuild_that_differs_says_so_and_leaves_the_file_alone(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    release.content_hash = "0" * 64
    before = (files.directory_of(release) / "dataset.jsonl").read_bytes()
    assert not rebuild_release(release)
    assert (files.directory_of(release) / "dataset.jsonl").read_bytes() == before
    assert not list(files.directory_of(release).glob(".*"))


def test_only_admitted_review_methods_go_in_and_the_others_are_counted(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    warehouse.accept_in_bulk("refund my renewal", "cancel that renewal charge")
    release = warehouse.release()
    assert release.total == 4
    assert release.manifest["left_out"] == [
        {"reason": "the policy does not admit the review method bulk", "count": 2, "records": []}
    ]
    with_bulk = warehouse.release(admit=["person", "bulk"])
    assert with_bulk.total == 6
    assert with_bulk.manifest["counts"]["review_method"] == {"bulk": 2, "none": 3, "person": 1}


def test_a_release_without_a_reviewed_record_is_refused_and_says_why(warehouse: Warehouse) -> None:
    with pytest.raises(RefusedError, match="Nothing was accepted yet"):
        warehouse.release()
    warehouse.accept_in_bulk("refund my renewal")
    with pytest.raises(RefusedError) as caught:
        warehouse.release()
    assert caught.value.problems == ["1: the policy does not admit the review method bulk."]
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ({"admit": ["persons"]}, "admit: 'persons' is no review method"),
        ({"real": 1.5}, "real: a share"),
        ({"splits": {"train": 0.8, "dev": 0.1}}, "sum to 0.9"),
        ({"splits": {"holdout": 1.0}}, "'holdout' is no split"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused(
    warehouse: Warehouse, policy: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        warehouse.release(**policy)
    assert any(problem in line for line in caught.value.problems)


def test_a_smaller_real_share_keeps_at_least_one_row_of_each_label(warehouse: Warehouse) -> None:
    for number in range(9):
        warehouse.real(f"where is refund number {number}", "refund")
    warehouse.accept("give me the renewal money back")
    release = warehouse.release(real=0.2, include_seeds=False)
    labels = [line["output"]["label"] for line in lines_of(release) if line["source_type"] == "real"]
    assert sorted(labels) == ["billing", "refund", "refund"]
    assert release.manifest["real_rows_not_mixed_in"] == 9


def test_a_text_of_the_holdout_stays_out_and_is_named(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    leak = warehouse.accept("this very ticket stands in the frozen holdout")
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=warehouse.project.uuid, name="holdout")
    item = (uuid4(), "This very ticket stands in the frozen holdout!")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[item])
    release = warehouse.release()
    assert str(leak.uuid) not in {line["id"] for line in lines_of(release)}
    assert release.manifest["left_out"] == [
        {"reason": "the text leaks from protected data", "count": 1, "records": [str(leak.uuid)]}
    ]


def test_a_released_record_can_no_longer_be_undone(warehouse: Warehouse) -> None:
    record = warehouse.accept("give me the renewal money back")
    request_release(project=warehouse.project, actor=None)
    with pytest.raises(StaleStateError, match="in a release"):
        undo(decision_uuid=record.decision_uuid, actor=warehouse.scene.reviewer)  # type: ignore[arg-type]


def test_a_sandbox_release_says_so_in_manifest_and_card(db: None) -> None:
    warehouse = make_warehouse(standing=Standing.SANDBOX)
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    card = (files.directory_of(release) / "card.md").read_text()
    assert release.manifest["standing"] == "sandbox"
    assert "Sandbox project: nothing made here can reach a launch review" in card


def test_the_card_states_the_share_of_every_review_method(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    warehouse.accept_in_bulk("refund my renewal")
    card = (files.directory_of(warehouse.release(admit=["person", "bulk"])) / "card.md").read_text()
    assert "| bulk | 1 | 20.0% |" in card


def test_the_manifest_names_what_the_release_was_made_of(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    manifest = json.loads((files.directory_of(release) / "manifest.json").read_text())
    assert manifest == release.manifest
    assert manifest["lines"] == 4
    assert manifest["counts"]["label"] == {"abuse": 1, "billing": 1, "refund": 2}
    assert (manifest["guide_version"], manifest["schema_version"], manifest["holdout"]) == (1, 1, None)
    assert len(manifest["items_sha256"]) == 64
    checkpoint = warehouse.project.ledger_checkpoints.get()
    assert manifest["ledger"] == {
        "checkpoint": 1,
        "root": checkpoint.root,
        "signature": checkpoint.signature,
    }


def test_a_ready_release_and_its_items_never_change(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = warehouse.release()
    with pytest.raises(DatabaseError), transaction.atomic():
        Release.objects.filter(pk=release.pk).update(done=0)
    with pytest.raises(DatabaseError), transaction.atomic():
        ReleaseItem.objects.filter(release=release).delete()


def test_releases_are_numbered_per_project(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    assert [warehouse.release().number, warehouse.release().number] == [1, 2]


def test_a_build_that_another_worker_holds_is_left_alone(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = request_release(project=warehouse.project, actor=None)
    later = timezone.now() + timedelta(minutes=1)
    Release.objects.filter(pk=release.pk).update(next_attempt_at=later, attempts=1)
    build_release(release.pk)
    release.refresh_from_db()
    assert (release.status, release.attempts) == (ReleaseStatus.BUILDING, 1)
    assert not files.directory_of(release).exists()


def test_a_build_that_was_killed_is_started_over(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = request_release(project=warehouse.project, actor=None)
    # As a worker leaves it that died in the middle: claimed, half written, its lease run out.
    files.directory_of(release).mkdir(parents=True)
    (files.directory_of(release) / ".dataset.jsonl.1a2b").write_bytes(b'{"half')
    past = timezone.now() - timedelta(seconds=1)
    Release.objects.filter(pk=release.pk).update(next_attempt_at=past, attempts=1, done=2)
    (sweep,) = SWEEPS
    assert list(sweep.due()) == [release.pk]
    sweep.task(release.pk)
    release.refresh_from_db()
    assert release.status == ReleaseStatus.READY
    assert sorted(path.name for path in files.directory_of(release).iterdir()) == [
        "card.md",
        "dataset.jsonl",
        "manifest.json",
        "training.jsonl",
    ]


def test_an_attempt_that_lost_its_lease_does_not_finish(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.accept("give me the renewal money back")
    release = request_release(project=warehouse.project, actor=None)
    write = services._write_files

    def taken_over(mine: Release) -> dict[str, Any]:
        Release.objects.filter(pk=mine.pk).update(attempts=mine.attempts + 1)
        return write(mine)

    monkeypatch.setattr(services, "_write_files", taken_over)
    build_release(release.pk)
    release.refresh_from_db()
    assert (release.status, release.last_error) == (ReleaseStatus.BUILDING, "")


def test_a_disk_that_cannot_be_written_is_tried_again_then_fails_and_frees_the_records(
    warehouse: Warehouse, settings: Any, tmp_path: Path
) -> None:
    record = warehouse.accept("give me the renewal money back")
    release = request_release(project=warehouse.project, actor=None)
    blocked = tmp_path / "a file where a folder should be"
    blocked.write_text("")
    settings.FILES_DIR = blocked
    build_release(release.pk)
    release.refresh_from_db()
    assert (release.status, release.attempts) == (ReleaseStatus.BUILDING, 1)
    assert "Not a directory" in release.last_error
    assert release.next_attempt_at is not None
    assert release.next_attempt_at > timezone.now()
    now = timezone.now()
    Release.objects.filter(pk=release.pk).update(attempts=MAX_ATTEMPTS - 1, next_attempt_at=now)
    build_release(release.pk)
    release.refresh_from_db()
    record.refresh_from_db()
    assert release.status == ReleaseStatus.FAILED
    assert record.released_at is None


def test_a_build_whose_workers_die_every_time_fails_in_the_end(warehouse: Warehouse) -> None:
    warehouse.accept("give me the renewal money back")
    release = request_release(project=warehouse.project, actor=None)
    Release.objects.filter(pk=release.pk).update(attempts=MAX_ATTEMPTS)
    build_release(release.pk)
    release.refresh_from_db()
    assert (release.status, release.last_error) == (
        ReleaseStatus.FAILED,
        f"Its worker died {MAX_ATTEMPTS} times.",
    )
