"""A lead lets a check look again, reads what would change, and applies or discards it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError
from apps.reports.rechecks import recheck_page
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
from apps.validation.models import Recheck
from apps.validation.rechecks import apply_recheck, discard_recheck, start_recheck


@project_view(Role.LEAD)
@require_POST
def recheck_start(request: ProjectRequest, project: Project, check_name: str) -> HttpResponse:
    try:
        recheck = start_recheck(project=project, check_name=check_name, actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(reverse("reports:check-list", args=[project.slug]))
    return _to(recheck)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def recheck_detail(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    recheck = get_object_or_404(Recheck.objects.select_related("project", "spec"), project=project, uuid=uuid)
    context = {
        "page": recheck_page(recheck),
        "is_lead": request.membership.has_any(frozenset({Role.LEAD})),
    }
    return render(request, "reports/recheck.html", context)


@project_view(Role.LEAD)
@require_POST
def recheck_apply(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    recheck = get_object_or_404(Recheck, project=project, uuid=uuid)
    try:
        apply_recheck(
            recheck=recheck, actor=request.user, with_decided=request.POST.get("with_decided") == "on"
        )
    except DomainError as error:
        messages.error(request, str(error))
    return _to(recheck)


@project_view(Role.LEAD)
@require_POST
def recheck_discard(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    recheck = get_object_or_404(Recheck, project=project, uuid=uuid)
    try:
        discard_recheck(recheck=recheck, actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return _to(recheck)
    messages.success(request, "Discarded. Nothing was changed.")
    return redirect(reverse("reports:check-list", args=[project.slug]))


def _to(recheck: Recheck) -> HttpResponse:
    return redirect(reverse("reports:recheck-detail", args=[recheck.project.slug, recheck.uuid]))
