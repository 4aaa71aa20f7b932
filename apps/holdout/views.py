"""The holdout: bringing rows in, freezing them, and afterwards the proof that nothing changed."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError, RefusedError
from apps.core.tabular import csv_safe
from apps.core.uploads import Upload
from apps.holdout import imports, services
from apps.holdout.forms import FreezeForm, UploadForm
from apps.holdout.models import HoldoutImport
from apps.holdout.selectors import holdout_page, import_page
from apps.records.column_form import ColumnMapForm
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
from apps.task_types import task_type_of


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def holdout_detail(request: ProjectRequest, project: Project) -> HttpResponse:
    return _holdout_detail(request, project)


@project_view(Role.LEAD, Role.MANAGER)
@require_POST
def holdout_freeze(request: ProjectRequest, project: Project) -> HttpResponse:
    form = FreezeForm(holdout_page(project).labels, request.POST)
    if form.is_valid():
        try:
            holdout = services.begin_freeze(project=project, terms=form.terms(), actor=request.user)
            holdout = services.continue_freeze(holdout=holdout)
        except RefusedError as error:
            form.add_error(None, [str(error), *error.problems])
        else:
            messages.success(
                request, f"The holdout is frozen: {holdout.row_count} rows that nobody can change."
            )
    if form.errors:
        return _holdout_detail(request, project, freeze_form=form, status=422)
    return redirect("holdout:holdout-detail", project.slug)


@project_view(Role.LEAD)
@require_POST
def overlaps_drop(request: ProjectRequest, project: Project) -> HttpResponse:
    dropped = services.drop_overlaps(project=project, actor=request.user)
    messages.success(request, f"{dropped} rows were taken out of the holdout; they stay seeds or train rows.")
    return redirect("holdout:holdout-detail", project.slug)


@project_view(Role.LEAD)
@require_POST
def import_stage(request: ProjectRequest, project: Project) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _holdout_detail(request, project, upload_form=form, status=422)
    try:
        upload = Upload.of_form(form.cleaned_data["file"])
        import_ = imports.stage_holdout_import(project=project, upload=upload, actor=request.user)
    except DomainError as error:
        form.add_error("file", [str(error), *getattr(error, "problems", [])])
        return _holdout_detail(request, project, upload_form=form, status=422)
    return redirect("holdout:import-detail", project.slug, import_.uuid)


@project_view(Role.LEAD)
@require_GET
def import_detail(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = _find(project, uuid)
    return _import_detail(request, import_, _column_form(project, import_))


@project_view(Role.LEAD)
@require_POST
def import_map(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = get_object_or_404(HoldoutImport, project_uuid=project.uuid, uuid=uuid)
    form = _column_form(project, import_, request.POST)
    if form.is_valid():
        try:
            imports.map_holdout_columns(
                project=project, import_=import_, mapping=form.items, actor=request.user
            )
        except RefusedError as error:
            form.add_error(None, error.problems or [str(error)])
    if form.errors:
        return _import_detail(request, _find(project, uuid), form, status=422)
    if request.htmx:
        return _import_detail(request, import_, form)
    return redirect("holdout:import-detail", project.slug, uuid)


@project_view(Role.LEAD)
@require_POST
def import_commit(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = get_object_or_404(HoldoutImport, project_uuid=project.uuid, uuid=uuid)
    done = imports.commit_holdout_import(project=project, import_=import_, actor=request.user)
    messages.success(request, f"{done.rows_imported} rows of {done.filename} are in the holdout.")
    return redirect("holdout:import-detail", project.slug, uuid)


@project_view(Role.LEAD)
@require_POST
def import_discard(request: ProjectRequest, project: Project, uuid: UUID) -> HttpResponse:
    import_ = _find(project, uuid)
    imports.discard_holdout_import(import_=import_, actor=request.user)
    messages.success(request, f"{import_.filename} was discarded; nothing of it was imported.")
    return redirect("holdout:holdout-detail", project.slug)


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


def _find(project: Project, uuid: UUID) -> HoldoutImport:
    return get_object_or_404(HoldoutImport.objects.defer("content"), project_uuid=project.uuid, uuid=uuid)


def _column_form(project: Project, import_: HoldoutImport, data: Any = None) -> ColumnMapForm:
    return ColumnMapForm(
        data,
        columns=import_.report.get("columns", []),
        task_type=task_type_of(project.task_type),
        mapping=import_.mapping,
        with_id=True,
    )


def _holdout_detail(
    request: ProjectRequest,
    project: Project,
    *,
    upload_form: UploadForm | None = None,
    freeze_form: FreezeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    page = holdout_page(project)
    context = {
        "page": page,
        "upload_form": upload_form or UploadForm(),
        "freeze_form": freeze_form or (FreezeForm(page.labels) if page.can_freeze else None),
        "is_lead": request.membership.has_any(frozenset({Role.LEAD})),
    }
    return render(request, "holdout/holdout_detail.html", context, status=status)


def _import_detail(
    request: ProjectRequest, import_: HoldoutImport, form: ColumnMapForm, *, status: int = 200
) -> HttpResponse:
    template = "holdout/import_detail.html#look" if request.htmx else "holdout/import_detail.html"
    context = {"page": import_page(import_), "import": import_, "form": form}
    return render(request, template, context, status=status)
