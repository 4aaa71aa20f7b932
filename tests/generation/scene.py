"""A project that is ready to generate, and the processes that do it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connections
from django.utils import timezone

from apps.core.crashpoints import VARIABLE
from apps.generation.models import PromptVersion, Run
from apps.generation.prompts import create_prompt
from apps.generation.services import draft_run, start_run
from apps.records.models import Use
from apps.specs.models import Gap, HoldoutSeal, Project, Standing
from apps.submissions.models import Submission
from apps.submissions.services import ensure_rules_connection
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("refund", "billing", "abuse")
SEEDS = {
    "refund": "you took it twice, i want one of them back",
    "billing": "please send the invoice to our new address",
    "abuse": "somebody insults everybody on that page",
}
TEMPLATE = """
labels:
  refund:
    patterns: ["{opening} {fact}. {ask}", "{fact}. {ask}", "{ask}. {fact}"]
    slots:
      opening: [hi, hello, good morning, dear team, hey, excuse me, so, ok]
      fact: [you charged me twice, the parcel never came, i sent it back in may, it was cancelled, wrong size,
             the shop closed, it broke after a day, i got somebody else's order, half of it is missing, too late now]
      ask: [give it back, please refund, i want my money, how do i dispute this, send it to my card, pay me back,
            reverse it, undo that, i object, i wait for the money, return it, compensate me]
noise: {}
"""


def seal(project: Project) -> HoldoutSeal:
    """What the rest of the house knows of a frozen holdout."""
    return HoldoutSeal.objects.create(
        project=project,
        holdout_uuid=project.uuid,
        content_hash="0" * 64,
        row_count=1,
        commonness={},
        label_counts={},
        guide_version=1,
        guide_hash="0" * 64,
        delta=0.02,
        alpha=0.05,
        looks=5,
        sealed_at=timezone.now(),
    )


def make_ready_project(*, standing: str = Standing.GOVERNED, is_sealed: bool = True, **gap: Any) -> Gap:
    """A project that may generate: spec, guide, frozen holdout, open gap, a seed row of each label."""
    project = factories.make_project(standing=standing)
    factories.make_spec(project)
    factories.make_guide(project, *LABELS)
    if is_sealed:
        seal(project)
    for label, text in SEEDS.items():
        factories.make_real(project, text, label, use=Use.SEED)
    return factories.make_gap(project, **gap)


def make_prompt(project: Project, *, template: str = TEMPLATE, name: str = "tickets") -> PromptVersion:
    return create_prompt(project=project, name=name, template=template, actor=None)


def make_run(gap: Gap, *, count: int = 20, prompt: PromptVersion | None = None, **values: Any) -> Run:
    return draft_run(
        gap=gap,
        prompt_version=prompt or make_prompt(gap.project),
        connection=ensure_rules_connection(),
        count=count,
        actor=values.pop("actor", None),
        **values,
    )


def start(gap: Gap, **values: Any) -> Run:
    return start_run(run=make_run(gap, **values), actor=None)


def time_passes() -> None:
    """Every lease and pause is over."""
    for model in (Submission, Run):
        model._default_manager.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())


def work(queue: str, *, crash_at: str = "", more: Mapping[str, str] | None = None) -> int:
    """A worker process of ``queue`` on the databases of this test, until nothing is due; its exit code.

    ``more`` is what else its environment holds: hosts and keys of providers.
    """
    environment = {key: value for key, value in os.environ.items() if not key.endswith(("_URL", "_KEY"))}
    environment |= {
        "SYNTHREVIEW_PROCESS": queue,
        "DATABASE_URL": address_of("default"),
        "FILES_DIR": str(settings.FILES_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        VARIABLE: crash_at,
        **(more or {}),
    }
    if queue == "validation":
        environment |= {"LEAKAGE_DATABASE_URL": address_of("leakage"), "LEAKAGE_KEY": settings.LEAKAGE_KEY}
    command = [sys.executable, "manage.py", "work", "--queues", queue, "--once"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True).returncode


def address_of(alias: str) -> str:
    values = connections[alias].settings_dict
    if values["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{values['NAME']}"
    return f"postgresql://{values['USER']}@{quote(values['HOST'], safe='')}/{values['NAME']}"
