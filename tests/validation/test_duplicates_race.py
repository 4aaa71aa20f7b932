"""Of near copies that several workers check at once one stays, the lowest id; with the rule off, more do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.similarity.services import find_near, index_records
from apps.specs.models import Gap
from apps.validation import services
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "leakage"])

WORKERS = 4
WORDS = "amber brook cedar delta ember frost grove haven inlet joint knoll lemon maple north ocean pearl"


def text_of(number: int, copy: int) -> str:
    """Texts are far from each other; copies of one differ by a letter at the end."""
    words = WORDS.split()
    own = [f"{words[(number * 7 + place * place) % 16]}{number * 31 + place}" for place in range(12)]
    return f"{' '.join(own)} {'abcd'[copy]}"


@pytest.fixture
def gap() -> Gap:
    project = factories.make_project()
    factories.make_spec(project)
    factories.make_guide(project, "refund")
    return factories.make_gap(project)


def make_copies(gap: Gap, texts: int) -> None:
    """Copy by copy, so that each worker claims one of every text."""
    for copy in range(WORKERS):
        for number in range(texts):
            factories.make_candidate(gap, text_of(number, copy))


def check_at_once(texts: int) -> list[int]:
    start = Barrier(WORKERS)

    def work() -> int:
        start.wait()
        try:
            done = 0
            while claimed := services.check_slice(size=texts):
                done += claimed
            return done
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        return [future.result() for future in [pool.submit(work) for _ in range(WORKERS)]]


def survivors(gap: Gap) -> list[int]:
    left = Record.objects.filter(gap=gap).exclude(status=RecordStatus.FAILED_CHECKS)
    assert set(left.values_list("status", flat=True)) == {RecordStatus.AWAITING_REVIEW}
    return list(left.order_by("id").values_list("id", flat=True))


@pytest.mark.parametrize("texts", [50, pytest.param(1000, marks=pytest.mark.soak)])
def test_of_copies_checked_by_four_workers_the_lowest_id_stays(gap: Gap, texts: int) -> None:
    make_copies(gap, texts)
    lowest = list(Record.objects.filter(gap=gap).order_by("id").values_list("id", flat=True)[:texts])
    assert sum(check_at_once(texts)) == WORKERS * texts
    assert survivors(gap) == lowest


@pytest.mark.parametrize("texts", [50, pytest.param(1000, marks=pytest.mark.soak)])
def test_who_looks_before_he_inserts_leaves_doubles(
    gap: Gap, texts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    make_copies(gap, texts)
    all_looked = Barrier(WORKERS)
    monkeypatch.setattr(services, "index_records", lambda **_: None)

    def look_then_insert(**values: Any) -> Any:
        found = find_near(**values)
        all_looked.wait(timeout=300)
        index_records(
            project_id=values["project_id"],
            texts=list(zip(values["record_ids"], values["texts"], strict=True)),
        )
        return found

    monkeypatch.setattr(services, "find_near", look_then_insert)
    check_at_once(texts)
    assert len(survivors(gap)) > texts


def test_a_copy_that_passed_first_is_taken_back_for_a_lower_id(gap: Gap) -> None:
    first, second = (factories.make_candidate(gap, text_of(1, copy)) for copy in (0, 1))
    Record.objects.filter(pk=first.pk).update(due_at=timezone.now() + timedelta(hours=1))
    services.check_slice()
    second.refresh_from_db()
    assert second.status == RecordStatus.AWAITING_REVIEW
    Record.objects.filter(pk=first.pk).update(due_at=timezone.now())
    services.check_slice()
    assert survivors(gap) == [first.pk]
    assert [(f.check_name, f.code) for f in second.findings.all()] == [("near_duplicate", "near_candidate")]
