"""Freezing crosses two databases: stopped anywhere it goes on to the same end, and then nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

from apps.core.errors import DomainError, RefusedError, StaleStateError
from apps.holdout import services
from apps.holdout.contents import content_hash
from apps.holdout.fingerprinting import fingerprints_match
from apps.holdout.imports import commit_holdout_import, stage_holdout_import
from apps.holdout.models import HoldoutImport, HoldoutRecord, HoldoutSet
from apps.holdout.rules import FreezeTerms, default_common_labels, per_look_alpha
from apps.holdout.tasks import SWEEPS, freezing
from apps.leakage.models import Digest
from apps.leakage.services import add_fingerprints
from apps.records.models import Record
from apps.specs.models import HoldoutSeal, Project
from tests import factories
from tests.holdout.rows import ROWS, csv_of, import_holdout

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

TERMS = FreezeTerms(rare=["refund"], common=["billing"])


def freeze(project: Project, terms: FreezeTerms = TERMS) -> HoldoutSet:
    holdout = services.begin_freeze(project=project, terms=terms, actor=None)
    return services.continue_freeze(holdout=holdout)


def test_freezing_fixes_rows_terms_and_hash_and_seals_them(collecting: Project) -> None:
    lead = factories.make_user()
    holdout = services.begin_freeze(project=collecting, terms=TERMS, actor=lead)
    holdout = services.continue_freeze(holdout=holdout)
    seal = HoldoutSeal.objects.get()
    assert (holdout.status, holdout.content_hash) == ("frozen", content_hash(holdout))
    assert (seal.holdout_uuid, seal.content_hash, seal.row_count) == (holdout.uuid, holdout.content_hash, 4)
    assert seal.commonness == {"abuse": "other", "billing": "common", "refund": "rare"}
    assert seal.label_counts == {"abuse": 1, "billing": 1, "refund": 2}
    assert (seal.delta, seal.alpha, seal.looks, seal.guide_version) == (0.02, 0.05, 5, 1)
    assert (seal.sealed_by, seal.sealed_at) == (lead, holdout.frozen_at)
    assert collecting.active_seal() == seal
    assert set(HoldoutRecord.objects.values_list("label", "commonness")) == {
        ("refund", "rare"),
        ("billing", "common"),
        ("abuse", "other"),
    }


def test_the_hash_is_the_same_for_the_same_content_in_any_order_and_another_for_any_change() -> None:
    def hash_of(*rows: tuple[str, str], **changes: Any) -> str:
        project = factories.make_project()
        factories.make_guide(project, "refund", "billing", "abuse")
        staged = stage_holdout_import(
            project=project,
            upload=csv_of(*((f'{text}","{text}', label) for text, label in rows), header="id,text,category"),
            actor=None,
        )
        commit_holdout_import(project=project, import_=staged, actor=None)
        values = {"rare": ["refund"], "common": ["billing"]} | changes
        return freeze(project, FreezeTerms(**values)).content_hash

    original = hash_of(*ROWS)
    assert hash_of(*reversed(ROWS)) == original
    others = [
        hash_of(*ROWS[:3]),
        hash_of(*ROWS[:3], (ROWS[3][0], "billing")),
        hash_of(*ROWS, looks=4),
        hash_of(*ROWS, delta=0.03),
        hash_of(*ROWS, alpha=0.01),
        hash_of(*ROWS, common=["abuse"]),
        hash_of(*ROWS, production_shares={"rare": 0.01, "common": 0.9, "other": 0.09}),
    ]
    assert len({original, *others}) == len(others) + 1


STEPS = [
    "set_commonness",
    "write_missing_fingerprints",
    "compare_fingerprints",
    "refuse_overlaps",
    "seal_holdout",
    "finish",
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_between_any_two_steps_continues_to_the_same_end(
    collecting: Project, monkeypatch: pytest.MonkeyPatch, step: str, moment: str
) -> None:
    HoldoutRecord.objects.update(is_fingerprinted=False)
    Digest.objects.all().delete()
    real: Callable[..., Any] = getattr(services, step)

    def crash(*args: Any, **values: Any) -> Any:
        if moment == "after":
            real(*args, **values)
        raise SystemExit("the power is gone")

    holdout = services.begin_freeze(project=collecting, terms=TERMS, actor=None)
    with monkeypatch.context() as patch:
        patch.setattr(services, step, crash)
        with pytest.raises(SystemExit):
            services.continue_freeze(holdout=holdout)
    done = services.continue_freeze(holdout=holdout)
    again = services.continue_freeze(holdout=holdout)
    assert done.status == again.status == "frozen"
    seal = HoldoutSeal.objects.get()
    assert seal.content_hash == done.content_hash == content_hash(done)
    assert seal.row_count == HoldoutRecord.objects.count() == 4
    assert fingerprints_match(holdout=done, project=collecting)


def test_the_worker_continues_what_stopped_and_waits_longer_each_time(
    collecting: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.begin_freeze(project=collecting, terms=TERMS, actor=None)
    sweep = next(sweep for sweep in SWEEPS if sweep.due is freezing)
    assert sweep.queue == "evaluation"

    def away(**_: object) -> None:
        raise ConnectionError

    (pk,) = freezing()
    with monkeypatch.context() as patch:
        patch.setattr(services, "compare_fingerprints", away)
        with pytest.raises(ConnectionError):
            sweep.task(pk)
    holdout = HoldoutSet.objects.get()
    assert (holdout.status, holdout.attempts) == ("freezing", 1)
    assert "ConnectionError" in holdout.last_error
    assert list(freezing()) == []
    HoldoutSet.objects.update(next_attempt_at=None)
    sweep.task(pk)
    holdout.refresh_from_db()
    assert (holdout.status, holdout.last_error) == ("frozen", "")
    sweep.task(pk)


def test_fingerprints_that_do_not_match_the_rows_are_written_anew(collecting: Project) -> None:
    holdout = HoldoutSet.objects.get()
    stray = factories.make_user().uuid
    add_fingerprints(corpus_uuid=holdout.uuid, items=[(stray, "a row that was dropped long ago")])
    digest = Digest.objects.exclude(item_uuid=stray).first()
    assert digest is not None
    digest.delete()
    freeze(collecting)
    assert fingerprints_match(holdout=holdout, project=collecting)
    assert not Digest.objects.filter(item_uuid=stray).exists()


def test_a_row_that_became_a_train_row_sends_it_back_to_collecting_and_is_named(collecting: Project) -> None:
    record = factories.make_real(collecting, "I paid TWICE for one renewal", "refund")
    with pytest.raises(RefusedError, match="1 rows") as refused:
        freeze(collecting)
    assert refused.value.problems == [
        f"row-1 (line 2 of its file): the same text is train row #{record.pk} (up to case)"
    ]
    holdout = HoldoutSet.objects.get()
    assert holdout.status == "collecting"
    assert f"#{record.pk}" in holdout.last_error
    assert not HoldoutSeal.objects.exists()


def test_dropping_the_overlaps_lets_it_freeze(collecting: Project) -> None:
    factories.make_real(collecting, "I paid TWICE for one renewal", "refund")
    assert services.drop_overlaps(project=collecting, actor=None) == 1
    holdout = freeze(collecting)
    assert (holdout.row_count, HoldoutRecord.objects.count()) == (3, 3)


def test_a_worker_that_finds_an_overlap_leaves_the_reason_and_nothing_due(collecting: Project) -> None:
    services.begin_freeze(project=collecting, terms=TERMS, actor=None)
    factories.make_real(collecting, ROWS[0][0], "refund")
    (pk,) = freezing()
    next(sweep for sweep in SWEEPS if sweep.due is freezing).task(pk)
    holdout = HoldoutSet.objects.get()
    assert (holdout.status, list(freezing())) == ("collecting", [])
    assert "row-1" in holdout.last_error


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rare": []}, "Name at least one rare label"),
        ({"rare": ["nothing"]}, "Rare label 'nothing' is not in label guide v1"),
        ({"common": ["nothing"]}, "Common label 'nothing' is not in label guide v1"),
        ({"rare": ["refund"], "common": ["refund"]}, "'refund' cannot be rare and common"),
        ({"delta": 2.0}, "delta is a share"),
        ({"alpha": 0.0}, "alpha is a probability"),
        ({"looks": 0}, "looks is at least 1"),
        ({"production_shares": {"rare": 1.0}}, "Production shares name common, other, rare"),
        ({"production_shares": {"rare": 0.5, "common": 0.6, "other": 0.0}}, "add up to 1, not 1.1"),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_name(
    collecting: Project, changes: dict[str, Any], problem: str
) -> None:
    values: dict[str, Any] = {"rare": ["refund"], "common": ["billing"]} | changes
    with pytest.raises(RefusedError) as refused:
        services.begin_freeze(project=collecting, terms=FreezeTerms(**values), actor=None)
    assert any(problem in line for line in refused.value.problems)
    assert HoldoutSet.objects.get().status == "collecting"


def test_everything_that_is_missing_is_said_at_once() -> None:
    project = factories.make_project()
    import_holdout(project, ("one text", "strange"), ("two text", "strange"))
    with pytest.raises(RefusedError) as refused:
        freeze(project)
    assert refused.value.problems == [
        "No label guide is published: publish one that has every label of the holdout."
    ]
    factories.make_guide(project, "refund", "billing")
    with pytest.raises(RefusedError) as refused:
        freeze(project)
    assert refused.value.problems == [
        "2 rows have the label 'strange', which is not in label guide v1.",
        "No row has the rare label 'refund'.",
    ]


def test_a_project_without_rows_is_told_to_import_some(project: Project) -> None:
    with pytest.raises(DomainError, match="no holdout yet"):
        freeze(project)


def test_freezing_twice_is_stale(collecting: Project) -> None:
    freeze(collecting)
    with pytest.raises(StaleStateError):
        services.begin_freeze(project=collecting, terms=TERMS, actor=None)
    with pytest.raises(StaleStateError):
        services.drop_overlaps(project=collecting, actor=None)


def test_nothing_comes_in_while_it_freezes(collecting: Project) -> None:
    staged = stage_holdout_import(
        project=collecting,
        upload=csv_of(('x1","one more row', "refund"), header="id,text,category"),
        actor=None,
    )
    holdout = services.begin_freeze(project=collecting, terms=TERMS, actor=None)
    with pytest.raises(StaleStateError):
        commit_holdout_import(project=collecting, import_=staged, actor=None)
    with pytest.raises(StaleStateError):
        stage_holdout_import(project=collecting, upload=csv_of(("another", "refund")), actor=None)
    services.continue_freeze(holdout=holdout)
    assert HoldoutRecord.objects.count() == 4
    assert not HoldoutImport.objects.filter(committed_at=None).exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE holdout_holdoutrecord SET label = 'x'",
        "DELETE FROM holdout_holdoutrecord",
        "UPDATE holdout_holdoutset SET content_hash = 'x'",
        "DELETE FROM holdout_holdoutset",
        "INSERT INTO holdout_holdoutrecord (holdout_id, uuid, source_id, input, gold, label, tags, commonness,"
        " canonical_hash, import_uuid, source_line, is_fingerprinted) SELECT holdout_id,"
        " '00000000000000000000000000000001', 'late', input, gold, label, tags, commonness, canonical_hash,"
        " import_uuid, 99, is_fingerprinted FROM holdout_holdoutrecord WHERE source_id = 'row-1'",
    ],
)
def test_a_frozen_holdout_cannot_be_changed_even_by_sql(collecting: Project, statement: str) -> None:
    frozen = freeze(collecting)
    connection = connections["holdout"]
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic(using="holdout"):
        connection.cursor().execute(statement)
    assert content_hash(frozen) == frozen.content_hash


def test_the_negative_control_the_same_sql_works_before_freezing(collecting: Project) -> None:
    connections["holdout"].cursor().execute("UPDATE holdout_holdoutrecord SET label = 'x'")
    assert set(HoldoutRecord.objects.values_list("label", flat=True)) == {"x"}


def test_the_seal_says_no_word_of_the_holdout(collecting: Project) -> None:
    freeze(collecting)
    values = json.dumps(list(HoldoutSeal.objects.values()), default=str)
    assert not [text for text, _ in ROWS if text in values]
    assert not Record.objects.exists()


def test_default_common_labels_are_the_ten_most_frequent_that_are_not_rare() -> None:
    counts = {f"label {number:02}": number for number in range(20)} | {"tie a": 19, "rare one": 99}
    found = default_common_labels(counts, rare={"rare one"})
    assert found[:3] == ["label 19", "tie a", "label 18"]
    assert len(found) == 10


def test_alpha_is_divided_once_by_the_looks() -> None:
    assert per_look_alpha(alpha=0.05, looks=5) == pytest.approx(0.01)
