"""The provenance report counts standing decisions, ranks only what has enough of them, and names what stands out."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.reports.provenance import MIN_TO_RANK, provenance_report
from apps.review.models import Action, Decision, Lot, ReviewTask, Undo
from apps.specs.models import Gap, Project, Role
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return factories.make_project(name="Router")


@pytest.fixture
def gap(project: Project) -> Gap:
    return factories.make_gap(project)


def decide(gap: Gap, reviewer: User, prompt: str, action: Action, times: int) -> list[Decision]:
    lot, _ = Lot.objects.get_or_create(
        project=gap.project, gap=gap, prompt_version=prompt, generator_model="rules-1", status="open"
    )
    made = []
    for _ in range(times):
        record = factories.make_candidate(gap, f"text {uuid4()}", prompt_version=prompt)
        move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None)
        task = ReviewTask.objects.create(project=gap.project, record=record, lot=lot, status="done")
        made.append(
            Decision.objects.create(
                uuid=uuid4(),
                project=gap.project,
                task=task,
                record=record,
                reviewer=reviewer,
                action=action,
                reasons=["too_clean"] if action == Action.REJECTED else [],
                note="look" if action == Action.FLAGGED else "",
                fence=1,
                decided_at=timezone.now(),
            )
        )
    return made


def test_the_bad_prompt_is_named_with_its_figures_and_main_reason(gap: Gap) -> None:
    ana = factories.make_user(name="ana")
    decide(gap, ana, "p v1", Action.REJECTED, 20)
    decide(gap, ana, "p v1", Action.ACCEPTED, 5)
    decide(gap, ana, "p v2", Action.ACCEPTED, 25)
    decide(gap, ana, "p v2", Action.REJECTED, 2)
    report = provenance_report(gap.project)
    assert (
        report.headline == "Prompt version p v1 stands out: 5 of 25 accepted (20%), mostly for “Too clean”."
    )
    prompts = next(d for d in report.dimensions if d.key == "prompt").rows
    assert [(row.name, row.decided, row.is_odd) for row in prompts] == [
        ("p v1", 25, True),
        ("p v2", 27, False),
    ]
    assert 0.08 < prompts[0].low < 0.2 < prompts[0].high < 0.42


def test_too_few_decisions_rank_nothing(gap: Gap) -> None:
    ana = factories.make_user(name="ana")
    decide(gap, ana, "p v1", Action.REJECTED, MIN_TO_RANK - 1)
    report = provenance_report(gap.project)
    assert "too few" in report.headline
    assert not any(row.can_rank for dimension in report.dimensions for row in dimension.rows)


def test_undone_decisions_and_flags_do_not_count(gap: Gap) -> None:
    ana = factories.make_user(name="ana")
    undone = decide(gap, ana, "p v1", Action.ACCEPTED, 1)[0]
    Undo.objects.create(decision=undone, undone_by=ana, undone_at=timezone.now())
    decide(gap, ana, "p v1", Action.FLAGGED, 1)
    assert provenance_report(gap.project).decided == 0


def test_decisions_of_a_script_are_said_to_be(gap: Gap) -> None:
    decide(gap, factories.make_user(name="script", is_script=True), "p v1", Action.ACCEPTED, 3)
    assert provenance_report(gap.project).by_script == 3


def test_the_csv_quotes_what_a_spreadsheet_would_run(project: Project, gap: Gap, client: Client) -> None:
    client.force_login(factories.make_member(project, Role.MANAGER))
    decide(gap, factories.make_user(name="=cmd"), "p v1", Action.ACCEPTED, 1)
    body = client.get(reverse("reports:provenance-csv", args=[project.slug])).content.decode()
    reviewers = [row["name"] for row in csv.DictReader(io.StringIO(body)) if row["dimension"] == "reviewer"]
    assert reviewers == ["'=cmd"]


def test_the_page_asks_a_fixed_number_of_questions(
    project: Project, gap: Gap, client: Client, django_assert_num_queries: Any
) -> None:
    client.force_login(factories.make_member(project, Role.LEAD))
    ana = factories.make_user(name="ana")
    url = reverse("reports:provenance", args=[project.slug])
    counts = []
    for times in (10, 200):
        decide(gap, ana, f"p v{times}", Action.ACCEPTED, times)
        with django_assert_num_queries(13):
            counts.append(client.get(url).status_code)
    assert counts == [200, 200]
