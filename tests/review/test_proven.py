"""Records are accepted without people only where every output field is proven, and people audit a share of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import RefusedError
from apps.core.statistics.sequential import Verdict
from apps.records.models import Record, ReviewMethod
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.models import Action, ReviewTask
from apps.review.opening import open_tasks
from apps.review.proof_models import AuditStop, ProvenRecord
from apps.review.proven import audit_of, is_audited, is_on
from apps.specs.models import Role, Spec
from apps.validation.models import Finding
from apps.validation.proofs import unproven
from apps.validation.settings_of_checks import publish_spec
from tests import factories
from tests.review.scene import Scene

pytestmark = pytest.mark.django_db(databases=["default", "leakage"])

ONE_LABEL = {
    "type": "object",
    "required": ["label"],
    "additionalProperties": False,
    "properties": {"label": {"const": "refund"}},
}


def with_code(**schema: Any) -> dict[str, Any]:
    properties = ONE_LABEL["properties"] | {"code": {"type": "string"}}  # type: ignore[operator]
    return ONE_LABEL | {"properties": properties} | schema


def publish(scene: Scene, **values: Any) -> Spec:
    draft = factories.make_spec(
        scene.project, published=False, **({"output_schema": ONE_LABEL, "audited_share": 0.5} | values)
    )
    return publish_spec(spec=draft, actor=None)


def come_in(scene: Scene, count: int, *, start: int = 1, **values: Any) -> list[Record]:
    return scene.add_waiting(count, start=start, **values)


def audited() -> list[int]:
    return list(
        ProvenRecord.objects.filter(is_audited=True).order_by("pk").values_list("record_id", flat=True)
    )


def decide_audit(scene: Scene, action: Action) -> None:
    scene.decide(scene.claim_one(), action)


def test_what_is_proven_is_accepted_and_a_share_goes_to_people(scene: Scene) -> None:
    spec = publish(scene)
    records = come_in(scene, 30)
    to_people = [record.pk for record in records if is_audited(spec, record)]
    assert 0 < len(to_people) < 30
    assert audited() == to_people
    assert sorted(ReviewTask.objects.values_list("record_id", flat=True)) == to_people
    accepted = Record.objects.filter(status=RecordStatus.ACCEPTED)
    assert accepted.count() == 30 - len(to_people)
    record = accepted[0]
    assert (record.review_method, record.reviewer) == (ReviewMethod.VALIDATOR, None)
    proof = record.proofs.get()
    assert (proof.spec, proof.decision_uuid) == (spec, record.decision_uuid)


def test_without_the_switch_everything_goes_to_people(scene: Scene) -> None:
    publish(scene, audited_share=None)
    come_in(scene, 5)
    assert ReviewTask.objects.count() == 5
    assert not ProvenRecord.objects.exists()


def test_a_warned_record_one_of_an_older_spec_and_one_sent_on_go_to_people(scene: Scene) -> None:
    older = factories.make_candidate(scene.gap, "checked before the spec")
    move_records(records=[older], to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
    publish(scene, audited_share=0.05)
    warned = factories.make_candidate(scene.gap, "something is odd with this one")
    Finding.objects.create(record=warned, check_name="length", check_version=1, outcome="warn", message="x")
    dropped = factories.make_candidate(scene.gap, "dropped, and sent on by a lead")
    move_records(records=[dropped], to=RecordStatus.FAILED_CHECKS, actor=None)
    for record in (warned, dropped):
        move_records(records=[record], to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
    open_tasks()
    assert ReviewTask.objects.count() == 3
    assert not ProvenRecord.objects.exists()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"output_schema": {}}, "/output/label"),
        ({"output_schema": with_code()}, "/output/code"),
        ({"output_schema": ONE_LABEL | {"additionalProperties": True}}, "nobody has named"),
        ({"audited_share": 0.01}, "0.05 to 1"),
    ],
)
def test_a_spec_that_proves_too_little_is_refused_with_the_reason(
    scene: Scene, values: dict[str, Any], named: str
) -> None:
    if "audited_share" in values:
        with pytest.raises(IntegrityError), transaction.atomic():
            publish(scene, **values)
        return
    with pytest.raises(RefusedError) as caught:
        publish(scene, **values)
    assert named in " ".join(caught.value.problems)


def test_code_is_proven_where_its_tests_are_executed(scene: Scene) -> None:
    spec = Spec(project=scene.project, output_schema=with_code(), audited_share=0.5)
    assert unproven(spec)
    spec.checks = {"executable_tests": {"cases": [{"function": "f", "arguments": [1], "expected": 1}]}}
    assert not unproven(spec)
    spec.checks = {"executable_tests": spec.checks["executable_tests"] | {"code_at": "/output/other"}}
    assert unproven(spec)


def test_a_failing_audit_ends_it_and_the_rest_goes_to_people(scene: Scene) -> None:
    spec = publish(scene)
    come_in(scene, 20)
    for _ in range(3):
        decide_audit(scene, Action.REJECTED)
    assert audit_of(spec).verdict == Verdict.REFUSED
    before = Record.objects.filter(status=RecordStatus.ACCEPTED).count()
    come_in(scene, 10, start=50)
    assert Record.objects.filter(status=RecordStatus.ACCEPTED).count() == before
    stop = AuditStop.objects.get()
    assert (stop.spec, stop.reviewed, stop.bad) == (spec, 3, 3)
    assert not is_on(spec)


def test_an_audit_that_is_passed_begins_anew(scene: Scene) -> None:
    spec = publish(scene, audited_share=1.0)
    come_in(scene, 30)
    for _ in range(21):
        decide_audit(scene, Action.ACCEPTED)
    assert audit_of(spec).reviewed == 0
    for _ in range(3):
        decide_audit(scene, Action.REJECTED)
    assert audit_of(spec).verdict == Verdict.REFUSED


def test_the_page_of_the_lots_says_how_it_stands(scene: Scene, client: Client) -> None:
    publish(scene)
    come_in(scene, 20)
    client.force_login(factories.make_member(scene.project, Role.LEAD))
    address = reverse("reports:lot-list", args=[scene.project.slug])
    assert "accepts what is proven without people" in client.get(address).content.decode()
    for _ in range(3):
        decide_audit(scene, Action.REJECTED)
    come_in(scene, 1, start=50)
    assert "3 of 3 audited records" in client.get(address).content.decode()
