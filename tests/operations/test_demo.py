"""The demo runs the whole loop, says honestly who reviewed, and gives the same figures twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from apps.core.errors import DomainError
from apps.evaluation.models import LaunchReview
from apps.operations.demo.project import RECORDS_PER_PROMPT, find_demo, load_demo
from apps.records.models import Record
from apps.review.models import Decision
from apps.specs.models import Project

pytestmark = pytest.mark.django_db(databases=["default", "holdout", "leakage"], transaction=True)


@pytest.fixture(autouse=True)
def _rights_are_given_back(transactional_db: None) -> Iterator[None]:
    """Making the demo prepares the databases, and that revokes what emptying the tables after a test needs."""
    yield
    for connection in connections.all():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO CURRENT_USER")


def headless(name: str) -> dict[str, Any]:
    out = StringIO()
    call_command("demo", headless=True, name=name, stdout=out, stderr=StringIO())
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def test_the_headless_demo_goes_round_the_loop(engine: str) -> None:
    result = headless("Demo one")
    counts = result["counts"]
    assert sum(counts["by_stage"].values()) == 2 * RECORDS_PER_PROMPT + 10
    assert counts["dropped_by_check"] == {
        "exact_duplicate": 2,
        "label": 1,
        "leakage": 1,
        "length": 1,
        "personal_data": 1,
    }
    assert counts["reviewed"]["accepted"] > counts["reviewed"]["rejected"] > 0
    assert "v1 stands out" in result["review"]["finding"]
    assert result["review"]["is_script"] is True
    assert set(result["arms"]) == {"real", "control", "synthetic", "blended"}
    assert result["verdict"] == LaunchReview.objects.get().verdict
    rare = result["launch_report"]["groups"]["rare"]
    assert rare["candidate"] > rare["baseline"] + 0.3
    script = Decision.objects.values_list("reviewer__is_script", flat=True).distinct()
    assert list(script) == [True]
    if engine == "postgresql":
        # Twice where the order of rows is nobody's promise.
        again = headless("Demo two")
        assert again["verdict"] == result["verdict"]
        assert again["launch_report"]["groups"] == result["launch_report"]["groups"]
        assert again["counts"] == result["counts"]


@pytest.mark.one_engine
def test_the_demo_leaves_candidates_waiting_and_prints_links_and_is_made_once() -> None:
    out = StringIO()
    call_command("demo", no_serve=True, port=8123, stdout=out, stderr=StringIO())
    project = find_demo()
    assert isinstance(project, Project)
    assert Record.objects.filter(project=project).awaiting_review().count() > 50
    assert out.getvalue().count("http://127.0.0.1:8123/sign-in/") == 4
    assert "scripted" not in out.getvalue()
    call_command("demo", no_serve=True, port=8123, stdout=StringIO(), stderr=StringIO())
    with pytest.raises(DomainError, match="already"):
        load_demo(project.name)
    assert Project.objects.count() == 1
