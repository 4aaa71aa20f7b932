"""Asking for the verdict: may these three models be compared, is there a look left, and what does the rule say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.datasets.models import Release
from apps.evaluation.generators import generator_caveats
from apps.evaluation.launch_gate import InvalidReason, rule_for
from apps.evaluation.launch_report import (
    caveats,
    invalid_report,
    judge_rows,
    scored_report,
    sensitivity,
    trained_on,
)
from apps.evaluation.looks import LookBudget, budget_of, reserve_look
from apps.evaluation.models import LaunchReview, Look, ModelUnderTest
from apps.evaluation.named_scores import calibration, named_scores
from apps.evaluation.near import near_matches
from apps.evaluation.predictions import frozen_holdout
from apps.evaluation.scoring import score_models
from apps.evaluation.slices import Roles, registered_gaps
from apps.evaluation.training import TrainingRow
from apps.evaluation.validity import invalid_reasons, training_rows
from apps.specs.models import HoldoutSeal, Project
from apps.task_types import task_type_of

Models = Mapping[str, ModelUnderTest]
"""baseline, control and candidate."""


def create_launch_review(
    *,
    project: Project,
    baseline: ModelUnderTest,
    control: ModelUnderTest,
    candidate: ModelUnderTest,
    actor: User | None,
) -> LaunchReview:
    """Compares candidate with baseline and control on the frozen holdout, and keeps what came of it.

    1. Whether the comparison could be trusted is looked at first, without a score. If not: INVALID, no look spent.
    2. A look is reserved and committed. The same candidate again is free; none left: INVALID.
    3. Only then the three models are scored, and the rule judges the paired rows.

    Raises DomainError for a sandbox, and for models that are not three models of this project.
    """
    models = {"baseline": baseline, "control": control, "candidate": candidate}
    _require_comparable(project, models)
    seal = project.active_seal()
    training = training_rows(project, models.values())
    invalid = invalid_reasons(project=project, seal=seal, models=models, training=training)
    look = reserve_look(seal=seal, **models, actor=actor) if seal and not invalid else None
    if seal and not invalid and look is None:
        text = f"The {seal.looks} looks at this holdout are spent: freeze a successor from fresh real rows."
        invalid = [InvalidReason("looks_spent", text)]
    if seal is not None and look is not None:
        report = _compare(project, seal, models, training)
    else:
        report = invalid_report(invalid)
    return _keep(project, seal, models, look, report, actor)


def find_model(project: Project, name: str) -> ModelUnderTest:
    """The newest model of that name; DomainError lists those there are."""
    latest = ModelUnderTest.objects.filter(project=project).latest_by_name()
    model = latest.filter(name=name).first()
    if model is None:
        known = ", ".join(latest.order_by("name").values_list("name", flat=True))
        raise DomainError(
            f"No model {name!r} has answered the holdout of {project}. "
            f"There is: {known or 'none yet: run evaluate, or upload predictions'}."
        )
    return model


def _require_comparable(project: Project, models: Models) -> None:
    if project.is_sandbox:
        raise DomainError(
            f"{project} is a sandbox: nothing made here can reach a launch review. A governed project can."
        )
    if any(model.project_id != project.pk for model in models.values()):
        raise DomainError(f"These are not models of {project}.")
    candidate = models["candidate"]
    if candidate.pk in (models["baseline"].pk, models["control"].pk):
        raise DomainError("The candidate cannot be its own baseline or control: choose another model.")


def _compare(
    project: Project, seal: HoldoutSeal, models: Models, training: Sequence[TrainingRow]
) -> dict[str, Any]:
    holdout, _ = frozen_holdout(project)
    roles = Roles.of(project, seal.commonness)
    rule = rule_for(alpha=seal.alpha, looks=seal.looks, delta=seal.delta)
    shares = holdout.production_shares
    task_type = task_type_of(project.task_type)
    rows = score_models(project, models)
    outcome = judge_rows(rows, roles, rule=rule, production_shares=shares)
    near = near_matches(project, holdout, training)
    return scored_report(rows, roles, outcome) | {
        "scores": named_scores(rows, roles, task_type),
        "answers_one_label": task_type.answers_one_label,
        "calibration": calibration(rows),
        "sensitivity": sensitivity(rows, roles, near, rule=rule, production_shares=shares),
    }


def _keep(
    project: Project,
    seal: HoldoutSeal | None,
    models: Models,
    look: Look | None,
    report: dict[str, Any],
    actor: User | None,
) -> LaunchReview:
    wanted = {uuid for model in models.values() for uuid in model.release_uuids}
    releases = Release.objects.filter(project=project, uuid__in=wanted).values_list("uuid", "number")
    notes = caveats(models) + generator_caveats(project, models.values())
    headline = " ".join([report["headline"], *notes[:1]])
    looks = budget_of(seal) if seal else LookBudget(0, 0)
    return LaunchReview.objects.create(
        project=project,
        **models,
        look=look,
        holdout_uuid=seal.holdout_uuid if seal else models["candidate"].holdout_uuid,
        holdout_hash=seal.content_hash if seal else "",
        gap_names=[gap.name for gap in registered_gaps(project)],
        verdict=report["verdict"],
        headline=headline,
        reasons=report["reasons"],
        report=report
        | {
            "headline": headline,
            "caveats": notes,
            "looks": looks.as_json(),
            "trained_on": trained_on(models, {str(uuid): number for uuid, number in releases}),
            "holdout": _holdout(seal),
        },
        created_by=actor,
    )


def _holdout(seal: HoldoutSeal | None) -> dict[str, Any] | None:
    if seal is None:
        return None
    return {
        "content_hash": seal.content_hash,
        "rows": seal.row_count,
        "sealed_at": seal.sealed_at.isoformat(),
        "delta": seal.delta,
        "alpha": seal.alpha,
    }
