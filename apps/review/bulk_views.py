"""The bulk view: many cards on one page, for quick passes. Each decision is the same as in the room, by method bulk."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.core.errors import RefusedError
from apps.review import claiming, leases
from apps.review.bulk import PileResult, decide_pile
from apps.review.cards import cards_of
from apps.review.forms import PileDecisionForm, PileForm, cleaned
from apps.review.models import Action
from apps.review.references import name_of
from apps.review.rules import ReviewRules
from apps.review.selectors import queue_state, room_page
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role

reviewers = project_view(Role.REVIEWER, Role.LEAD)


@reviewers
@require_GET
def bulk(request: ProjectRequest, project: Project) -> HttpResponse:
    """The cards in hand."""
    held = leases.held_tasks(project=project, user=request.user, most=max(claiming.PILES))
    cards = cards_of(project=project, user=request.user, tasks=held)
    session_key = request.session.session_key or ""
    context = {
        "page": room_page(project=project, user=request.user),
        "cards": cards,
        "sizes": claiming.PILES,
        "size": next((size for size in claiming.PILES if size >= len(cards)), max(claiming.PILES)),
        "queue": None if cards else queue_state(project=project, user=request.user, session_key=session_key),
        "admits_bulk": "bulk" in project.release_policy.get("admit", ()),
    }
    return render(request, "review/bulk.html", context)


@reviewers
@require_POST
def bulk_take(request: ProjectRequest, project: Project) -> HttpResponse:
    _take(request, project, cleaned(PileForm(request.POST))["size"])
    return redirect("review:bulk", project.slug)


@reviewers
@require_POST
def bulk_decide(request: ProjectRequest, project: Project) -> HttpResponse:
    """Decides the picked cards and fills the page up again."""
    form = PileDecisionForm(request.POST)
    values = cleaned(form)
    if not form.picked():
        messages.warning(request, "Nothing was selected, so nothing was decided.")
        return redirect("review:bulk", project.slug)
    try:
        result = decide_pile(
            project=project,
            actor=request.user,
            key=values["key"],
            fences=form.picked(),
            action=Action(values["action"]),
            # The list of reasons stands beside both buttons; with none chosen it sends an empty one.
            reasons=[each for each in values["reason"] if each and values["action"] == Action.REJECTED],
            note=values["note"],
        )
    except RefusedError as error:
        messages.error(request, str(error))
        return redirect("review:bulk", project.slug)
    _tell(request, project, result, Action(values["action"]))
    _take(request, project, values["size"])
    return redirect("review:bulk", project.slug)


def _take(request: ProjectRequest, project: Project, size: int) -> None:
    claiming.claim_next(
        project=project,
        user=request.user,
        session_key=request.session.session_key or "",
        count=size,
        is_pile=True,
    )


def _tell(request: ProjectRequest, project: Project, result: PileResult, action: Action) -> None:
    if count := len(result.decisions):
        messages.success(request, f"{count} record{'s' if count > 1 else ''} {action.label.lower()}.")
    if result.lost:
        rules = ReviewRules.of(project)
        names = ", ".join(f"#{name_of(record, rules)}" for record in result.lost)
        messages.warning(request, f"Not counted, because they are no longer in your hands: {names}.")
