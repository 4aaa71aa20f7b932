"""Importing seeds, train rows and candidates: upload, look, commit. Publishing the guide, whose examples are seeds."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import DomainError, RefusedError
from apps.core.tabular import csv_safe
from apps.core.uploads import Upload
from apps.intake import services
from apps.intake.examples import publish_guide
from apps.intake.forms import UnlabelledForm, UploadForm
from apps.intake.models import Import, ImportRole
from apps.intake.selectors import import_page, imports_of
from apps.intake.unlabelled import import_unlabelled
from apps.records.column_form import ColumnMapForm
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import LabelGuide, Project, Role, VersionStatus
from apps.task_types import task_type_of

MOST_REASONS = 100


@project_view(Role.LEAD)
@require_GET
def import_new(request: ProjectRequest, project: Project) -> HttpResponse:
    return _import_new(request, project, UploadForm(project))


@project_view(Role.LEAD)
@require_POST
def import_stage(request: ProjectRequest, project: Project) -> HttpResponse:
    form = UploadForm(project, request.POST, request.FILES)
    if not form.is_valid():
        return _import_new(request, project, form, status=422)
    values = form.cleaned_data
    try:
        import_ = services.stage_import(
            project=project,
            role=ImportRole(values["role"]),
            upload=Upload.of_form(values["file"]),
            gap=values["gap"],
            origin=values["origin"],
            actor=request.user,
        )
    except DomainError as error:
        form.add_error(None, [str(error), *getattr(error, "problems", [])])
        return _import_new(request, project, form, status=422)
    return redirect("intake:import-detail", project.slug, import_.uuid)


@project_view(Role.LEAD)
@require_http_methods(["GET", "POST"])
def unlabelled_new(request: ProjectRequest, project: Project) -> HttpResponse:
    """Real inputs for a run that labels them. A POST imports; what it refuses is named on the page."""
    form = UnlabelledForm(request.POST or None, request.FILES or None)
    report = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            report = import_unlabelled(
                project=project, upload=Upload.of_form(values["file"]), mapping=values["mapping"]
            )
        except DomainError as error:
            form.add_error(None, [str(error), *getattr(error, "problems", [])])
    context = {
        "form": form,
        "report": report,
        "shown": report.refused[:MOST_REASONS] if report else [],
        "waiting": project.unlabelled_inputs.filter(asked_in=None).count(),
        "asked": project.unlabelled_inputs.exclude(asked_in=None).count(),
    }
    return render(request, "intake/unlabelled_new.html", context, status=422 if form.errors else 200)


@project_view(Role.LEAD)
@require_GET
def import_detail(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = _find(project, uuid)
    return _import_detail(request, import_, _column_form(import_))


@project_view(Role.LEAD)
@require_POST
def import_map(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = get_object_or_404(Import, project=project, uuid=uuid)
    form = _column_form(import_, request.POST)
    if form.is_valid():
        try:
            services.map_columns(import_=import_, mapping=form.items, actor=request.user)
        except RefusedError as error:
            form.add_error(None, error.problems or [str(error)])
    if form.errors:
        return _import_detail(request, _find(project, uuid), form, status=422)
    if request.htmx:
        return _import_detail(request, import_, form)
    return redirect("intake:import-detail", project.slug, uuid)


@project_view(Role.LEAD)
@require_POST
def import_commit(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = get_object_or_404(Import, project=project, uuid=uuid)
    done = services.commit_import(
        import_=import_, actor=request.user, drop_near=request.POST.get("drop_near") == "on"
    )
    messages.success(request, f"Imported {done.rows_imported} rows of {done.filename}.")
    return redirect("intake:import-detail", project.slug, uuid)


@project_view(Role.LEAD)
@require_POST
def import_discard(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = _find(project, uuid)
    services.discard_import(import_=import_, actor=request.user)
    messages.success(request, f"{import_.filename} was discarded; nothing of it was imported.")
    return redirect("intake:import-new", project.slug)


@project_view(Role.LEAD)
@require_GET
def import_refused(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = _find(project, uuid)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="refused-rows.csv"'
    writer = csv.writer(response)
    writer.writerow(["line", "reason"])
    writer.writerows([row["line"], csv_safe(row["reason"])] for row in import_.refused)
    return response


@project_view(Role.LEAD, Role.ADMIN)
@require_POST
def guide_publish(request: ProjectRequest, project: Project) -> HttpResponse:
    guide = get_object_or_404(LabelGuide, project=project, status=VersionStatus.DRAFT)
    publish_guide(guide=guide, actor=request.user)
    messages.success(request, f"Label guide v{guide.version} is published; it never changes from now on.")
    return redirect("specs:guide-detail", project.slug)


def _find(project: Project, uuid: UUID) -> Import:
    return get_object_or_404(Import.objects.defer("content"), project=project, uuid=uuid)


def _column_form(import_: Import, data: Any = None) -> ColumnMapForm:
    return ColumnMapForm(
        data,
        columns=import_.report.get("columns", []),
        task_type=task_type_of(import_.project.task_type),
        mapping=import_.mapping,
    )


def _import_new(
    request: ProjectRequest, project: Project, form: UploadForm, *, status: int = 200
) -> HttpResponse:
    context = {"form": form, "imports": imports_of(project)[:50]}
    return render(request, "intake/import_new.html", context, status=status)


def _import_detail(
    request: ProjectRequest, import_: Import, form: ColumnMapForm, *, status: int = 200
) -> HttpResponse:
    template = "intake/import_detail.html#look" if request.htmx else "intake/import_detail.html"
    context = {"page": import_page(import_), "import": import_, "form": form}
    return render(request, template, context, status=status)
