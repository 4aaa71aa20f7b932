"""A lead names groups of reviewers, for whom piles can be kept."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError
from apps.review.group_models import ReviewGroup
from apps.review.groups import LONGEST_NAME, delete_group, group_page, save_group
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role


@project_view(Role.LEAD)
@require_GET
def group_list(request: ProjectRequest, project: Project) -> HttpResponse:
    return _page(request, project)


@project_view(Role.LEAD)
@require_POST
def group_create(request: ProjectRequest, project: Project) -> HttpResponse:
    return _save(request, project, None)


@project_view(Role.LEAD)
@require_POST
def group_change(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """Another name or other members; with ``delete``, no group any more."""
    group = get_object_or_404(ReviewGroup, project=project, pk=pk)
    if "delete" not in request.POST:
        return _save(request, project, group)
    try:
        delete_group(group=group)
    except DomainError as error:
        messages.error(request, str(error))
        return _page(request, project, status=error.status_code)
    messages.success(request, f"The group {group} is gone; its people review as before.")
    return redirect("review:group-list", project.slug)


def _save(request: ProjectRequest, project: Project, group: ReviewGroup | None) -> HttpResponse:
    try:
        saved = save_group(
            project=project,
            name=request.POST.get("name", ""),
            usernames=request.POST.getlist("member"),
            group=group,
        )
    except DomainError as error:
        messages.error(request, str(error))
        return _page(request, project, status=error.status_code)
    messages.success(request, f"Saved: {saved}.")
    return redirect("review:group-list", project.slug)


def _page(request: ProjectRequest, project: Project, *, status: int = 200) -> HttpResponse:
    context = {"page": group_page(project), "longest_name": LONGEST_NAME}
    return render(request, "review/groups.html", context, status=status)
