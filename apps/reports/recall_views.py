"""A lead picks records by their provenance, sees what hangs on them, and recalls them to review."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError
from apps.reports.recalls import CriteriaForm, RecallForm, latest_recalls, preview
from apps.review.recalls import start_recall
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role


@project_view(Role.LEAD)
@require_GET
def recall_list(request: ProjectRequest, project: Project) -> HttpResponse:
    form = CriteriaForm(project, request.GET or None)
    criteria = form.criteria() if form.is_valid() else {}
    return _page(request, project, form, criteria)


@project_view(Role.LEAD)
@require_POST
def recall_start(request: ProjectRequest, project: Project) -> HttpResponse:
    form = RecallForm(project, request.POST)
    is_valid, criteria = form.is_valid(), form.criteria()
    if not is_valid:
        return _page(request, project, form, criteria, status=422)
    try:
        recall = start_recall(
            project=project,
            criteria=criteria,
            reason=form.cleaned_data["reason"],
            actor=request.user,
            expected=form.cleaned_data["expected"],
        )
    except DomainError as error:
        messages.error(request, str(error))
        return _page(request, project, form, criteria, status=error.status_code)
    messages.success(
        request,
        f"Recall {recall.pk} has begun: what it takes back is in no further release and comes to review.",
    )
    return redirect(reverse("reports:recall-list", args=[project.slug]))


def _page(
    request: ProjectRequest,
    project: Project,
    form: CriteriaForm,
    criteria: dict[str, str],
    *,
    status: int = 200,
) -> HttpResponse:
    recalls = latest_recalls(project)
    context = {
        "form": form,
        "filters": [form[name] for name in CriteriaForm.base_fields],
        "preview": preview(project, criteria) if criteria else None,
        "reason": form["reason"] if isinstance(form, RecallForm) else None,
        "recalls": recalls,
        "is_live": any(each.is_live for each in recalls),
    }
    return render(request, "reports/recalls.html", context, status=status)
