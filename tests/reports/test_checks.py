"""What the lead sees of the checks and does about what they dropped."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.generation.models import RepairOrder
from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.reports.checks import checks_page
from apps.specs.models import Gap, Project, Role
from apps.validation import services
from apps.validation.drops import RECENT, Unusual, is_unusual, unusual_checks
from apps.validation.models import Finding, Outcome
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def project() -> Project:
    project = factories.make_project()
    factories.make_spec(project, min_chars=10, max_chars=200)
    factories.make_guide(project, "refund", "billing")
    return project


@pytest.fixture
def gap(project: Project) -> Gap:
    return factories.make_gap(project)


def dropped(gap: Gap, text: str = "no") -> Record:
    record = factories.make_candidate(gap, text)
    services.check_slice()
    record.refresh_from_db()
    assert record.status == RecordStatus.FAILED_CHECKS
    return record


def stop(gap: Gap, check: str, count: int, of: int) -> None:
    """``of`` checked records; ``check`` stopped the first ``count`` of them."""
    template = factories.make_candidate(gap, "one of many")
    records = [
        Record(
            **{
                field.attname: getattr(template, field.attname)
                for field in Record._meta.concrete_fields
                if field.attname not in ("id", "uuid")
            }
        )
        for _ in range(of - 1)
    ]
    Record.objects.bulk_create(records)
    made = list(Record.objects.filter(pk__gte=template.pk).order_by("pk"))
    Record.objects.filter(pk__gte=template.pk).update(status=RecordStatus.AWAITING_REVIEW, due_at=None)
    Record.objects.filter(pk__in=[each.pk for each in made[:count]]).update(status=RecordStatus.FAILED_CHECKS)
    Finding.objects.bulk_create(
        Finding(
            record=each,
            check_name=check,
            check_version=1,
            outcome=Outcome.BLOCK,
            code="x",
            message="Too short.",
        )
        for each in made[:count]
    )


def act(client: Client, project: Project, name: str, record: Record, **values: str) -> str:
    address = reverse(f"reports:{name}", args=[project.slug, record.pk])
    return client.post(address, values, follow=True).content.decode()


def test_the_page_names_every_check_its_settings_and_what_it_cannot_find(
    client: Client, project: Project, gap: Gap
) -> None:
    dropped(gap)
    client.force_login(factories.make_member(project, Role.MANAGER))
    body = client.get(reverse("reports:check-list", args=[project.slug])).content.decode()
    for entry in checks_page(project).checks:
        assert entry.title in body
    assert "Names and free postal addresses are not found by these rules." in body
    assert "1 of 1" in body
    assert "Send to review" not in body


def test_a_switch_and_a_threshold_of_the_spec_show_as_set_here() -> None:
    project = factories.make_project()
    factories.make_spec(project, checks={"near_duplicate": {"block": 0.95}, "label": {"enabled": False}})
    entries = {entry.name: entry for entry in checks_page(project).checks}
    assert not entries["label"].is_on
    (block,) = [option for option in entries["near_duplicate"].options if option.name == "block"]
    assert (block.value, block.is_own) == (0.95, True)


def test_a_lead_sends_a_dropped_record_to_review_with_a_reason(
    client: Client, project: Project, gap: Gap
) -> None:
    record = dropped(gap)
    client.force_login(factories.make_member(project, Role.LEAD))
    assert "Say why" in act(client, project, "record-undrop", record)
    record.refresh_from_db()
    assert record.status == RecordStatus.FAILED_CHECKS
    act(client, project, "record-undrop", record, reason="people write like this")
    record.refresh_from_db()
    assert record.status == RecordStatus.AWAITING_REVIEW
    assert record.events.get(seq=record.event_seq).reason == "people write like this"


@pytest.mark.parametrize("check", ["leakage", "secrets", "schema"])
def test_what_a_final_check_dropped_stays_out_and_says_so(
    client: Client, project: Project, gap: Gap, check: str
) -> None:
    record = dropped(gap)
    record.findings.update(check_name=check)
    client.force_login(factories.make_member(project, Role.LEAD))
    page = client.get(reverse("reports:dropped", args=[project.slug])).content.decode()
    assert f"Final: {check}" in page
    assert reverse("reports:record-undrop", args=[project.slug, record.pk]) not in page
    assert f"What {check} dropped cannot be sent" in act(client, project, "record-undrop", record, reason="x")
    record.refresh_from_db()
    assert record.status == RecordStatus.FAILED_CHECKS


def test_a_record_is_sent_to_the_repairer_once(client: Client, project: Project, gap: Gap) -> None:
    record = dropped(gap)
    client.force_login(factories.make_member(project, Role.LEAD))
    address = reverse("reports:record-repair", args=[project.slug, record.pk])
    page = reverse("reports:check-list", args=[project.slug])
    assert address in client.get(page).content.decode()
    act(client, project, "record-repair", record)
    assert RepairOrder.objects.get().record == record
    assert address not in client.get(page).content.decode()
    assert "one attempt" in act(client, project, "record-repair", record)
    assert RepairOrder.objects.count() == 1


def test_the_way_back_never_leaves_the_site(client: Client, project: Project, gap: Gap) -> None:
    client.force_login(factories.make_member(project, Role.LEAD))
    address = reverse("reports:record-undrop", args=[project.slug, dropped(gap).pk])
    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example/", "evil"):
        response = client.post(address, {"reason": "", "back": back})
        assert response.headers["Location"] == reverse("reports:check-list", args=[project.slug])


def test_a_record_of_another_project_is_not_found(client: Client, project: Project) -> None:
    other = factories.make_project()
    factories.make_spec(other, min_chars=10, max_chars=200)
    record = dropped(factories.make_gap(other))
    client.force_login(factories.make_member(project, Role.LEAD))
    for name in ("record-undrop", "record-repair"):
        address = reverse(f"reports:{name}", args=[project.slug, record.pk])
        assert client.post(address, {"reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("drops", "expected"),
    [
        ((40, 500, 100, 5000), True),
        ((12, 500, 100, 5000), False),  # 2.4% after 2%
        ((40, 500, 0, 0), False),
        ((20, 40, 10, 5000), False),  # too few to say
        ((7000, 50_000, 5000, 50_000), False),  # certain, and 1.4 times as many
    ],
)
def test_a_check_is_unusual_when_its_rate_is_surely_and_plainly_higher(
    drops: tuple[int, int, int, int], *, expected: bool
) -> None:
    recent, recent_of, before, before_of = drops
    assert is_unusual(Unusual("length", "Length", recent, recent_of, before, before_of)) is expected


def test_the_alarm_stands_on_the_checks_page_and_on_the_home(
    client: Client, project: Project, gap: Gap
) -> None:
    stop(gap, "length", 12, 600)
    stop(gap, "length", 10, RECENT)
    assert unusual_checks(project) == []
    stop(gap, "length", 60, RECENT)
    (found,) = unusual_checks(project)
    assert (found.recent, found.recent_of, found.before, found.before_of) == (60, RECENT, 22, 600 + RECENT)
    client.force_login(factories.make_member(project, Role.LEAD))
    for name in ("check-list", "project-home"):
        body = client.get(reverse(f"reports:{name}", args=[project.slug])).content.decode()
        assert "drops more than it used to: 60 of the latest 500" in body


@pytest.mark.parametrize("size", [10, 600])
def test_the_page_asks_the_same_number_of_questions_at_any_size(
    project: Project, gap: Gap, size: int, django_assert_num_queries: Any
) -> None:
    stop(gap, "length", size // 2, size)
    with django_assert_num_queries(17 + (size > RECENT) * 2, using="default"):
        checks_page(project)
