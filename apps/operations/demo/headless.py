"""The whole loop on the demo data without a browser: one JSON object of what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db.models import Count

from apps.operations.demo.project import GAP_LABEL, load_demo, scripted_review
from apps.records.models import Record
from apps.reports.provenance import provenance_report
from apps.specs.models import Project
from apps.validation.selectors import dropped_by_check

ARMS = ("real", "control", "synthetic", "blended")


def run_loop(*, name: str, out: Path) -> dict[str, Any]:
    """Loads, reviews by script, releases, evaluates and judges; the release's files go to ``out``."""
    project = load_demo(name)
    reviewed = scripted_review(project)
    release = _command("build_release", project.slug, out=str(out))
    arms = _command("evaluate", project.slug, learner=True, arms=",".join(ARMS))
    report = _command("launch_report", project.slug, baseline="real", control="control", candidate="blended")
    return {
        "project": project.name,
        "data": "written for the demo; no real customer wrote any of it",
        "holdout": {"content_hash": _seal_hash(project), "gap_label": GAP_LABEL},
        "counts": {
            "by_stage": _by_stage(project),
            "dropped_by_check": {group.check_name: group.count for group in dropped_by_check(project)},
            "reviewed": {str(action): n for action, n in sorted(reviewed.items())},
            "rejected_for": _rejected_for(project),
        },
        "review": {
            "by": "scripted-reviewer",
            "is_script": True,
            "finding": provenance_report(project).headline,
        },
        "release": {"number": release["release"], "sha256": release["content_hash"]},
        "arms": arms["arms"],
        "verdict": report["verdict"],
        "launch_report": report,
    }


def _command(name: str, project: str, **options: Any) -> Mapping[str, Any]:
    """What a command of the contract prints with --json."""
    out = StringIO()
    call_command(name, project, json=True, stdout=out, **options)
    printed: Mapping[str, Any] = json.loads(out.getvalue())
    return printed


def _seal_hash(project: Project) -> str:
    seal = project.active_seal()
    return seal.content_hash if seal else ""


def _by_stage(project: Project) -> dict[str, int]:
    rows = Record.objects.filter(project=project).candidates().values("status").annotate(n=Count("id"))
    return {row["status"]: row["n"] for row in rows.order_by("status")}


def _rejected_for(project: Project) -> dict[str, int]:
    labels = next(d for d in provenance_report(project).dimensions if d.key == "prompt")
    counts: dict[str, int] = {}
    for row in labels.rows:
        for reason, n in row.reasons:
            counts[reason] = counts.get(reason, 0) + n
    return counts
