"""The checks of a project, and what a lead does about what they dropped."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError
from apps.records.models import Record
from apps.reports.checks import checks_page, dropped_groups
from apps.review.repairs import order_repair
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
from apps.validation.services import undrop

SAMPLES = 5


class ReasonForm(forms.Form):
    """Why a person overrules a check; it stands in the record's life."""

    reason = forms.CharField(max_length=200, required=False)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def check_list(request: ProjectRequest, project: Project) -> HttpResponse:
    context = {"page": checks_page(project), "is_lead": _is_lead(request)}
    return render(request, "reports/checks.html", context)


@project_view()
@require_GET
def dropped(request: ProjectRequest, project: Project) -> HttpResponse:
    context = {
        "groups": dropped_groups(project, samples=SAMPLES),
        "is_lead": _is_lead(request),
        "may_see_checks": request.membership.has_any(frozenset({Role.LEAD, Role.MANAGER})),
    }
    return render(request, "reports/dropped.html", context)


@project_view(Role.LEAD)
@require_POST
def record_undrop(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    record = get_object_or_404(Record, project=project, pk=pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, "The reason takes at most 200 characters. Nothing was changed.")
        return _back(request, project)
    try:
        undrop(record=record, reason=form.cleaned_data["reason"], actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Record #{record.pk}: {record.get_status_display().lower()}.")
    return _back(request, project)


@project_view(Role.LEAD)
@require_POST
def record_repair(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    record = get_object_or_404(Record, project=project, pk=pk)
    try:
        order_repair(records=[record])
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, f"Record #{record.pk} waits for the next run whose prompt is there to repair."
        )
    return _back(request, project)


def _back(request: ProjectRequest, project: Project) -> HttpResponse:
    """To the page of the button, if it says a page of this site."""
    page = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(page, allowed_hosts=None) and page.startswith("/"):
        return redirect(page)
    return redirect(reverse("reports:check-list", args=[project.slug]))


def _is_lead(request: ProjectRequest) -> bool:
    return request.membership.has_any(frozenset({Role.LEAD}))
