"""The review room. Reads are GET and write nothing; everything that takes, decides or keeps is POST."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.core.prepared import PreparedModels, Slot
from apps.records.models import Record
from apps.review import claiming, leases
from apps.review.allowance import Purpose, spend
from apps.review.answers import cards_json, json_errors, progress_json, queue_json, wants_json
from apps.review.cards import cards_of
from apps.review.decisions import decide as decide_task
from apps.review.diffs import diff_of
from apps.review.drafts import keep_draft, save_draft
from apps.review.flags import reopen_flagged
from apps.review.forms import (
    ClaimForm,
    DecisionForm,
    FlagForm,
    KeysForm,
    LeaseForm,
    SkipForm,
    TaskForm,
    UndoForm,
    cleaned,
)
from apps.review.gold import told_of_gold
from apps.review.models import Action, Decision, ReviewTask
from apps.review.payloads import EditRefusedError, check_edit, current_payload, record_schema
from apps.review.preferences import set_single_keys
from apps.review.record_forms import RecordForm, rearranged
from apps.review.references import name_of, reference_of
from apps.review.rules import ReviewRules
from apps.review.selectors import flag_page, progress_of, queue_state, room_page
from apps.review.undo import undo as undo_decision
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
from apps.task_types import task_type_of

reviewers = project_view(Role.REVIEWER, Role.LEAD)


@reviewers
@require_GET
def room(request: ProjectRequest, project: Project) -> HttpResponse:
    """The card in hand, if there is one. The script then takes more; without a script "Take next" does."""
    held = leases.held_tasks(project=project, user=request.user)[:1]
    cards = cards_of(project=project, user=request.user, tasks=held)
    session_key = _session_key(request)
    context = {
        "page": room_page(project=project, user=request.user),
        "card": cards[0] if cards else None,
        "queue": None if cards else queue_state(project=project, user=request.user, session_key=session_key),
    }
    return render(request, "review/room.html", context)


@json_errors
@reviewers
@require_POST
def claim(request: ProjectRequest, project: Project) -> HttpResponse:
    values = cleaned(ClaimForm(request.POST))
    if wants_json(request):
        return JsonResponse(_next_cards(request, project, want=values["want"] or 1, have=values["have"]))
    _take_one(request, project)
    return redirect("review:room", project.slug)


@json_errors
@reviewers
@require_POST
def decide(request: ProjectRequest, project: Project) -> HttpResponse:
    """One request decides and brings the next card."""
    values = cleaned(DecisionForm(request.POST))
    task = _task(project, values["task"])
    try:
        decision = decide_task(
            task=task,
            actor=request.user,
            fence=values["fence"],
            key=values["key"],
            action=Action(values["action"]),
            reasons=values["reason"],
            note=values["note"],
            payload=_edited_payload(request, project, task) if values["action"] == Action.EDITED else None,
            milliseconds=values["milliseconds"] or 0,
        )
    except EditRefusedError as error:
        if wants_json(request):
            raise
        return _edit_page(request, project, task, error.by_pointer)
    told = told_of_gold(decision)
    if wants_json(request):
        said = {"decision": decision.uuid, "action": decision.action}
        said |= {"told": told} if told else {}
        return JsonResponse(
            said | _next_cards(request, project, want=values["want"] or 0, have=values["have"])
        )
    messages.success(request, f"Record #{_name(decision)}: {decision.get_action_display().lower()}.")
    if told:
        messages.info(request, told)
    _take_one(request, project)
    return redirect("review:room", project.slug)


@json_errors
@reviewers
@require_POST
def undo(request: ProjectRequest, project: Project) -> HttpResponse:
    values = cleaned(UndoForm(request.POST))
    get_object_or_404(Decision, uuid=values["decision"], project=project)
    task = undo_decision(decision_uuid=values["decision"], actor=request.user)
    if wants_json(request):
        cards = cards_of(project=project, user=request.user, tasks=[task])
        progress = progress_json(progress_of(project=project, user=request.user))
        return JsonResponse({"cards": cards_json(request, project, cards), "progress": progress})
    messages.info(request, f"Record #{_name(task)} is back in your hands.")
    return redirect("review:room", project.slug)


@json_errors
@reviewers
@require_POST
def skip(request: ProjectRequest, project: Project) -> HttpResponse:
    values = cleaned(SkipForm(request.POST))
    task = _task(project, values["task"])
    session_key = _session_key(request)
    leases.skip(
        project=project, user=request.user, session_key=session_key, task_id=task.pk, fence=values["fence"]
    )
    if wants_json(request):
        return JsonResponse(_next_cards(request, project, want=values["want"] or 0, have=values["have"]))
    _take_one(request, project)
    return redirect("review:room", project.slug)


@reviewers
@require_POST
def forget_skips(request: ProjectRequest, project: Project) -> HttpResponse:
    leases.forget_skips(project=project, user=request.user, session_key=_session_key(request))
    _take_one(request, project)
    return redirect("review:room", project.slug)


@reviewers
@require_GET
def edit(request: ProjectRequest, project: Project, task: int) -> HttpResponse:
    """The editor as a page of its own, for browsers without our script."""
    return _edit_page(request, project, _task(project, task), {})


@reviewers
@require_POST
def rearrange(request: ProjectRequest, project: Project, task: int) -> HttpResponse:
    """Adds, moves or removes a row of the plain edit page; everything typed is kept as a draft."""
    found = _task(project, task)
    current = current_payload(found.record)
    form = RecordForm(record_schema(project), current, data=request.POST)
    values = rearranged(form.typed(), request.POST.get("rearrange", ""))
    keep_draft(task=found, user=request.user, values=values, is_changed=values != current)
    return redirect("review:edit", project.slug, found.pk)


@json_errors
@reviewers
@require_POST
def draft(request: ProjectRequest, project: Project) -> HttpResponse:
    """Keeps what was typed; says what changed and what the fast checks think of it. Decides nothing."""
    task = _task(project, cleaned(TaskForm(request.POST))["task"])
    current = current_payload(task.record)
    form = RecordForm(record_schema(project), current, data=request.POST)
    is_valid = form.is_valid()
    payload = form.payload() if is_valid else form.typed()
    is_changed = payload != current
    keep_draft(task=task, user=request.user, values=form.typed(), is_changed=is_changed)
    answer: dict[str, Any] = {"by_pointer": form.errors_by_pointer(), "warnings": [], "paused_seconds": 0}
    if is_valid and is_changed:
        if wait := spend(user=request.user, purpose=Purpose.TYPING):
            answer["paused_seconds"] = round(wait.total_seconds())
        else:
            check = check_edit(project=project, record=task.record, payload=payload, is_draft=True)
            answer |= {"by_pointer": check.problems, "warnings": check.warnings}
    diffs = {"diffs": diff_of(current, payload)}
    return JsonResponse(answer | {"diff": render_to_string("review/_diff.html", diffs, request)})


@json_errors
@reviewers
@require_POST
def renew(request: ProjectRequest, project: Project) -> HttpResponse:
    form = LeaseForm(request.POST)
    cleaned(form)
    renewal = leases.renew(project=project, user=request.user, fences=form.fences())
    kept, lost = (sorted(map(reference_of, tasks)) for tasks in (renewal.kept, renewal.lost))
    return JsonResponse({"until": renewal.until, "kept": kept, "lost": lost})


@json_errors
@reviewers
@require_POST
def release(request: ProjectRequest, project: Project) -> HttpResponse:
    """The page goes away: its cards return to the queue."""
    form = LeaseForm(request.POST)
    in_view = cleaned(form)["in_view"]
    leases.release_leases(project=project, user=request.user, fences=form.fences(), in_view=in_view)
    return HttpResponse(status=204)


@json_errors
@reviewers
@require_POST
def keys(request: ProjectRequest, project: Project) -> HttpResponse:
    is_on = cleaned(KeysForm(request.POST))["single_keys"]
    set_single_keys(user=request.user, is_on=is_on)
    if wants_json(request):
        return JsonResponse({"single_keys": is_on})
    messages.success(request, f"Single-key shortcuts are {'on' if is_on else 'off'}.")
    return redirect("review:room", project.slug)


@project_view(Role.LEAD)
@require_GET
def flag_list(request: ProjectRequest, project: Project) -> HttpResponse:
    page = flag_page(project=project, number=request.GET.get("page"))
    reading_template = task_type_of(project.task_type).reading_template
    context = {"flags": page.flags, "page_obj": page.page, "reading_template": reading_template}
    return render(request, "review/flags.html", context)


@project_view(Role.LEAD)
@require_POST
def flag_answer(request: ProjectRequest, project: Project, record: int) -> HttpResponse:
    take = cleaned(FlagForm(request.POST))["take"]
    flagged = get_object_or_404(Record, pk=record, project=project)
    reopen_flagged(record=flagged, actor=request.user, take=take)
    if take:
        return redirect("review:room", project.slug)
    messages.success(request, f"Record #{flagged.pk} is back in the queue.")
    return redirect("review:flag-list", project.slug)


def _session_key(request: ProjectRequest) -> str:
    return request.session.session_key or ""


def _name(of: Decision | ReviewTask) -> str:
    return name_of(of.record, ReviewRules.of(of.project))


def _task(project: Project, pk: int) -> ReviewTask:
    task = _TASK.first(task=pk, project=project.pk)
    if task is None:
        raise Http404("No such task in this project.")
    task.project = project
    return task


_TASK = PreparedModels(lambda: ReviewTask.objects.filter(pk=Slot("task"), project=Slot("project")), "record")


def _take_one(request: ProjectRequest, project: Project) -> None:
    claiming.claim_next(project=project, user=request.user, session_key=_session_key(request))


def _next_cards(
    request: ProjectRequest, project: Project, *, want: int, have: Sequence[int]
) -> dict[str, Any]:
    """Up to ``want`` further cards. The queue explains itself when the page is left with none."""
    session_key = _session_key(request)
    claim = partial(
        claiming.claim_next,
        project=project,
        user=request.user,
        session_key=session_key,
        count=want,
        have=have,
    )
    tasks, state = claim(), None
    if want and not tasks and not have:
        state = queue_state(project=project, user=request.user, session_key=session_key)
        if state.is_obtainable:
            # Something came back between the claim and the question why there was nothing.
            tasks = claim()
            state = None if tasks else state
    cards = cards_of(project=project, user=request.user, tasks=tasks)
    return {
        "cards": cards_json(request, project, cards),
        "progress": progress_json(progress_of(project=project, user=request.user)),
        "queue": queue_json(request, project, state),
    }


def _edited_payload(request: ProjectRequest, project: Project, task: ReviewTask) -> dict[str, Any]:
    """The payload that the edit form holds; what was typed is kept when it cannot be read."""
    form = RecordForm(record_schema(project), current_payload(task.record), data=request.POST)
    problems = {} if form.is_valid() else form.errors_by_pointer()
    if not problems and (wait := spend(user=request.user, purpose=Purpose.SAVING)):
        problems = {"": [f"Many edits in a short time: save again in {round(wait.total_seconds())} seconds."]}
    if problems:
        save_draft(task=task, user=request.user, values=form.typed())
        raise EditRefusedError(problems)
    return form.payload()


def _edit_page(
    request: ProjectRequest, project: Project, task: ReviewTask, problems: dict[str, list[str]]
) -> HttpResponse:
    (card,) = cards_of(project=project, user=request.user, tasks=[task])
    form = card.form
    if request.method == "POST":
        form = RecordForm(record_schema(project), current_payload(task.record), data=request.POST)
        form.replace_problems(problems)
    context = {
        "card": card,
        "form": form,
        "page": room_page(project=project, user=request.user),
        "rearrange_url": reverse("review:rearrange", args=[project.slug, task.pk]),
    }
    return render(request, "review/edit.html", context, status=422 if problems else 200)
