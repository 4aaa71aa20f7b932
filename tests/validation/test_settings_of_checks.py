"""What a spec writes about its checks is read before it is published; slips are named by check and option."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import RefusedError
from apps.specs.models import VersionStatus
from apps.task_types import REGISTRY as TASK_TYPES
from apps.validation.checks import REGISTRY
from apps.validation.models import Outcome
from apps.validation.settings_of_checks import option_schema, problems_of, publish_spec
from tests import factories

pytestmark = pytest.mark.django_db


def problems(checks: Any) -> list[str]:
    spec = factories.make_spec(factories.make_project(), published=False, checks=checks)
    return problems_of(spec)


@pytest.mark.parametrize(
    ("checks", "place", "remedy"),
    [
        ({"near_dupe": {}}, "checks/near_dupe: there is no such check", "near_duplicate"),
        ({"near_duplicate": {"blok": 0.9}}, "checks/near_duplicate: ", "it takes enabled, block, warn"),
        ({"near_duplicate": {"block": 9}}, "checks/near_duplicate/block: ", "maximum of 1"),
        ({"near_duplicate": 3}, "checks/near_duplicate: ", "'object'"),
        ({"secrets": {"severity": "warn"}}, "checks/secrets: ", "it takes enabled"),
        ([], "checks: write an object", "near_duplicate"),
    ],
)
def test_a_slip_is_named_with_its_place(checks: Any, place: str, remedy: str) -> None:
    (problem,) = problems(checks)
    assert problem.startswith(place)
    assert remedy in problem


def test_a_spec_with_a_slip_is_not_published() -> None:
    spec = factories.make_spec(factories.make_project(), published=False, checks={"lenght": {}})
    with pytest.raises(RefusedError):
        publish_spec(spec=spec, actor=None)
    spec.refresh_from_db()
    assert spec.status == VersionStatus.DRAFT


def test_right_settings_are_published() -> None:
    checks = {"near_duplicate": {"block": 0.9}, "personal_data": {"severity": "warn"}, "label": False}
    spec = factories.make_spec(factories.make_project(), published=False, checks=checks)
    assert publish_spec(spec=spec, actor=None).status == VersionStatus.PUBLISHED


@pytest.mark.parametrize("name", REGISTRY)
def test_every_check_says_what_it_is_and_takes(name: str) -> None:
    check = REGISTRY[name]
    assert check.name == name
    assert check.title
    assert check.severity in (Outcome.BLOCK, Outcome.WARN, Outcome.INFO)
    for option in option_schema(check)["properties"].values():
        assert option["description"]
        assert "default" in option
    assert any(name in task_type.check_ids for task_type in TASK_TYPES.values())
