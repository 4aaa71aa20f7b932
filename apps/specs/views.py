"""The label guide, and naming gaps. A gap's own page joins rooms, so it is in apps.reports."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.specs import services
from apps.specs.access import ProjectRequest, project_view
from apps.specs.forms import GapForm
from apps.specs.models import Gap, Project, Role, VersionStatus
from apps.specs.selectors import current_guide


@project_view()
@require_GET
def guide_detail(request: ProjectRequest, project: Project) -> HttpResponse:
    draft = project.guides.filter(status=VersionStatus.DRAFT).first()
    context = {
        "guide": current_guide(project),
        "spec": project.published_spec(),
        "draft": draft,
        "missing": services.missing_from_guide(draft) if draft else [],
        "can_edit": request.membership.has_any(frozenset({Role.LEAD, Role.ADMIN})),
    }
    return render(request, "specs/guide_detail.html", context)


@project_view(Role.LEAD)
@require_POST
def guide_draft(request: ProjectRequest, project: Project) -> HttpResponse:
    guide = services.draft_guide(project=project, draft=None, actor=request.user)
    return redirect("admin:specs_labelguide_change", guide.pk)


@project_view()
@require_GET
def gap_list(request: ProjectRequest, project: Project) -> HttpResponse:
    return _gap_list(request, project, GapForm(project, current_guide(project)))


@project_view(Role.LEAD)
@require_POST
def gap_new(request: ProjectRequest, project: Project) -> HttpResponse:
    form = GapForm(project, current_guide(project), request.POST)
    if not form.is_valid():
        return _gap_list(request, project, form, status=422)
    gap = services.create_gap(project=project, actor=request.user, **form.cleaned_data)
    return redirect("reports:gap-detail", project.slug, gap.slug)


@project_view(Role.LEAD)
@require_POST
def gap_open(request: ProjectRequest, project: Project, slug: str) -> HttpResponse:
    gap = get_object_or_404(Gap, project=project, slug=slug)
    services.open_gap(gap=gap, actor=request.user)
    return redirect("reports:gap-detail", project.slug, gap.slug)


@project_view(Role.LEAD)
@require_POST
def gap_close(request: ProjectRequest, project: Project, slug: str) -> HttpResponse:
    gap = get_object_or_404(Gap, project=project, slug=slug)
    services.close_gap(gap=gap, actor=request.user)
    return redirect("reports:gap-detail", project.slug, gap.slug)


def _gap_list(request: ProjectRequest, project: Project, form: GapForm, *, status: int = 200) -> HttpResponse:
    gaps = project.gaps.order_by("-id")
    context = {"gaps": gaps, "form": form, "is_lead": request.membership.has_any(frozenset({Role.LEAD}))}
    return render(request, "specs/gap_list.html", context, status=status)
