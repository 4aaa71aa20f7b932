"""The lead's page about the quality of the review, each reviewer's own page, agreement and pace."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.records.models import Record
from apps.review.agreement import MIN_RECORDS, agreement_of, agreement_report
from apps.review.models import Action, Decision, GoldItem
from apps.review.pace import LONG_RUN, paces_of
from apps.review.rules import ReviewRules
from apps.specs.models import Membership, Role
from tests import factories
from tests.review.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene(review_rules={"overlap": 1.0})


@pytest.fixture
def other(scene: Scene) -> User:
    return scene.another_reviewer()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(scene: Scene, name: str, *args: Any) -> str:
    return reverse(f"review:{name}", args=[scene.project.slug, *args])


def review(scene: Scene, other: User, *pairs: tuple[Action, Action]) -> None:
    """Both people decide one record for each of ``pairs``."""
    start = Record.objects.count() + 1
    scene.add_waiting(len(pairs), start=start)
    for first, second in pairs:
        task = scene.claim_one()
        scene.decide(task, first)
        for theirs in scene.claim(other):
            scene.decide(theirs, second)


BOTH, NEITHER = (Action.ACCEPTED, Action.ACCEPTED), (Action.REJECTED, Action.REJECTED)
FIRST, SECOND = (Action.ACCEPTED, Action.REJECTED), (Action.REJECTED, Action.ACCEPTED)


def test_agreement_counts_records_that_both_have_decided(scene: Scene, other: User) -> None:
    review(scene, other, BOTH, BOTH, FIRST, NEITHER)
    scene.add_waiting(1, start=50)
    scene.decide(scene.claim_one())
    report = agreement_report(scene.project, {scene.reviewer.pk: "Ana", other.pk: "Ben"})
    counts = report.overall.counts
    assert (counts.both, counts.first_only, counts.second_only, counts.neither) == (2, 1, 0, 1)
    assert report.overall.raw_words == "3 of 4"
    assert (report.overall.ac1_words, report.overall.alpha_words) == ("too few", "too few")
    assert [row.name for row in report.by_label] == ["refund"]
    assert [row.name for row in report.by_pair] == ["Ana and Ben"]
    assert agreement_of(scene.project, other.pk).counts.second_only == 1


def test_intervals_come_from_fifty_records_with_five_rejections_on(scene: Scene, other: User) -> None:
    review(scene, other, *[BOTH] * (MIN_RECORDS - 5), *[NEITHER] * 3, FIRST)
    names = {scene.reviewer.pk: "Ana", other.pk: "Ben"}
    assert agreement_report(scene.project, names).overall.intervals is None
    review(scene, other, SECOND)
    row = agreement_report(scene.project, names).overall
    assert row.counts.n == MIN_RECORDS
    assert row.rejects == 5
    assert row.intervals is not None
    assert row.counts.alpha in row.intervals.alpha


def test_reliability_is_estimated_from_three_people_and_fifty_shared_records_on(
    scene: Scene, other: User
) -> None:
    names = {scene.reviewer.pk: "Ana", other.pk: "Ben"}
    review(scene, other, *[BOTH] * (MIN_RECORDS - 2), *[NEITHER] * 2)
    assert agreement_report(scene.project, names).reliability == []
    review(scene, scene.another_reviewer(), BOTH)
    ana, ben, third = agreement_report(scene.project, names).reliability
    assert (ana.name, ben.name, third.name) == ("Ana", "Ben", "somebody")
    assert (ana.shared, ana.kept_words, ana.caught_words) == (MIN_RECORDS + 1, "100%", "100%")
    assert (third.shared, third.kept_words) == (1, "too few")


# --- pace ----------------------------------------------------------------------------------------------------------


def decide_in(scene: Scene, *milliseconds: int) -> None:
    scene.add_waiting(len(milliseconds), start=Record.objects.count() + 1)
    for time in milliseconds:
        scene.decide(scene.claim_one(), milliseconds=time)


def test_a_long_run_of_quick_decisions_is_named_and_one_slow_one_breaks_it(scene: Scene) -> None:
    decide_in(scene, *[900] * (LONG_RUN - 1), 4000, 1499, 0, 1400)
    pace = paces_of(scene.project)[scene.reviewer.pk]
    assert (pace.decisions, pace.fast_run, pace.is_too_fast) == (LONG_RUN + 3, LONG_RUN - 1, False)
    decide_in(scene, *[800] * LONG_RUN)
    assert paces_of(scene.project)[scene.reviewer.pk].is_too_fast


def test_unmeasured_times_are_no_pace(scene: Scene) -> None:
    decide_in(scene, 0, 0)
    assert paces_of(scene.project)[scene.reviewer.pk].seconds_words == "–"


# --- the lead's page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [(Role.REVIEWER, 403), (Role.MANAGER, 403), (Role.LEAD, 200)])
def test_quality_is_for_leads(scene: Scene, role: Role, status: int) -> None:
    user = factories.make_member(scene.project, role)
    assert signed_in(user).get(url(scene, "quality")).status_code == status


def test_the_page_says_how_far_people_agree_and_who_goes_too_fast(scene: Scene, other: User) -> None:
    review(scene, other, BOTH, FIRST)
    decide_in(scene, *[800] * LONG_RUN)
    lead = factories.make_member(scene.project, Role.LEAD)
    body = signed_in(lead).get(url(scene, "quality")).content.decode()
    assert "People agree on 1 of 2" in body
    assert "1 record on which two people differ" in body
    assert f"{LONG_RUN} in a row under 1.5 s" in body


def test_its_queries_grow_neither_with_people_nor_with_decisions(scene: Scene, other: User) -> None:
    client = signed_in(factories.make_member(scene.project, Role.LEAD))

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url(scene, "quality")).status_code == 200
        return len(captured.captured_queries)

    review(scene, other, BOTH)
    one = statements()
    review(scene, scene.another_reviewer(), *[BOTH] * 5)
    assert statements() == one


def test_a_lead_sets_the_rules_in_percent(scene: Scene) -> None:
    client = signed_in(factories.make_member(scene.project, Role.LEAD))
    data = {"overlap": "10", "gold": "5", "gold_bar": "70", "show_scores": "on"}
    client.post(url(scene, "quality-rules"), data)
    scene.project.refresh_from_db()
    assert ReviewRules.of(scene.project) == ReviewRules(
        overlap=0.1, gold=0.05, gold_bar=0.7, show_scores=True
    )
    assert 'name="overlap" value="10"' in client.get(url(scene, "quality")).content.decode()


def test_a_rule_beyond_a_hundred_percent_is_refused_beside_its_field(scene: Scene) -> None:
    client = signed_in(factories.make_member(scene.project, Role.LEAD))
    response = client.post(url(scene, "quality-rules"), {"overlap": "110", "gold": "0", "gold_bar": "80"})
    assert response.status_code == 422
    assert "less than or equal to 100" in response.content.decode()


def test_a_lead_makes_gold_items_and_pauses_a_reviewer(scene: Scene) -> None:
    for number in range(3):
        factories.make_real(scene.project, f"Real ticket {number} about a refund", "refund")
    client = signed_in(factories.make_member(scene.project, Role.LEAD))
    client.post(url(scene, "quality-gold"), {"count": 10})
    assert GoldItem.objects.count() == 3
    membership = Membership.objects.get(user=scene.reviewer)
    page = client.post(url(scene, "quality-pause", membership.pk), {"why": "Too fast"}, follow=True)
    assert "Too fast" in page.content.decode()
    client.post(url(scene, "quality-pause", membership.pk), {"resume": "on"})
    membership.refresh_from_db()
    assert membership.paused_at is None


# --- the reviewer's own page -----------------------------------------------------------------------------------------


def test_my_decisions_are_mine_alone_and_can_be_taken_back_however_old(scene: Scene, other: User) -> None:
    decide_in(scene, *[3000] * 25)
    scene.decide(scene.claim_one(other))
    client = signed_in(scene.reviewer)
    body = client.get(url(scene, "own")).content.decode()
    assert "25 decisions of yours" in body
    assert "3.0 s" in body
    assert "You agree with others on" not in body
    # The very oldest moved on by what the other said.
    oldest = Decision.objects.filter(reviewer=scene.reviewer).order_by("id")[1]
    response = client.post(url(scene, "own-undo", oldest.uuid), follow=True)
    assert response.context["card"].record.pk == oldest.record_id
    assert "taken back" in client.get(url(scene, "own")).content.decode()


def test_my_scores_stand_there_when_the_project_shows_them(scene: Scene, other: User) -> None:
    scene.project.review_rules |= {"show_scores": True}
    scene.project.save()
    review(scene, other, BOTH, FIRST)
    body = signed_in(scene.reviewer).get(url(scene, "own")).content.decode()
    assert "You agree with others on</dt><dd>1 of 2" in body
    assert "Right on gold items" in body


def test_nobody_takes_back_what_another_decided(scene: Scene, other: User) -> None:
    decide_in(scene, 3000)
    decision = Decision.objects.get()
    assert signed_in(other).post(url(scene, "own-undo", decision.uuid)).status_code == 403
