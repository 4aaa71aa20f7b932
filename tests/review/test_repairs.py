"""Which dropped records may be mended, once."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from apps.core.errors import DomainError
from apps.generation.models import RepairOrder
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.review.repairs import order_repair
from apps.specs.models import Gap
from apps.validation.models import Finding, Outcome
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def gap() -> Gap:
    return factories.make_gap(factories.make_project(name="Router"))


def dropped(gap: Gap, check: str, text: str = "no") -> Record:
    record = factories.make_candidate(gap, text)
    Record.objects.filter(pk=record.pk).update(status=RecordStatus.FAILED_CHECKS)
    Finding.objects.create(
        record=record,
        check_name=check,
        check_version=1,
        outcome=Outcome.BLOCK,
        code="x",
        message="Too short.",
    )
    record.refresh_from_db()
    return record


def test_a_record_gets_one_attempt_with_the_finding(gap: Gap) -> None:
    record = dropped(gap, "length")
    (order,) = order_repair(records=[record])
    assert order.finding == "Too short."
    with pytest.raises(DomainError, match="one attempt"):
        order_repair(records=[record])


@pytest.mark.parametrize("check", ["leakage", "secrets", "personal_data", "near_duplicate"])
def test_what_no_generator_may_see_or_mend_is_refused(gap: Gap, check: str) -> None:
    with pytest.raises(DomainError, match="not for a generator to mend"):
        order_repair(records=[dropped(gap, check)])
    assert not RepairOrder.objects.exists()


def test_a_repair_is_not_repaired_again(gap: Gap) -> None:
    first = dropped(gap, "length")
    order_repair(records=[first])
    second = factories.make_candidate(gap, "nope", derived_from=first)
    Record.objects.filter(pk=second.pk).update(status=RecordStatus.FAILED_CHECKS)
    second.refresh_from_db()
    with pytest.raises(DomainError, match="is a repair itself"):
        order_repair(records=[second])


def test_the_command_takes_what_can_be_mended(gap: Gap, capsys: pytest.CaptureFixture[str]) -> None:
    dropped(gap, "length")
    dropped(gap, "leakage", "secret text")
    call_command("order_repairs", "Router", gap=gap.name)
    assert capsys.readouterr().out == "1 records wait to be mended; 1 cannot be.\n"
