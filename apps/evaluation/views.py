"""Evaluation: models under test, the comparison of arms, and the launch review."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError, RefusedError
from apps.core.tabular import csv_safe
from apps.core.uploads import Upload
from apps.evaluation import services
from apps.evaluation.comparisons import request_comparison
from apps.evaluation.forms import ComparisonForm, LaunchForm, PredictionsForm
from apps.evaluation.launch import create_launch_review
from apps.evaluation.launch_page import csv_rows, launch_page
from apps.evaluation.models import Comparison, ComparisonStatus, LaunchReview, Training
from apps.evaluation.scores_page import csv_of_scores
from apps.evaluation.selectors import contribution_of, evaluation_home, models_of, ready_releases
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role

STOP_POLLING = 286
"""htmx takes this answer in and asks no more."""

HOME = "evaluation/evaluation_home.html"


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def home(request: ProjectRequest, project: Project) -> HttpResponse:
    return _home(request, project)


@project_view(Role.LEAD, Role.MANAGER)
@require_POST
def comparison_new(request: ProjectRequest, project: Project) -> HttpResponse:
    form = ComparisonForm(ready_releases(project), request.POST)
    if not form.is_valid():
        return _home(request, project, comparison_form=form, status=422)
    request_comparison(
        project=project,
        arms=form.cleaned_data["arms"],
        release=form.cleaned_data["release"],
        folds=form.cleaned_data["folds"],
        actor=request.user,
    )
    return redirect("evaluation:evaluation-home", project.slug)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def comparison_detail(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    """The changing part of the page, with the word to stop asking once nothing will change."""
    comparison = get_object_or_404(Comparison, project=project, uuid=uuid)
    if not request.htmx:
        return redirect("evaluation:evaluation-home", project.slug)
    goes_on = comparison.status in (ComparisonStatus.QUEUED, ComparisonStatus.RUNNING)
    context = {"comparison": comparison, "contribution": contribution_of(comparison)}
    return render(request, f"{HOME}#comparison", context, status=200 if goes_on else STOP_POLLING)


@project_view(Role.LEAD, Role.MANAGER)
@require_POST
def predictions_new(request: ProjectRequest, project: Project) -> HttpResponse:
    form = PredictionsForm(ready_releases(project), request.POST, request.FILES)
    if form.is_valid():
        values = form.cleaned_data
        try:
            services.upload_predictions(
                project=project,
                name=values["name"],
                upload=Upload.of_form(values["file"]),
                trained_on=Training(values["trained_on"]),
                note=values["note"],
                releases=list(values["releases"]),
                actor=request.user,
            )
        except DomainError as error:
            problems = error.problems if isinstance(error, RefusedError) else []
            form.add_error(None, [str(error), *problems])
        else:
            return redirect("evaluation:evaluation-home", project.slug)
    return _home(request, project, predictions_form=form, status=422)


@project_view(Role.LEAD, Role.MANAGER)
@require_POST
def launch_new(request: ProjectRequest, project: Project) -> HttpResponse:
    form = LaunchForm(models_of(project, project.active_seal()), request.POST)
    if not form.is_valid():
        return _home(request, project, launch_form=form, status=422)
    review = create_launch_review(project=project, actor=request.user, **form.cleaned_data)
    return redirect("evaluation:launch-detail", project.slug, review.uuid)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def launch_detail(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    review = _review(project, uuid)
    return render(request, "evaluation/launch_detail.html", {"page": launch_page(review)})


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def launch_csv(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    review = _review(project, uuid)
    return _csv(csv_rows(review), f"{project.slug}-launch-{review.pk}.csv")


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def launch_scores_csv(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    review = _review(project, uuid)
    return _csv(csv_of_scores(review), f"{project.slug}-launch-{review.pk}-scores.csv")


def _csv(rows: Iterable[list[object]], filename: str) -> HttpResponse:
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
    writer = csv.writer(response)
    for row in rows:
        writer.writerow([csv_safe(cell) if isinstance(cell, str) else cell for cell in row])
    return response


def _review(project: Project, uuid: UUID) -> LaunchReview:
    reviews = LaunchReview.objects.select_related("baseline", "control", "candidate", "look", "created_by")
    return get_object_or_404(reviews, project=project, uuid=uuid)


def _home(request: ProjectRequest, project: Project, *, status: int = 200, **forms: Any) -> HttpResponse:
    """The page; a form that was sent and refused stands in the place of its empty one."""
    page = evaluation_home(project)
    context = {
        "page": page,
        "comparison": page.comparison,
        "contribution": page.contribution,
        "comparison_form": ComparisonForm(page.releases),
        "predictions_form": PredictionsForm(page.releases),
        "launch_form": LaunchForm(page.models),
    } | forms
    return render(request, HOME, context, status=status)
