"""Judges: a lead saves them, switches them, asks them about a portion and looks into what they doubt."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import DomainError, RefusedError
from apps.critic import services
from apps.critic.asking import ask
from apps.critic.models import Asking, Judge, Verdict
from apps.reports.judge_forms import AskForm, JudgeForm, JudgeVersionForm, SwitchForm
from apps.reports.judges import judge_entries, judge_page, portion_or_reason
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def judge_list(request: ProjectRequest, project: Project) -> HttpResponse:
    context = {"entries": judge_entries(project), "is_lead": _is_lead(request)}
    return render(request, "reports/judges.html", context)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def judge_detail(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """With the estimate of the portion that its address names: nothing is asked by looking."""
    judge = get_object_or_404(Judge, project=project, pk=pk)
    page = judge_page(project, judge)
    form = AskForm(request.GET or None)
    portion, why_none = portion_or_reason(page.entry.version, **form.asked())
    switches = {
        "is_on": judge.is_on,
        "audits": judge.next_audit_at is not None,
        "audit_most": judge.audit_most,
    }
    context = {
        "page": page,
        "ask_form": AskForm(initial=form.asked()),
        "portion": portion,
        "asked": form.asked(),
        "why_none": why_none,
        "switch_form": SwitchForm(initial=switches),
        "is_lead": _is_lead(request),
    }
    return render(request, "reports/judge_detail.html", context)


@project_view(Role.LEAD)
@require_http_methods(["GET", "POST"])
def judge_new(request: ProjectRequest, project: Project) -> HttpResponse:
    form = JudgeForm(project, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            version = services.create_judge(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{version.judge} is saved and switched off. Switch it on to ask it.")
            return redirect("reports:judge-detail", project.slug, version.judge_id)
    context = {"form": form, "judge": None}
    return render(request, "reports/judge_edit.html", context, status=422 if form.is_bound else 200)


@project_view(Role.LEAD)
@require_http_methods(["GET", "POST"])
def judge_version_new(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    judge = get_object_or_404(Judge, project=project, pk=pk)
    data = request.POST if request.method == "POST" else None
    form = JudgeVersionForm(project, data, last=judge.current())
    if form.is_bound and form.is_valid():
        try:
            version = services.create_judge_version(judge=judge, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{version} is asked from now on.")
            return redirect("reports:judge-detail", project.slug, judge.pk)
    context = {"form": form, "judge": judge}
    return render(request, "reports/judge_edit.html", context, status=422 if form.is_bound else 200)


@project_view(Role.LEAD)
@require_POST
def judge_switch(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    judge = get_object_or_404(Judge, project=project, pk=pk)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say how many records a night, at most. Nothing was changed.")
    else:
        services.switch_judge(judge=judge, actor=request.user, **form.cleaned_data)
        messages.success(request, f"{judge} is {'on' if judge.is_on else 'off'}.")
    return redirect("reports:judge-detail", project.slug, judge.pk)


@project_view(Role.LEAD)
@require_POST
def judge_ask(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    judge = get_object_or_404(Judge, project=project, pk=pk)
    form = AskForm(request.POST)
    try:
        asking = ask(judge.current(), actor=request.user, **form.asked())
    except DomainError as error:
        problems = error.problems if isinstance(error, RefusedError) else []
        messages.error(request, " ".join([str(error), *problems]))
    else:
        messages.success(request, f"{judge} is asked about {asking.asked:,} records. The workers send them.")
    return redirect("reports:judge-detail", project.slug, judge.pk)


@project_view(Role.LEAD)
@require_POST
def asking_give_up(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    asking = get_object_or_404(Asking, version__judge__project=project, pk=pk)
    services.give_up_asking(asking=asking, actor=request.user)
    messages.success(request, "Given up. Its records may be asked about again; if it arrived, it was billed.")
    return redirect("reports:judge-detail", project.slug, asking.version.judge_id)


@project_view(Role.LEAD)
@require_POST
def doubt_settle(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    verdict = get_object_or_404(Verdict, version__judge__project=project, pk=pk)
    services.settle_doubt(verdict=verdict, actor=request.user)
    messages.success(request, f"The doubt about record #{verdict.record_id} is looked into.")
    return redirect("reports:judge-detail", project.slug, verdict.version.judge_id)


def _is_lead(request: ProjectRequest) -> bool:
    return request.membership.has_any(frozenset({Role.LEAD}))
