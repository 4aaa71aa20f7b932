"""A lead lets a check look again, reads what would change, and applies or discards it."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.records.models import Record
from apps.records.states import RecordStatus
from apps.specs.models import Project, Role
from apps.validation import rechecks, services
from apps.validation.models import Finding, Recheck, RecheckStatus
from tests import factories

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])

LONG = "the money has never come back to me at all, it was promised on monday <b>twice</b>"


@pytest.fixture
def project() -> Project:
    project = factories.make_project(name="Router")
    factories.make_spec(project, min_chars=10, max_chars=200)
    factories.make_guide(project, "refund", "billing")
    factories.make_candidate(factories.make_gap(project), LONG)
    services.check_slice()
    factories.make_spec(project, min_chars=10, max_chars=40)
    return project


def status() -> str:
    return Record.objects.get().status


def post(client: Client, name: str, *args: object) -> str:
    return client.post(reverse(f"reports:{name}", args=args), follow=True).content.decode()


def look(client: Client, project: Project) -> tuple[Recheck, str]:
    post(client, "recheck-start", project.slug, "length")
    recheck = Recheck.objects.latest("id")
    rechecks.advance(recheck.pk)
    address = reverse("reports:recheck-detail", args=[project.slug, recheck.uuid])
    return recheck, client.get(address).content.decode()


def test_a_lead_reads_what_would_change_and_applies_it(client: Client, project: Project) -> None:
    client.force_login(factories.make_member(project, Role.LEAD))
    recheck, body = look(client, project)
    assert "This is what would change" in body
    assert "Would be dropped" in body
    assert "at most 40" in body
    assert "&lt;b&gt;twice" in body
    assert status() == RecordStatus.AWAITING_REVIEW
    post(client, "recheck-apply", project.slug, recheck.uuid)
    rechecks.advance(recheck.pk)
    assert status() == RecordStatus.FAILED_CHECKS
    address = reverse("reports:check-list", args=[project.slug])
    assert "Looked again" in client.get(address).content.decode()


def test_a_lead_discards_it(client: Client, project: Project) -> None:
    client.force_login(factories.make_member(project, Role.LEAD))
    recheck, _ = look(client, project)
    assert "Nothing was changed" in post(client, "recheck-discard", project.slug, recheck.uuid)
    assert status() == RecordStatus.AWAITING_REVIEW
    recheck.refresh_from_db()
    assert recheck.status == RecheckStatus.DISCARDED


def test_a_manager_reads_and_only_a_lead_decides(client: Client, project: Project) -> None:
    client.force_login(factories.make_member(project, Role.LEAD))
    recheck, _ = look(client, project)
    client.force_login(factories.make_member(project, Role.MANAGER))
    page = client.get(reverse("reports:recheck-detail", args=[project.slug, recheck.uuid]))
    assert page.status_code == 200
    assert "Apply" not in page.content.decode()
    for name, args in (
        ("recheck-apply", [project.slug, recheck.uuid]),
        ("recheck-discard", [project.slug, recheck.uuid]),
        ("recheck-start", [project.slug, "length"]),
    ):
        assert client.post(reverse(f"reports:{name}", args=args)).status_code == 403
    other = factories.make_project()
    client.force_login(factories.make_member(other, Role.LEAD))
    address = reverse("reports:recheck-detail", args=[other.slug, recheck.uuid])
    assert client.get(address).status_code == 404


def test_the_page_says_that_an_earlier_version_speaks(client: Client, project: Project) -> None:
    client.force_login(factories.make_member(project, Role.LEAD))
    Finding.objects.create(
        record=Record.objects.get(), check_name="length", check_version=1, outcome="warn", message="x"
    )
    body = client.get(reverse("reports:check-list", args=[project.slug])).content.decode()
    assert "An earlier version speaks of 1 record." in body


def test_the_command_previews_and_applies(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("recheck", "Router", "length")
    assert "1 records looked at: 1 would be dropped; nothing was changed" in capsys.readouterr().out
    assert status() == RecordStatus.AWAITING_REVIEW
    call_command("recheck", "Router", "length", apply=True)
    assert "applied" in capsys.readouterr().out
    assert status() == RecordStatus.FAILED_CHECKS
