"""Releases: what would go in, what went in, and the files."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.datasets import files, services
from apps.datasets.forms import ReleaseForm
from apps.datasets.models import Release, ReleaseStatus
from apps.datasets.policy import MixPolicy
from apps.datasets.recalled import recalled_counts, recalled_json, recalls_of
from apps.datasets.selectors import facets_of, next_mix, releases_of
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role

STOP_POLLING = 286
"""htmx takes this answer in and asks no more."""

CONTENT_TYPES = {
    ".jsonl": "application/jsonl",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
}


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def release_list(request: ProjectRequest, project: Project) -> HttpResponse:
    return _release_list(request, project, ReleaseForm(MixPolicy.of(project)))


@project_view(Role.LEAD, Role.MANAGER)
@require_POST
def release_new(request: ProjectRequest, project: Project) -> HttpResponse:
    form = ReleaseForm(MixPolicy.of(project), request.POST)
    if not form.is_valid():
        return _release_list(request, project, form, status=422)
    release = services.request_release(project=project, actor=request.user, policy_override=form.cleaned_data)
    return redirect("datasets:release-detail", project.slug, release.number)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def release_detail(request: ProjectRequest, project: Project, number: int) -> HttpResponse:
    """The page; to htmx only its changing part, with the word to stop asking once nothing will change."""
    release = get_object_or_404(Release.objects.select_related("created_by"), project=project, number=number)
    context = {
        "release": release,
        "facets": facets_of(release),
        "file_names": files.names_of(release),
        "recalled": recalls_of(release),
    }
    if not request.htmx:
        return render(request, "datasets/release_detail.html", context)
    status = 200 if release.status == ReleaseStatus.BUILDING else STOP_POLLING
    return render(request, "datasets/release_detail.html#state", context, status=status)


@project_view(Role.LEAD, Role.MANAGER)
@require_POST
def release_rebuild(request: ProjectRequest, project: Project, number: int) -> HttpResponse:
    """Writes the dataset again and says whether it came out the same."""
    release = get_object_or_404(Release, project=project, number=number)
    if services.rebuild_release(release):
        messages.success(request, "Built again from the frozen list: the same to the byte.")
    else:
        messages.error(
            request, "Built again, the bytes differ from the recorded hash. The file was left alone."
        )
    return redirect("datasets:release-detail", project.slug, number)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def release_recalled(request: ProjectRequest, project: Project, number: int) -> HttpResponse:
    """For scripts, before they train: what of this release was taken back since its files were written."""
    release = get_object_or_404(Release.objects.ready(), project=project, number=number)
    return JsonResponse(recalled_json(release))


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def release_file(request: ProjectRequest, project: Project, number: int, name: str) -> HttpResponse:
    release = get_object_or_404(Release.objects.ready(), project=project, number=number)
    if name not in files.names_of(release):
        raise Http404("No such file.")
    path = files.path_of(release, name)
    response = FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"{project.slug}-release-{release.number}-{name}",
        content_type=CONTENT_TYPES.get(path.suffix, "application/octet-stream"),
    )
    # A response like any other, streamed; the access decorators are typed for the common kind.
    return cast("HttpResponse", response)


def _release_list(
    request: ProjectRequest, project: Project, form: ReleaseForm, *, status: int = 200
) -> HttpResponse:
    releases = list(releases_of(project))
    recalled = recalled_counts(releases)
    context = {
        "rows": [(release, recalled.get(release.pk, 0)) for release in releases],
        "mix": next_mix(project),
        "form": form,
    }
    return render(request, "datasets/release_list.html", context, status=status)
