"""A lead chooses how much of a lot people look at, and sees what that says of the rest."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import DomainError, RefusedError
from apps.generation.models import PromptPause
from apps.generation.pauses import lift_pause
from apps.reports.lots import PlanForm, characteristic, lot_detail, lot_page
from apps.reports.proven import proven_state
from apps.review.batches import follow_lot, start_next_plan
from apps.review.models import Lot
from apps.review.piles import assign_pile, close_pile, reopen_pile
from apps.review.plan_models import SamplingPlan
from apps.review.plans import start_plan, stop_plan
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def lot_list(request: ProjectRequest, project: Project) -> HttpResponse:
    page = lot_page(project, request.GET.get("page"))
    context = {"lots": page, "page_obj": page.page, "proven": proven_state(project)}
    return render(request, "reports/lots.html", context | _role(request))


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def lot_show(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    lot = get_object_or_404(Lot.objects.select_related("gap", "project"), project=project, pk=pk)
    # Without a choice, the plan that is proposed is the one that decides with the fewest looks.
    form = PlanForm(request.GET if "kind" in request.GET else None, initial={"kind": "sequential"})
    return _lot_page(request, lot, form)


@project_view(Role.LEAD)
@require_POST
def plan_start(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    lot = get_object_or_404(Lot.objects.select_related("gap", "project"), project=project, pk=pk)
    form = PlanForm(request.POST)
    if not form.is_valid():
        return _lot_page(request, lot, form, status=422)
    try:
        start_plan(lot=lot, actor=request.user, **form.plan())
    except DomainError as error:
        messages.error(request, str(error))
        return _lot_page(request, lot, form, status=error.status_code)
    messages.success(request, "The plan has begun: what waits is set aside, a random part goes to people.")
    return _to(project, lot.pk)


@project_view(Role.LEAD)
@require_POST
def batch_start(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """The plan that the batches before ask for, over what waits now."""
    lot = get_object_or_404(Lot, project=project, pk=pk)
    try:
        start_next_plan(lot=lot, actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, "The plan has begun: what waits is set aside, a random part goes to people."
        )
    return _to(project, lot.pk)


@project_view(Role.LEAD)
@require_POST
def batch_follow(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """Later records come under a plan by themselves, or, without a number, do so no more."""
    lot = get_object_or_404(Lot, project=project, pk=pk)
    given = request.POST.get("batch_size", "").strip()
    try:
        follow_lot(lot=lot, batch_size=_whole(given) if given else None)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            f"Every {given} later records come under a plan of their own."
            if given
            else "Later records go to people.",
        )
    return _to(project, lot.pk)


@project_view(Role.LEAD)
@require_POST
def plan_stop(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    plan = get_object_or_404(SamplingPlan, lot__project=project, pk=pk)
    try:
        stop_plan(plan=plan, actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Stopped. Everything that nobody has looked at goes to full review.")
    return _to(project, plan.lot_id)


@project_view(Role.LEAD)
@require_POST
def pause_lift(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    pause = get_object_or_404(PromptPause, prompt_version__prompt__project=project, pk=pk)
    try:
        lift_pause(pause=pause, because=request.POST.get("because", ""), actor=request.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{pause.prompt_version} may run with {pause.model} again.")
    return redirect(reverse("reports:lot-list", args=[project.slug]))


@project_view(Role.LEAD)
@require_POST
def pile_change(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """Closes or reopens a pile, or keeps it for the groups and people that are ticked."""
    lot = get_object_or_404(Lot, project=project, pk=pk)
    try:
        match request.POST.get("change"):
            case "close":
                close_pile(lot=lot, actor=request.user)
                said = "Closed: nothing of it is handed out. Who has a record in hand may finish it."
            case "reopen":
                reopen_pile(lot=lot)
                said = "Open again."
            case _:
                groups, usernames = request.POST.getlist("group"), request.POST.getlist("reviewer")
                assign_pile(lot=lot, usernames=usernames, groups=groups)
                names = ", ".join([*groups, *usernames])
                said = f"Kept for {names}." if names else "For everybody who reviews."
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return _to(project, lot.pk)


def _lot_page(request: ProjectRequest, lot: Lot, form: PlanForm, *, status: int = 200) -> HttpResponse:
    page = lot_detail(lot)
    chosen = form.plan() if form.is_bound and form.is_valid() else None
    context = {
        "page": page,
        "form": form,
        "chosen": form.data if chosen else None,
        "characteristic": characteristic(
            chosen["rule"], kind=chosen["kind"], share=chosen["share"], population=max(page.takeable, 1)
        )
        if chosen and page.may_plan
        else None,
    }
    return render(request, "reports/lot.html", context | _role(request), status=status)


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise RefusedError(f"Write a whole number of records, not {text!r}.")
    return int(text)


def _role(request: ProjectRequest) -> dict[str, bool]:
    return {"is_lead": request.membership.has_any(frozenset({Role.LEAD}))}


def _to(project: Project, lot: int) -> HttpResponse:
    return redirect(reverse("reports:lot-detail", args=[project.slug, lot]))
