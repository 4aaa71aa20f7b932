"""A definition that changes is a new version, and the records made for the old one are looked at again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.records.models import Record, ReviewMethod, SourceType
from apps.records.services import NewRecord, create_records, move_records
from apps.records.states import RecordStatus
from apps.specs.models import Gap, Role, Spec
from apps.specs.services import draft_spec
from apps.validation import rechecks, services
from apps.validation.definitions import changes_in_words, versions_by_check
from apps.validation.models import ChangeFate, Recheck, RecheckStatus
from apps.validation.settings_of_checks import publish_spec
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


def refund(**properties: Any) -> dict[str, Any]:
    return {
        "name": "refund",
        "parameters": {"type": "object", "properties": properties, "required": list(properties)},
    }


ORDER = refund(order={"type": "string"})
ORDER_AND_REASON = refund(order={"type": "string"}, reason={"type": "string"})
TEXTS = [
    "why was my order cut in two, send it back",
    "the parcel never came at all, i want the money",
    "two were ordered and one arrived broken, refund please",
]


@pytest.fixture
def gap() -> Gap:
    project = factories.make_project(task_type="tool_call")
    factories.make_guide(project, "refund", "no tool")
    return factories.make_gap(project)


def publish(gap: Gap, *tools: Any, **values: Any) -> Spec:
    checks = {"tool_arguments": {"tools": list(tools), "no_tool": True}} if tools else {}
    draft = draft_spec(project=gap.project, actor=None, task="Call a tool.", checks=checks, **values)
    return publish_spec(spec=draft, actor=None)


def records(gap: Gap, *texts: str, **arguments: Any) -> list[Record]:
    rows = [
        NewRecord(
            source_type=SourceType.SYNTHETIC,
            gap=gap,
            input={"text": text, "tools": [ORDER]},
            output={"call": {"name": "refund", "arguments": arguments or {"order": "17"}}},
            generator_provider="rules",
            generator_model="rules-1",
            generator_model_family="rules",
            prompt_version="p v1",
            schema_version=1,
        )
        for text in texts
    ]
    made = create_records(project=gap.project, rows=rows, actor=None)
    services.check_slice()
    return made


def carry_on() -> None:
    while due := Recheck.objects.exclude(next_attempt_at=None).first():
        rechecks.advance(due.pk, size=2)


def status(record: Record) -> str:
    return Record.objects.get(pk=record.pk).status


def accept(record: Record) -> None:
    record.refresh_from_db()
    move_records(
        records=[record],
        to=RecordStatus.ACCEPTED,
        actor=None,
        reviewer=factories.make_user(),
        review_method=ReviewMethod.PERSON,
    )


def test_records_that_no_longer_fit_go_and_what_people_accepted_waits_for_a_lead(gap: Gap) -> None:
    publish(gap, ORDER)
    waiting, other, accepted = records(gap, *TEXTS)
    assert {status(each) for each in (waiting, other, accepted)} == {RecordStatus.AWAITING_REVIEW}
    accept(accepted)
    publish(gap, ORDER_AND_REASON)
    recheck = Recheck.objects.get()
    assert (recheck.check_name, recheck.because) == ("tool_arguments", "spec v2: refund changed")
    carry_on()
    assert {status(waiting), status(other)} == {RecordStatus.FAILED_CHECKS}
    assert status(accepted) == RecordStatus.ACCEPTED
    recheck.refresh_from_db()
    assert recheck.status == RecheckStatus.READY
    fates = dict(recheck.changes.values_list("record_id", "fate"))
    assert fates[accepted.pk] == ChangeFate.PENDING

    rechecks.apply_recheck(recheck=recheck, actor=None, with_decided=True)
    carry_on()
    assert status(accepted) == RecordStatus.FAILED_CHECKS


def test_a_lead_may_keep_what_people_accepted(gap: Gap) -> None:
    publish(gap, ORDER)
    (accepted,) = records(gap, TEXTS[0])
    accept(accepted)
    publish(gap, ORDER_AND_REASON)
    carry_on()
    recheck = Recheck.objects.get()
    rechecks.apply_recheck(recheck=recheck, actor=None, with_decided=False)
    carry_on()
    assert status(accepted) == RecordStatus.ACCEPTED
    assert recheck.changes.get().fate == ChangeFate.KEPT


def test_the_definition_taken_back_brings_the_records_back(gap: Gap) -> None:
    publish(gap, ORDER)
    (record,) = records(gap, TEXTS[0])
    publish(gap, ORDER_AND_REASON)
    carry_on()
    assert status(record) == RecordStatus.FAILED_CHECKS
    publish(gap, ORDER)
    carry_on()
    services.check_slice()
    assert status(record) == RecordStatus.AWAITING_REVIEW
    assert set(Recheck.objects.values_list("status", flat=True)) == {RecheckStatus.APPLIED}


def test_the_same_definition_in_another_dialect_is_no_new_version(gap: Gap) -> None:
    publish(gap, ORDER)
    records(gap, TEXTS[0])
    parameters = {"type": "dict", "properties": {"order": {"type": "str"}}, "required": ["order"]}
    publish(gap, {"name": "refund", "input_schema": parameters})
    publish(gap, ORDER, max_chars=900)
    assert not Recheck.objects.exists()
    (only,) = versions_by_check(gap.project)["tool_arguments"]
    assert (only.number, only.spec_version, only.changes) == (1, 1, "")


def test_a_first_spec_begins_nothing(gap: Gap) -> None:
    publish(gap, ORDER)
    assert not Recheck.objects.exists()


def test_one_that_waits_under_the_old_definition_is_discarded(gap: Gap) -> None:
    publish(gap, ORDER)
    records(gap, TEXTS[0])
    by_hand = rechecks.start_recheck(project=gap.project, check_name="tool_arguments", actor=None)
    publish(gap, ORDER_AND_REASON)
    by_hand.refresh_from_db()
    assert by_hand.status == RecheckStatus.DISCARDED
    carry_on()
    assert Recheck.objects.get(by_itself=True).status == RecheckStatus.APPLIED


def test_one_that_is_being_applied_begins_the_next_when_it_is_through(gap: Gap) -> None:
    publish(gap, ORDER)
    (record,) = records(gap, TEXTS[0])
    publish(gap, ORDER_AND_REASON)
    running = Recheck.objects.get()
    while running.status == RecheckStatus.LOOKING:
        rechecks.advance(running.pk)
        running.refresh_from_db()
    assert running.status == RecheckStatus.APPLYING
    publish(gap, ORDER)
    assert Recheck.objects.count() == 1
    carry_on()
    assert Recheck.objects.count() == 2
    services.check_slice()
    assert status(record) == RecordStatus.AWAITING_REVIEW


def test_another_spec_while_it_looks_begins_it_anew(gap: Gap) -> None:
    publish(gap, ORDER)
    (record,) = records(gap, TEXTS[0])
    publish(gap, ORDER_AND_REASON)
    publish(gap, ORDER_AND_REASON, max_chars=900)
    carry_on()
    assert [each.status for each in Recheck.objects.order_by("pk")] == ["discarded", "applied"]
    assert status(record) == RecordStatus.FAILED_CHECKS


def test_fields_of_an_extraction_are_definitions_too() -> None:
    project = factories.make_project(task_type="extraction")
    factories.make_guide(project, "receipt", "letter")
    gap = factories.make_gap(project)
    fields: dict[str, Any] = {"total": {"type": "string"}}
    publish(gap, output_schema={"type": "object", "properties": fields})
    row = NewRecord(
        source_type=SourceType.SYNTHETIC,
        gap=gap,
        input={"text": "Harbour Bakery, total 7.05 paid", "kind": "receipt"},
        output={"total": "7.05"},
        generator_provider="rules",
        generator_model="rules-1",
        generator_model_family="rules",
        prompt_version="p v1",
        schema_version=1,
    )
    (record,) = create_records(project=project, rows=[row], actor=None)
    services.check_slice()
    assert status(record) == RecordStatus.AWAITING_REVIEW
    later = {"total": {"type": "number"}, "tip": {"type": "number"}}
    publish(gap, output_schema={"type": "object", "properties": later})
    assert Recheck.objects.get().because == "spec v2: total changed, tip is new"
    carry_on()
    assert status(record) == RecordStatus.FAILED_CHECKS


def test_changes_are_named_and_many_are_counted() -> None:
    assert changes_in_words({"a": 1, "b": 1}, {"a": 2, "c": 1}) == "a changed, c is new, b is gone"
    many = {f"tool{number}": 1 for number in range(9)}
    assert changes_in_words({}, many).endswith("tool5 is new, and 3 more")


def test_the_pages_show_the_versions_and_what_happened(gap: Gap, client: Client) -> None:
    publish(gap, ORDER)
    waiting, accepted = records(gap, *TEXTS[:2])
    accept(accepted)
    publish(gap, ORDER_AND_REASON)
    carry_on()
    client.force_login(factories.make_member(gap.project, Role.LEAD))
    checks = client.get(reverse("reports:check-list", args=[gap.project.slug])).content.decode()
    assert "Definitions v2" in checks
    assert "spec v2: refund changed" in checks
    recheck = Recheck.objects.get()
    page = client.get(
        reverse("reports:recheck-detail", args=[gap.project.slug, recheck.uuid])
    ).content.decode()
    assert "1 record would be dropped now: a lead decides, nothing was taken back" in page
    assert "Keep them as they are" in page
    assert status(waiting) == RecordStatus.FAILED_CHECKS
