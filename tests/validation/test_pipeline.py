"""Checks run over batches, cheapest first; what is stopped never reaches the queue, what cannot be checked is said."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.leakage.models import CorpusKind
from apps.leakage.services import add_fingerprints, ensure_corpus
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.similarity.models import Band, Neighbour
from apps.specs.models import Gap
from apps.validation import pipeline, services
from apps.validation.checks import REGISTRY, Batch, Check, Findings
from apps.validation.models import Finding, Outcome
from apps.validation.selectors import check_lines, check_titles, dropped_by_check
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

CLEAN = "you renewed my plan without asking and i want that money back"


@pytest.fixture
def gap() -> Gap:
    project = factories.make_project()
    factories.make_spec(project, min_chars=10, max_chars=200)
    factories.make_guide(project, "refund", "billing")
    return factories.make_gap(project)


def check(*records: Record) -> list[str]:
    services.index_real_slice()
    services.check_slice()
    return [Record.objects.get(pk=record.pk).status for record in records]


def codes(record: Record) -> list[tuple[str, str]]:
    return [(f.check_name, f.code) for f in record.findings.all()]


def test_a_clean_record_goes_to_review_without_findings(gap: Gap) -> None:
    record = factories.make_candidate(gap, CLEAN)
    assert check(record) == [RecordStatus.AWAITING_REVIEW]
    assert not record.findings.exists()
    record.refresh_from_db()
    lines = check_lines(record, [], check_titles(gap.project))
    assert {line.outcome for line in lines} == {"pass"}
    assert [line.name for line in lines] == [name for name, check in REGISTRY.items() if check.is_on]


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("too short", "refund", ("length", "too_short")),
        ("x" * 201, "refund", ("length", "too_long")),
        (CLEAN, "weather", ("label", "unknown")),
        (
            "my key is AKIA" + "IOSFODNN7EXAMPLQ" + " please fix it",
            "refund",
            ("secrets", "aws-access-key-id"),
        ),
    ],
)
def test_a_bad_record_is_dropped_and_says_why(
    gap: Gap, text: str, label: str, expected: tuple[str, str]
) -> None:
    record = factories.make_candidate(gap, text, label)
    assert check(record) == [RecordStatus.FAILED_CHECKS]
    assert codes(record)[0][0] == expected[0]
    if expected[0] != "secrets":
        assert codes(record) == [expected]


def test_a_wrong_shape_names_the_place(gap: Gap) -> None:
    record = factories.make_candidate(gap, CLEAN)
    Record.objects.filter(pk=record.pk).update(
        edited_output={"label": "refund", "extra": 1}, edited_input={"text": CLEAN}
    )
    assert check(record) == [RecordStatus.FAILED_CHECKS]
    finding = record.findings.get()
    assert (finding.check_name, finding.pointer) == ("schema", "/output")


def test_of_two_equal_texts_in_one_batch_the_first_stays(gap: Gap) -> None:
    first = factories.make_candidate(gap, CLEAN)
    second = factories.make_candidate(gap, CLEAN.upper() + "!!")
    assert check(first, second) == [RecordStatus.AWAITING_REVIEW, RecordStatus.FAILED_CHECKS]
    assert codes(second) == [("exact_duplicate", "same_as_record")]


def test_a_copy_of_a_real_row_is_dropped(gap: Gap) -> None:
    factories.make_real(gap.project, CLEAN, "refund")
    record = factories.make_candidate(gap, CLEAN.capitalize())
    assert check(record) == [RecordStatus.FAILED_CHECKS]
    assert codes(record) == [("exact_duplicate", "same_as_real")]


def test_near_duplicates_are_blocked_and_neighbours_kept(gap: Gap) -> None:
    first = factories.make_candidate(gap, CLEAN)
    second = factories.make_candidate(gap, CLEAN + " ok")
    assert check(first, second) == [RecordStatus.AWAITING_REVIEW, RecordStatus.FAILED_CHECKS]
    assert codes(second) == [("near_duplicate", "near_candidate")]
    assert Neighbour.objects.get(record=second).other_id == first.pk
    assert Band.objects.filter(record_id=first.pk).count() == 12


def test_thresholds_come_from_the_spec() -> None:
    project = factories.make_project()
    factories.make_spec(project, checks={"near_duplicate": {"block": 1.0}, "label": {"enabled": False}})
    factories.make_guide(project, "refund", "billing")
    gap = factories.make_gap(project)
    first = factories.make_candidate(gap, CLEAN, "no such label")
    second = factories.make_candidate(gap, CLEAN + " ok")
    assert check(first, second) == [RecordStatus.AWAITING_REVIEW, RecordStatus.AWAITING_REVIEW]


def test_a_dropped_record_does_not_stand_in_the_way_of_a_better_one(gap: Gap) -> None:
    dropped = factories.make_candidate(gap, CLEAN, "weather")
    better = factories.make_candidate(gap, CLEAN, "refund")
    assert check(dropped, better) == [RecordStatus.FAILED_CHECKS, RecordStatus.AWAITING_REVIEW]


def test_a_holdout_text_in_a_record_is_stopped_without_repeating_it(gap: Gap) -> None:
    canary = "the violet walrus renewed my subscription on a sunday and kept the refund"
    record = factories.make_candidate(gap, f"Hello. {canary}. Thanks")
    corpus = ensure_corpus(
        project_uuid=gap.project.uuid, corpus_uuid=gap.project.uuid, kind=CorpusKind.HOLDOUT, name="holdout"
    )
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(record.uuid, canary)])
    assert check(record) == [RecordStatus.FAILED_CHECKS]
    finding = record.findings.get()
    assert finding.check_name == "leakage"
    assert "walrus" not in finding.message


class _Broken(Check):
    name = "length"
    version = 1
    title = "Length"
    is_deterministic = True

    def run(self, batch: Batch) -> Findings:
        raise RuntimeError("the library is missing")


def test_a_check_that_fails_lets_nothing_through(gap: Gap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "length", _Broken())
    record = factories.make_candidate(gap, CLEAN)
    assert check(record) == [RecordStatus.NOT_CHECKED]
    assert codes(record) == [("length", "RuntimeError")]


class _Poisoned(Check):
    name = "length"
    title = "Length"

    def run(self, batch: Batch) -> Findings:
        if any("poison" in item.text for item in batch.items):
            raise RuntimeError("cannot read it")
        return {}


def test_a_check_that_fails_on_one_record_does_not_stop_its_neighbours(
    gap: Gap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY, "length", _Poisoned())
    texts = (
        "my card was charged twice last week",
        "this one is poison for the check",
        "i never got a refund",
    )
    records = [factories.make_candidate(gap, text) for text in texts]
    assert check(*records) == [
        RecordStatus.AWAITING_REVIEW,
        RecordStatus.NOT_CHECKED,
        RecordStatus.AWAITING_REVIEW,
    ]


class _Endless(Check):
    name = "length"
    title = "Length"

    def run(self, batch: Batch) -> Findings:
        while True:
            pass


def test_a_check_that_never_ends_is_stopped_and_lets_nothing_through(
    gap: Gap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTRY, "length", _Endless())
    monkeypatch.setattr(pipeline, "SECONDS_A_BATCH", 0.05)
    monkeypatch.setattr(pipeline, "SECONDS_AN_ITEM", 0.05)
    records = [factories.make_candidate(gap, f"{CLEAN} {word}") for word in ("one", "other")]
    assert set(check(*records)) == {RecordStatus.NOT_CHECKED}
    assert codes(records[0]) == [("length", "DeadlineError")]


class _Unsure(_Broken):
    severity = Outcome.WARN


def test_what_only_warns_warns_that_it_could_not_look(gap: Gap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REGISTRY, "length", _Unsure())
    record = factories.make_candidate(gap, CLEAN)
    assert check(record) == [RecordStatus.AWAITING_REVIEW]
    assert record.findings.get(check_name="length").outcome == Outcome.WARN


def test_a_project_may_lower_a_check_that_allows_it() -> None:
    project = factories.make_project()
    factories.make_spec(
        project, checks={"personal_data": {"severity": "warn"}, "secrets": {"severity": "warn"}}
    )
    factories.make_guide(project, "refund", "billing")
    gap = factories.make_gap(project)
    mail = factories.make_candidate(gap, "refund it to jane.miller@gmail.com please i beg you")
    key = factories.make_candidate(gap, "my key is AKIA" + "IOSFODNN7EXAMPLQ" + " please fix it")
    assert check(mail, key) == [RecordStatus.AWAITING_REVIEW, RecordStatus.FAILED_CHECKS]


def test_a_second_run_replaces_the_findings(gap: Gap) -> None:
    record = factories.make_candidate(gap, "too short")
    check(record)
    lead = factories.make_member(gap.project)
    record.refresh_from_db()
    services.undrop(record=record, reason="short is how people write", actor=lead)
    record.refresh_from_db()
    assert record.status == RecordStatus.AWAITING_REVIEW
    assert Finding.objects.filter(record=record).count() == 1


def test_undropping_asks_the_checks_that_never_saw_the_record(gap: Gap) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLQ"
    record = factories.make_candidate(gap, f"{CLEAN} {secret} " + "and so on " * 20)
    assert check(record) == [RecordStatus.FAILED_CHECKS]
    assert codes(record) == [("length", "too_long")]
    for refusal in ("would drop it too", "What secrets dropped cannot be sent to review"):
        record.refresh_from_db()
        with pytest.raises(DomainError, match=refusal) as refused:
            services.undrop(record=record, reason="long is fine", actor=factories.make_user())
        assert secret not in str(refused.value)
        assert {name for name, _ in codes(record)} >= {"length", "secrets"}
        assert Record.objects.get(pk=record.pk).status == RecordStatus.FAILED_CHECKS


@pytest.mark.parametrize("reason", ["", "  "])
def test_undropping_needs_a_reason(gap: Gap, reason: str) -> None:
    record = factories.make_candidate(gap, "too short")
    check(record)
    record.refresh_from_db()
    with pytest.raises(DomainError, match="Say why"):
        services.undrop(record=record, reason=reason, actor=factories.make_user())


def test_what_a_secret_dropped_stays_dropped(gap: Gap) -> None:
    record = factories.make_candidate(gap, "my key is AKIA" + "IOSFODNN7EXAMPLQ" + " please fix it")
    check(record)
    record.refresh_from_db()
    with pytest.raises(DomainError, match="secrets"):
        services.undrop(record=record, reason="it is fake", actor=factories.make_user())


def test_an_edit_is_checked_against_everything_but_itself(gap: Gap) -> None:
    record = factories.make_candidate(gap, CLEAN)
    other = factories.make_candidate(gap, "the annual renewal went through although i had cancelled in march")
    check(record, other)
    args: dict[str, Any] = {"project": gap.project, "output": {"label": "refund"}, "ignore_record": record}
    assert services.check_payload(input_={"text": CLEAN + " please"}, **args) == []
    copied = services.check_payload(
        input_={"text": "The annual renewal went through, although I had cancelled in March"}, **args
    )
    assert [f.check_name for f in copied] == ["exact_duplicate"]


def test_drops_are_counted_by_check_with_samples(gap: Gap) -> None:
    for number in range(3):
        factories.make_candidate(gap, f"short {number}")
    factories.make_candidate(gap, CLEAN, "weather")
    services.check_slice()
    assert [(d.check_name, d.count, len(d.samples)) for d in dropped_by_check(gap.project, samples=2)] == [
        ("length", 3, 2),
        ("label", 1, 1),
    ]


def test_the_number_of_queries_does_not_grow_with_the_batch(
    gap: Gap, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        factories.make_candidate(gap, f"{CLEAN} number {number} {'abcdefghij'[number] * 30}")
    # One conditional UPDATE a record; everything else is asked and written once for the batch.
    with django_assert_max_num_queries(10 + 45):
        services.check_slice()
