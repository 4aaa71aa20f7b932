"""Holdout rows come in staged, judged and whole, and stay inside their database."""

from __future__ import annotations

import pytest
from django.apps import apps

from apps.core.errors import RefusedError, StaleStateError
from apps.core.tabular import MappingError
from apps.core.uploads import Upload
from apps.holdout import imports
from apps.holdout.fingerprinting import fingerprints_match
from apps.holdout.models import HoldoutImport, HoldoutRecord, HoldoutSet
from apps.holdout.tasks import SWEEPS, without_fingerprints
from apps.leakage.models import Digest
from apps.leakage.services import screen_texts
from apps.records.models import Use
from apps.specs.models import Project
from tests import factories
from tests.holdout.rows import ROWS, csv_of, import_holdout

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


def reasons(import_: HoldoutImport) -> dict[int, str]:
    return {row["line"]: row["reason"] for row in import_.refused}


def test_a_commit_adds_the_rows_and_their_fingerprints(project: Project) -> None:
    import_holdout(project, *ROWS)
    holdout = HoldoutSet.objects.get()
    rows = HoldoutRecord.objects.order_by("pk")
    assert [(row.source_id, row.source_line, row.label) for row in rows] == [
        ("row-1", 2, "refund"),
        ("row-2", 3, "refund"),
        ("row-3", 4, "billing"),
        ("row-4", 5, "abuse"),
    ]
    assert (holdout.status, holdout.row_count) == ("collecting", 4)
    assert all(row.is_fingerprinted for row in rows)
    assert fingerprints_match(holdout=holdout, project=project)


def test_ids_of_the_file_are_kept_and_must_be_unique(project: Project) -> None:
    upload = Upload(
        "h.csv", b"id,text,category\nT-1,one thing,refund\nT-1,other thing,refund\n,third,refund\n"
    )
    import_ = imports.stage_holdout_import(project=project, upload=upload, actor=None)
    assert import_.mapping["id"] == "id"
    assert reasons(import_) == {3: "The id 'T-1' stands on line 2 already.", 4: "The id is empty."}
    imports.commit_holdout_import(project=project, import_=import_, actor=None)
    assert HoldoutRecord.objects.get().source_id == "T-1"


def test_ids_that_the_holdout_has_already_are_refused_with_the_remedy(collecting: Project) -> None:
    import_ = imports.stage_holdout_import(
        project=collecting, upload=csv_of(("quite another text", "refund")), actor=None
    )
    assert reasons(import_) == {
        2: "The id 'row-1' is in the holdout already: map a column of ids (id=COLUMN)."
    }


def test_people_ask_the_same_thing_twice_so_repeats_are_counted_and_kept(project: Project) -> None:
    upload = csv_of(("Top up?", "refund"), ("top-up", "billing"))
    import_ = imports.stage_holdout_import(project=project, upload=upload, actor=None)
    assert (import_.refused, import_.report["rows"], import_.report["repeats"]) == ([], 2, 1)


@pytest.mark.parametrize("use", [Use.SEED, Use.TRAIN])
def test_a_text_that_is_a_seed_or_train_row_is_refused_naming_it(project: Project, use: Use) -> None:
    record = factories.make_real(project, "Where is my top-up?", "refund", use=use)
    upload = csv_of(("where is my top-up?", "refund"), ("Where is my top up", "refund"), ("fine", "refund"))
    import_ = imports.stage_holdout_import(project=project, upload=upload, actor=None)
    assert reasons(import_) == {
        2: f"The same text is {use} row #{record.pk} (up to case).",
        3: f"The same text is {use} row #{record.pk} (up to case, white space and punctuation).",
    }


def test_train_rows_that_are_nearly_like_a_holdout_row_are_counted(project: Project) -> None:
    factories.make_real(project, "I paid twice for one renewal!! and nobody answers me", "refund")
    factories.make_real(project, "something else entirely", "refund")
    assert import_holdout(project, *ROWS).near_real == 1


def test_a_label_outside_the_guide_is_refused(project: Project) -> None:
    import_ = imports.stage_holdout_import(project=project, upload=csv_of(("text", "refnud")), actor=None)
    assert reasons(import_) == {2: "The label 'refnud' is not in label guide v1; did you mean 'refund'?"}


def test_columns_can_be_mapped_after_the_upload(project: Project) -> None:
    upload = csv_of(*ROWS, header="ticket,kind")
    import_ = imports.stage_holdout_import(project=project, upload=upload, actor=None)
    assert "rows" not in import_.report
    with pytest.raises(MappingError):
        imports.commit_holdout_import(project=project, import_=import_, actor=None)
    imports.map_holdout_columns(
        project=project, import_=import_, mapping=["input.text=ticket", "output.label=kind"], actor=None
    )
    assert imports.commit_holdout_import(project=project, import_=import_, actor=None).rows_imported == 4


def test_committing_twice_adds_nothing(project: Project) -> None:
    staged = imports.stage_holdout_import(project=project, upload=csv_of(*ROWS), actor=None)
    stale = HoldoutImport.objects.get(pk=staged.pk)
    imports.commit_holdout_import(project=project, import_=staged, actor=None)
    with pytest.raises((StaleStateError, RefusedError)):
        imports.commit_holdout_import(project=project, import_=stale, actor=None)
    assert HoldoutRecord.objects.count() == 4


def test_the_content_of_a_file_is_forgotten_with_its_commit_or_discarding(project: Project) -> None:
    import_holdout(project, *ROWS)
    done = HoldoutImport.objects.get()
    assert (done.content, done.report["preview"]) == (None, [])
    staged = imports.stage_holdout_import(project=project, upload=csv_of(("abc", "refund")), actor=None)
    imports.discard_holdout_import(import_=staged, actor=None)
    assert HoldoutImport.objects.get() == done
    with pytest.raises(StaleStateError):
        imports.discard_holdout_import(import_=done, actor=None)


def test_no_row_of_the_default_database_holds_a_word_of_the_holdout(project: Project) -> None:
    canary = "xylophone marzipan quicksilver bandoneon"
    import_holdout(project, (canary, "refund"))
    for model in apps.get_models():
        if model._meta.app_label not in {"holdout", "leakage"}:
            assert "xylophone" not in repr(list(model._default_manager.values()))


def test_fingerprints_that_an_interrupted_import_left_out_are_written_by_the_sweep(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(**_: object) -> None:
        raise ConnectionError("the leakage database is away")

    with monkeypatch.context() as patch:
        patch.setattr(imports, "write_missing_fingerprints", power_cut)
        with pytest.raises(ConnectionError):
            import_holdout(project, *ROWS)
    assert HoldoutRecord.objects.count() == 4
    assert not Digest.objects.exists()
    (pk,) = without_fingerprints()
    sweep = next(sweep for sweep in SWEEPS if sweep.due is without_fingerprints)
    sweep.task(pk)
    assert list(without_fingerprints()) == []
    assert screen_texts(project_uuid=project.uuid, texts=[ROWS[0][0]])[0].is_leak


def test_a_sweep_that_fails_comes_back_later_not_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_holdout(project, *ROWS)
    HoldoutRecord.objects.update(is_fingerprinted=False)

    def away(**_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("apps.holdout.services.write_missing_fingerprints", away)
    (pk,) = without_fingerprints()
    sweep = next(sweep for sweep in SWEEPS if sweep.due is without_fingerprints)
    with pytest.raises(ConnectionError):
        sweep.task(pk)
    holdout = HoldoutSet.objects.get()
    assert (holdout.attempts, holdout.last_error) == (1, "ConnectionError: fingerprints are missing.")
    assert list(without_fingerprints()) == []
