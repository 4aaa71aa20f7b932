"""A release that contains recalled records says so; its files stay as they are."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.datasets.models import Release
from apps.datasets.recalled import recalled_counts, recalls_of
from apps.datasets.services import rebuild_release
from apps.records.models import Record
from apps.review.models import Action
from apps.review.opening import open_tasks
from apps.review.recall_models import Recall
from apps.review.recalls import advance_recall, start_recall
from apps.specs.models import Role
from tests import factories
from tests.datasets.scene import Warehouse, lines_of

pytestmark = pytest.mark.django_db(databases=["default", "leakage", "holdout"])


@pytest.fixture
def release(warehouse: Warehouse) -> Release:
    warehouse.accept("they renewed me and I want it back", prompt_version="p v3")
    warehouse.accept("give me my money for the renewal", prompt_version="p v2")
    return warehouse.release()


def recall(warehouse: Warehouse, prompt: str = "p v3") -> Recall:
    begun = start_recall(
        project=warehouse.project,
        criteria={"prompt_version": prompt},
        reason="wrong policy",
        actor=warehouse.lead,
    )
    advance_recall(begun.pk)
    return begun


def decide_again(warehouse: Warehouse, action: Action) -> None:
    open_tasks()
    warehouse.scene.decide(warehouse.scene.claim_one(), action)


def test_the_release_knows_what_was_recalled_and_its_files_stay(
    warehouse: Warehouse, release: Release
) -> None:
    lines = lines_of(release)
    assert recalled_counts([release]) == {}
    recall(warehouse)
    assert recalled_counts([release]) == {release.pk: 1}
    found = recalls_of(release)
    assert (found.records, found.standing) == (1, 0)
    assert [(each.reason, each.by, each.records) for each in found.recalls] == [
        ("wrong policy", warehouse.lead.username, 1)
    ]
    assert lines_of(release) == lines
    assert rebuild_release(release)


def test_accepting_it_anew_is_another_decision_and_the_mark_stays(
    warehouse: Warehouse, release: Release
) -> None:
    recall(warehouse)
    decide_again(warehouse, Action.ACCEPTED)
    found = recalls_of(release)
    assert (found.records, found.standing, found.not_standing) == (1, 1, 0)
    later = warehouse.release()
    assert recalled_counts([release, later]) == {release.pk: 1}


def test_a_later_release_leaves_out_what_was_rejected(warehouse: Warehouse, release: Release) -> None:
    recall(warehouse)
    decide_again(warehouse, Action.REJECTED)
    later = warehouse.release()
    assert len(lines_of(later)) == len(lines_of(release)) - 1
    assert recalls_of(later).records == 0


def test_recalled_twice_is_one_record_with_two_reasons(warehouse: Warehouse, release: Release) -> None:
    recall(warehouse)
    decide_again(warehouse, Action.ACCEPTED)
    second = warehouse.release()
    recall(warehouse)
    assert recalled_counts([release, second]) == {release.pk: 1, second.pk: 1}
    assert len(recalls_of(release).recalls) == len(recalls_of(second).recalls) == 1


def test_pages_and_scripts_are_told(warehouse: Warehouse, release: Release, client: Client) -> None:
    recall(warehouse)
    client.force_login(warehouse.lead)
    slug = warehouse.project.slug
    body = client.get(reverse("datasets:release-list", args=[slug])).content.decode()
    assert "1 recalled" in body
    body = client.get(reverse("datasets:release-detail", args=[slug, 1])).content.decode()
    assert "1 of its records was recalled since." in body
    assert "wrong policy" in body
    said = client.get(reverse("datasets:release-recalled", args=[slug, 1])).json()
    record = Record.objects.get(prompt_version="p v3")
    assert said["recalled"] == [str(record.uuid)]
    assert (said["content_sha256"], said["accepted_anew"]) == (release.content_hash, 0)
    assert said["recalls"][0]["reason"] == "wrong policy"


def test_the_list_asks_no_more_for_more_releases(
    warehouse: Warehouse, release: Release, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    recall(warehouse)
    with django_assert_num_queries(1):
        recalled_counts([release] * 5)


def test_a_lead_sees_what_would_be_recalled_and_recalls_it(
    warehouse: Warehouse, release: Release, client: Client
) -> None:
    client.force_login(warehouse.lead)
    slug = warehouse.project.slug
    page = client.get(reverse("reports:recall-list", args=[slug]), {"prompt_version": "p v3"})
    body = page.content.decode()
    assert "1 record would be recalled" in body
    assert "Release 1" in body
    start = reverse("reports:recall-start", args=[slug])
    values = {"prompt_version": "p v3", "expected": 1}
    refused = client.post(start, values)
    assert refused.status_code == 422
    assert "1 record would be recalled" in refused.content.decode()
    stale = client.post(start, values | {"expected": 2, "reason": "wrong policy"})
    assert stale.status_code == 409
    assert not Recall.objects.exists()
    done = client.post(start, values | {"reason": "wrong policy"}, follow=True).content.decode()
    assert "has begun" in done
    assert "taking back" in done
    assert "0 of 1" in done
    # The page looks again by itself while there is something to see.
    assert 'hx-select="#recalls"' in done
    advance_recall(Recall.objects.get().pk)
    done = client.get(reverse("reports:recall-list", args=[slug])).content.decode()
    assert "Done" in done
    assert "hx-select" not in done


def test_the_page_of_a_record_leads_to_its_recall(
    warehouse: Warehouse, release: Release, client: Client
) -> None:
    record = Record.objects.get(prompt_version="p v3")
    address = reverse("reports:record-detail", args=[warehouse.project.slug, record.pk])
    client.force_login(warehouse.scene.reviewer)
    assert "?record=" not in client.get(address).content.decode()
    client.force_login(warehouse.lead)
    link = f"{reverse('reports:recall-list', args=[warehouse.project.slug])}?record={record.pk}"
    assert link in client.get(address).content.decode()
    assert "1 record would be recalled" in client.get(link).content.decode()


def test_the_page_costs_the_same_for_more_records(
    warehouse: Warehouse, release: Release, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(warehouse.lead)
    address = reverse("reports:recall-list", args=[warehouse.project.slug])
    with django_assert_num_queries(19, using="default"):
        client.get(address, {"label": "refund"})
    for number in range(5):
        warehouse.accept(f"number {number} wants the money back", prompt_version=f"p v{number + 4}")
    with django_assert_num_queries(19, using="default"):
        client.get(address, {"label": "refund"})


def test_the_command_previews_and_recalls(
    warehouse: Warehouse, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("recall", warehouse.project.slug, "--prompt", "p v3")
    said = capsys.readouterr().out
    assert "1 accepted or edited records fit (1 in release 1)." in said
    assert "Nothing was taken back" in said
    with pytest.raises(CommandError, match="needs a lead"):
        call_command("recall", warehouse.project.slug, "--prompt", "p v3", "--reason", "wrong policy")
    reviewer = factories.make_member(warehouse.project, Role.REVIEWER)
    words = ["--prompt", "p v3", "--reason", "wrong policy", "--as"]
    with pytest.raises(CommandError, match="needs a lead"):
        call_command("recall", warehouse.project.slug, *words, reviewer.username)
    call_command("recall", warehouse.project.slug, *words, warehouse.lead.username)
    assert "took 1 back to review" in capsys.readouterr().out
    assert recalled_counts([release]) == {release.pk: 1}
