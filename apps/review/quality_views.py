"""The quality of the review: agreement, adjudication, pace, and each reviewer's own page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import RefusedError
from apps.review import leases
from apps.review.adjudication import adjudicate as give_verdict
from apps.review.adjudication import adjudication_page, make_example
from apps.review.forms import cleaned
from apps.review.gold import asked_for, make_gold, take_out
from apps.review.models import Action, Decision, GoldItem, ReviewTask, TaskKind
from apps.review.pausing import pause, resume
from apps.review.quality import own_page, quality_page
from apps.review.quality_forms import GoldForm, PauseForm, RulesForm, VerdictForm
from apps.review.references import name_of
from apps.review.rules import ReviewRules, set_rules
from apps.review.undo import undo
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
from apps.task_types import task_type_of


@project_view(Role.LEAD)
@require_GET
def quality(request: ProjectRequest, project: Project) -> HttpResponse:
    return _quality(request, project)


@project_view(Role.LEAD)
@require_POST
def quality_rules(request: ProjectRequest, project: Project) -> HttpResponse:
    form = RulesForm(request.POST)
    if not form.is_valid():
        return _quality(request, project, form=form)
    set_rules(project=project, rules=form.rules(), actor=request.user)
    messages.success(request, "Saved. It counts for what is put up or handed out from now on.")
    return redirect("review:quality", project.slug)


@project_view(Role.LEAD)
@require_POST
def quality_gold(request: ProjectRequest, project: Project) -> HttpResponse:
    """More gold items."""
    form = GoldForm(request.POST)
    if not form.is_valid():
        return _quality(request, project, gold_form=form)
    items = make_gold(project=project, count=form.cleaned_data["count"], actor=request.user)
    labels = asked_for(project)
    others = sum(item.record.label not in labels for item in items) if labels else 0
    messages.success(request, f"{len(items)} gold items are made of train rows.")
    if others:
        messages.warning(
            request,
            f"{others} of them have a label that no open gap asks for, because too few train rows have one that "
            "does. People may tell these by it, so they are handed out last.",
        )
    return redirect("review:quality", project.slug)


@project_view(Role.LEAD)
@require_POST
def quality_gold_out(request: ProjectRequest, project: Project, item: int) -> HttpResponse:
    """Takes an item out that is no good test."""
    take_out(item=get_object_or_404(GoldItem, pk=item, project=project))
    messages.success(request, "Taken out: it is handed out no more, and its answers count for nobody.")
    return redirect("review:quality", project.slug)


@project_view(Role.LEAD)
@require_POST
def quality_pause(request: ProjectRequest, project: Project, member: int) -> HttpResponse:
    """Pauses a reviewer, or lets them go on."""
    membership = get_object_or_404(project.memberships.select_related("user"), pk=member)
    values = cleaned(PauseForm(request.POST))
    if values["resume"]:
        resume(membership=membership, actor=request.user)
        messages.success(request, f"{membership.user} can go on.")
    else:
        pause(membership=membership, actor=request.user, why=values["why"])
        messages.success(request, f"{membership.user} is handed nothing until you let them go on.")
    return redirect("review:quality", project.slug)


@project_view(Role.LEAD)
@require_GET
def adjudication_list(request: ProjectRequest, project: Project) -> HttpResponse:
    return _adjudication(request, project)


@project_view(Role.LEAD)
@require_POST
def adjudicate(request: ProjectRequest, project: Project, task: int) -> HttpResponse:
    case = get_object_or_404(ReviewTask.objects.select_related("project"), pk=task, project=project)
    values = cleaned(VerdictForm(request.POST))
    edit = _edit(case, values["verdict"])
    try:
        decision = give_verdict(
            task=case,
            actor=request.user,
            key=values["key"],
            action=Action.EDITED if edit else Action(values["verdict"]),
            why=values["why"],
            reasons=values["reason"],
            edit_of=edit,
        )
    except RefusedError as error:
        messages.error(request, " ".join([str(error), *error.problems]))
        return _adjudication(request, project, why=values["why"], refused=case.pk)
    messages.success(request, f"Record #{decision.record_id}: {decision.get_action_display().lower()}.")
    return redirect("review:adjudication-list", project.slug)


@project_view(Role.LEAD)
@require_POST
def adjudication_take(request: ProjectRequest, project: Project, task: int) -> HttpResponse:
    """Into the room, to be edited there."""
    case = get_object_or_404(ReviewTask.objects.to_adjudicate(), pk=task, project=project)
    leases.take(task=case, user=request.user)
    return redirect("review:room", project.slug)


@project_view(Role.LEAD)
@require_POST
def case_example(request: ProjectRequest, project: Project, verdict: UUID) -> HttpResponse:
    decisions = Decision.objects.filter(project=project, task__kind=TaskKind.ADJUDICATION)
    decision = get_object_or_404(decisions.select_related("record", "project"), uuid=verdict)
    guide = make_example(verdict=decision, actor=request.user)
    messages.success(request, f"The case is in the draft of {guide}. Publish it when the guide is ready.")
    return redirect("review:adjudication-list", project.slug)


@project_view(Role.REVIEWER, Role.LEAD)
@require_GET
def own(request: ProjectRequest, project: Project) -> HttpResponse:
    is_lead = request.membership.has_any(frozenset({Role.LEAD}))
    page = own_page(project=project, user=request.user, number=request.GET.get("page"), is_lead=is_lead)
    return render(request, "review/own.html", {"page": page, "page_obj": page.page})


@project_view(Role.REVIEWER, Role.LEAD)
@require_POST
def own_undo(request: ProjectRequest, project: Project, decision: UUID) -> HttpResponse:
    """Takes one of my decisions back, however old, and opens its record in the room."""
    get_object_or_404(Decision, uuid=decision, project=project)
    task = undo(decision_uuid=decision, actor=request.user, reach=None)
    name = name_of(task.record, ReviewRules.of(project))
    messages.info(request, f"Record #{name} is back in your hands.")
    return redirect("review:room", project.slug)


def _quality(
    request: ProjectRequest,
    project: Project,
    *,
    form: RulesForm | None = None,
    gold_form: GoldForm | None = None,
) -> HttpResponse:
    """The page, with the form that was filled in wrongly, if one was."""
    context = {
        "page": quality_page(project),
        "form": form or RulesForm.of(ReviewRules.of(project)),
        "gold_form": gold_form or GoldForm(),
    }
    return render(request, "review/quality.html", context, status=422 if form or gold_form else 200)


def _adjudication(
    request: ProjectRequest, project: Project, *, why: str = "", refused: int | None = None
) -> HttpResponse:
    page = adjudication_page(project=project, number=request.GET.get("page"))
    context = {
        "page": page,
        "page_obj": page.page,
        "reasons": project.reject_reasons,
        "reading_template": task_type_of(project.task_type).reading_template,
        "why": why,
        "refused": refused,
    }
    return render(request, "review/adjudication.html", context, status=422 if refused else 200)


def _edit(case: ReviewTask, verdict: str) -> Decision | None:
    if not verdict.isdecimal():
        return None
    edits = Decision.objects.standing().filter(
        record=case.record_id, action=Action.EDITED, task__kind=TaskKind.OVERLAP
    )
    return get_object_or_404(edits, pk=int(verdict))
