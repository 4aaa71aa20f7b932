"""Pages that join rooms. They write nothing."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from apps.accounts.access import SignedInRequest, signed_in
from apps.core.tabular import csv_safe
from apps.generation.models import PromptRole, Run
from apps.records.models import Record
from apps.reports.catalogue import (
    MOST_COMPARED,
    OWN_COLUMNS,
    SORTS,
    VENDOR_COLUMNS,
    Column,
    catalogue,
    estimated,
    side_by_side,
)
from apps.reports.gaps import gap_page
from apps.reports.home import project_home as read_home
from apps.reports.navigation import OVERSEERS
from apps.reports.provenance import provenance_report
from apps.reports.records import RecordFilter, is_closed_to_reviewers, record_life, record_page
from apps.reports.red_team import red_team_page
from apps.reports.runs import run_page
from apps.review.rules import ReviewRules
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Gap, Membership, Project, Role

# htmx swaps the content in and asks no more.
STOP_POLLING = 286


@signed_in
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    memberships = (
        Membership.objects.filter(user=request.user).select_related("project").order_by("project__name")
    )
    return render(request, "reports/home.html", {"memberships": memberships})


@project_view()
@require_GET
def project_home(request: ProjectRequest, project: Project) -> HttpResponse:
    return render(request, "reports/project_home.html", {"home": read_home(project, request.membership)})


@project_view()
@require_GET
def record_list(request: ProjectRequest, project: Project) -> HttpResponse:
    if ReviewRules.of(project).hides_records and not request.membership.has_any(OVERSEERS):
        return render(request, "reports/record_in_review.html")
    form = RecordFilter(project, request.GET)
    if not form.is_valid():
        return render(request, "reports/record_list.html", {"form": form}, status=400)
    page, rows = record_page(project, form, request.GET.get("page", "1"))
    return render(request, "reports/record_list.html", {"form": form, "page_obj": page, "rows": rows})


@project_view()
@require_GET
def record_detail(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    record = get_object_or_404(
        Record.objects.select_related("gap", "reviewer", "project"), project=project, pk=pk
    )
    if is_closed_to_reviewers(record) and not request.membership.has_any(OVERSEERS):
        return render(request, "reports/record_in_review.html")
    return render(request, "reports/record_detail.html", {"life": record_life(project, record)})


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def run_detail(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """The page asks for itself every two seconds; 286 tells it that nothing will change any more."""
    runs = Run.objects.select_related(
        "project", "gap", "prompt_version__prompt", "connection", "created_by", "started_by"
    )
    page = run_page(get_object_or_404(runs, project=project, pk=pk))
    context = {"page": page, "is_lead": request.membership.has_any(frozenset({Role.LEAD}))}
    if not request.htmx:
        return render(request, "reports/run.html", context)
    return render(request, "reports/run.html#live", context, status=200 if page.is_live else STOP_POLLING)


@project_view()
@require_GET
def gap_detail(request: ProjectRequest, project: Project, slug: str) -> HttpResponse:
    gap = get_object_or_404(Gap.objects.select_related("opened_by"), project=project, slug=slug)
    is_lead = request.membership.has_any(frozenset({Role.LEAD}))
    return render(request, "reports/gap_detail.html", {"page": gap_page(gap), "is_lead": is_lead})


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def red_team(request: ProjectRequest, project: Project) -> HttpResponse:
    return render(request, "reports/red_team.html", {"page": red_team_page(project)})


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def provenance(request: ProjectRequest, project: Project) -> HttpResponse:
    return render(request, "reports/provenance.html", {"report": provenance_report(project)})


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def provenance_csv(request: ProjectRequest, project: Project) -> HttpResponse:
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{project.slug}-provenance.csv"'},
    )
    writer = csv.writer(response)
    writer.writerow(["dimension", "name", "decided", "accepted", "edited", "rejected", "rate", "low", "high"])
    for dimension in provenance_report(project).dimensions:
        for row in dimension.rows:
            figures = [row.decided, row.accepted, row.edited, row.rejected]
            shares = [f"{value:.4f}" for value in (row.rate, row.low, row.high)]
            writer.writerow([dimension.key, csv_safe(row.name), *figures, *shares])
    return response


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def models(request: ProjectRequest, project: Project) -> HttpResponse:
    """The catalogue: sorted, estimated and compared by its address alone."""
    sort = request.GET.get("sort", "name")
    records, words = _between(request, "records", 1_000, 1_000_000), _between(request, "words", 30, 5_000)
    chosen = {int(pk) for pk in request.GET.getlist("compare") if pk.isdecimal()}
    entries = catalogue(project, sort=sort)
    compared = [entry for entry in entries if entry.connection.pk in chosen]
    context = {
        "entries": entries,
        "estimates": [(entry, estimated(entry, records=records, words=words)) for entry in entries],
        "has_own": any(entry.own or entry.teacher for entry in entries),
        "chosen": chosen,
        "compared": compared[:MOST_COMPARED],
        "left_out": [entry.connection.name for entry in compared[MOST_COMPARED:]],
        "sheet": side_by_side(compared[:MOST_COMPARED], records=records, words=words),
        "vendor_columns": _heads(request, VENDOR_COLUMNS, sort),
        "own_columns": _heads(request, OWN_COLUMNS, sort),
        "sort": sort if sort in SORTS else "name",
        "records": records,
        "words": words,
        "roles": PromptRole.choices,
        "is_lead": request.membership.has_any(frozenset({Role.LEAD})),
    }
    return render(request, "reports/models.html", context)


def _heads(request: ProjectRequest, columns: Sequence[Column], sort: str) -> list[tuple[Column, str, bool]]:
    """Each column with the address that sorts by it, and whether this is what it is sorted by."""
    heads = []
    for column in columns:
        query = request.GET.copy()
        query["sort"] = column.sort
        heads.append((column, f"?{query.urlencode()}" if column.sort else "", column.sort == sort))
    return heads


def _between(request: ProjectRequest, name: str, default: int, most: int) -> int:
    """A number of the address; what is none, or too large, counts as ``default``."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and 1 <= int(text) <= most else default
