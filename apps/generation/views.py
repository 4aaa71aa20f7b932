"""Prompts and runs. What joins the checks to a run is a page of the reports app."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import DomainError, RefusedError
from apps.generation import prompts, services, trials
from apps.generation.forms import PromptForm, RoleForm, RunForm, VersionForm, WorkbenchForm
from apps.generation.gates import give_reason
from apps.generation.jobs.edge_cases import decide_proposal
from apps.generation.languages import LANGUAGES
from apps.generation.models import EdgeCaseProposal, Prompt, PromptLanguage, PromptRole, Run, Trial
from apps.generation.roles import choose_model
from apps.generation.selectors import diff_lines, prompts_of, runs_of, version_entries
from apps.generation.teacher import start_teacher_check
from apps.specs.access import ProjectRequest, project_view
from apps.specs.models import Project, Role
from apps.submissions import services as submissions
from apps.submissions.models import Submission

PAGE = 50
EARLIER_TRIALS = 6
# htmx swaps the content in and asks no more.
STOP_POLLING = 286


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def prompt_list(request: ProjectRequest, project: Project) -> HttpResponse:
    context = {"prompts": prompts_of(project), "is_lead": _is_lead(request)}
    return render(request, "generation/prompt_list.html", context)


@project_view(Role.LEAD)
@require_http_methods(["GET", "POST"])
def prompt_new(request: ProjectRequest, project: Project) -> HttpResponse:
    initial = {name: request.GET[name] for name in ("language", "role") if request.GET.get(name)}
    if initial.get("language", PromptLanguage.JINJA) not in LANGUAGES:
        initial = {}
    form = PromptForm(project, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            version = prompts.create_prompt(project=project, actor=request.user, **form.cleaned_data)
        except RefusedError as error:
            _show_problems(form, error)
        else:
            messages.success(request, f"{version} is saved. It never changes; a change is a new version.")
            return redirect("generation:prompt-detail", project.slug, version.prompt_id)
    context = {
        "form": form,
        "hints": LANGUAGES[initial.get("language", PromptLanguage.PHRASES)].hints,
        "starters": PromptRole,
        "labels": prompts.labels_of(project),
    }
    return render(request, "generation/prompt_new.html", context, status=422 if form.errors else 200)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def prompt_detail(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    prompt = get_object_or_404(Prompt, project=project, pk=pk)
    return _prompt_page(request, prompt, form=None)


@project_view(Role.LEAD)
@require_POST
def version_new(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    prompt = get_object_or_404(Prompt, project=project, pk=pk)
    form = VersionForm(request.POST)
    if form.is_valid():
        try:
            version = prompts.create_prompt_version(prompt=prompt, actor=request.user, **form.cleaned_data)
        except RefusedError as error:
            _show_problems(form, error)
        else:
            messages.success(request, f"{version} is saved.")
            return redirect("generation:prompt-detail", project.slug, prompt.pk)
    return _prompt_page(request, prompt, form=form)


@project_view(Role.LEAD)
@require_http_methods(["GET", "POST"])
def workbench(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """The editor. A POST shows what would be sent; nothing is saved and nothing leaves this machine."""
    prompt = get_object_or_404(Prompt.objects.select_related("project"), project=project, pk=pk)
    if request.method == "POST":
        form = WorkbenchForm(prompt, request.POST)
        return _workbench_page(request, prompt, form, draft=_draft(prompt, form))
    tries = Trial.objects.filter(prompt=prompt).select_related("connection")
    trial = tries.filter(pk=_number(request.GET.get("trial"))).first()
    initial: dict[str, Any] = {}
    if trial is not None:
        initial = {"template": trial.template, "gap": trial.gap_id, "connection": trial.connection_id}
    elif newest := prompt.versions.order_by("-version").first():
        initial = {"template": newest.template}
    return _workbench_page(request, prompt, WorkbenchForm(prompt, initial=initial), trial=trial)


@project_view(Role.LEAD)
@require_POST
def prompt_try(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    prompt = get_object_or_404(Prompt, project=project, pk=pk)
    form = WorkbenchForm(prompt, request.POST)
    if form.is_valid():
        try:
            trial = trials.try_prompt(prompt=prompt, actor=request.user, **form.asked)
        except DomainError as error:
            form.add_error("template", [str(error), *getattr(error, "problems", [])])
        else:
            return _to_trial(trial)
    return _workbench_page(request, prompt, form)


@project_view(Role.LEAD)
@require_GET
def trial_detail(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    """The answers of a trial, as the workbench looks for them."""
    trial = get_object_or_404(Trial.objects.select_related("prompt"), project=project, pk=pk)
    state = trials.state_of(trial)
    status = 200 if state.is_waiting else STOP_POLLING
    return render(request, "generation/workbench.html#trial", {"state": state}, status=status)


@project_view(Role.LEAD)
@require_POST
def trial_stop(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    trial = get_object_or_404(Trial, project=project, pk=pk)
    trials.stop_trial(trial=trial, actor=request.user)
    return _to_trial(trial)


@project_view(Role.LEAD)
@require_POST
def role_choose(request: ProjectRequest, project: Project) -> HttpResponse:
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            choice = choose_model(project=project, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{choice.connection} is chosen to {choice.get_role_display()}.")
    else:
        messages.error(request, "Choose a role and a model that are offered.")
    return redirect("reports:models", project.slug)


@project_view(Role.LEAD)
@require_POST
def proposal_decide(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    proposal = get_object_or_404(EdgeCaseProposal.objects.select_related("gap"), gap__project=project, pk=pk)
    take = request.POST.get("take") == "1"
    axes = {name: request.POST.getlist(f"axis:{name}") for name in proposal.axes}
    decide_proposal(proposal=proposal, take=take, axes=axes, actor=request.user)
    said = "Taken: the axes are varied from the next run on." if take else "Declined."
    messages.success(request, said)
    return redirect("reports:gap-detail", project.slug, proposal.gap.slug)


def _draft(prompt: Prompt, form: WorkbenchForm) -> trials.Draft | None:
    """What would be sent; problems go to the form."""
    if not form.is_valid():
        return None
    try:
        return trials.draft_of(prompt=prompt, **form.asked)
    except DomainError as error:
        form.add_error("template", [str(error), *getattr(error, "problems", [])])
        return None


def _workbench_page(
    request: ProjectRequest,
    prompt: Prompt,
    form: WorkbenchForm,
    *,
    draft: trials.Draft | None = None,
    trial: Trial | None = None,
) -> HttpResponse:
    newest = prompt.versions.select_related("prompt").order_by("-version").first()
    context: dict[str, Any] = {
        "prompt": prompt,
        "newest": newest,
        "form": form,
        "draft": draft,
        "state": trials.state_of(trial) if trial else None,
        "diff": diff_lines(newest.template, form["template"].value() or "") if newest else [],
        "hints": LANGUAGES[prompt.language].hints,
        "labels": prompts.labels_of(prompt.project),
        "earlier": prompt.trials.select_related("connection", "gap").order_by("-id")[:EARLIER_TRIALS],
    }
    if request.htmx:
        # A refusal is swapped in as well: it is the answer.
        return render(request, "generation/workbench.html#preview", context)
    return render(request, "generation/workbench.html", context, status=422 if form.errors else 200)


def _to_trial(trial: Trial) -> HttpResponse:
    bench = reverse("generation:workbench", args=[trial.project.slug, trial.prompt_id])
    return redirect(f"{bench}?trial={trial.pk}#trial")


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _prompt_page(request: ProjectRequest, prompt: Prompt, form: VersionForm | None) -> HttpResponse:
    entries = version_entries(prompt)
    status = 422 if form is not None else 200
    if form is None:
        form = VersionForm(initial={"template": entries[0].version.template if entries else ""})
    context: dict[str, Any] = {
        "prompt": prompt,
        "entries": entries,
        "has_outcomes": any(entry.outcome.made for entry in entries),
        "form": form,
        "hints": LANGUAGES[prompt.language].hints,
        "labels": prompts.labels_of(prompt.project),
        "is_lead": _is_lead(request),
    }
    return render(request, "generation/prompt_detail.html", context, status=status)


@project_view(Role.LEAD, Role.MANAGER)
@require_GET
def run_list(request: ProjectRequest, project: Project) -> HttpResponse:
    page = Paginator(runs_of(project), PAGE).get_page(request.GET.get("page"))
    return render(request, "generation/run_list.html", {"page_obj": page, "is_lead": _is_lead(request)})


@project_view(Role.LEAD)
@require_http_methods(["GET", "POST"])
def run_new(request: ProjectRequest, project: Project) -> HttpResponse:
    wanted = project.gaps.filter(slug=request.GET.get("gap", "")).first()
    initial = {"gap": wanted, "count": wanted.target_count} if wanted else {}
    form = RunForm(project, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            run = services.draft_run(actor=request.user, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return redirect("reports:run-detail", project.slug, run.pk)
    return render(request, "generation/run_new.html", {"form": form}, status=422 if form.errors else 200)


@project_view(Role.LEAD)
@require_POST
def run_start(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("project", "gap"), project=project, pk=pk)
    try:
        services.start_run(run=run, actor=request.user)
    except services.AlreadyStartedError as error:
        messages.info(request, str(error))
    return redirect("reports:run-detail", project.slug, run.pk)


@project_view(Role.LEAD)
@require_POST
def run_stop(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    run = get_object_or_404(Run, project=project, pk=pk)
    services.stop_run(run=run, actor=request.user)
    messages.success(request, "Stopped. Records that were in stay; nothing more comes in.")
    return redirect("reports:run-detail", project.slug, run.pk)


@project_view(Role.LEAD)
@require_POST
def run_reason(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    run = get_object_or_404(Run, project=project, pk=pk)
    gate, reason = request.POST.get("gate", ""), request.POST.get("reason", "")
    give_reason(run=run, gate=gate, reason=reason, actor=request.user)
    messages.success(request, "Written down. It stays on the run.")
    return redirect("reports:run-detail", project.slug, run.pk)


@project_view(Role.LEAD)
@require_POST
def teacher_check(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("connection"), project=project, pk=pk)
    check = start_teacher_check(project=project, connection=run.connection, actor=request.user)
    messages.success(
        request, f"The model is asked {check.asked} seed rows; the page shows what it got right."
    )
    return redirect("reports:run-detail", project.slug, run.pk)


@project_view(Role.LEAD)
@require_POST
def submission_resend_missing(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    submission = get_object_or_404(Submission.objects.select_related("connection"), project=project, pk=pk)
    again = services.resend_missing(submission=submission, actor=request.user)
    messages.success(request, f"{again.request_count} requests are asked again, and nothing else.")
    return _back_to_run(project, submission)


@project_view(Role.LEAD)
@require_POST
def submission_resend(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    submission = get_object_or_404(Submission, project=project, pk=pk)
    submissions.resend(submission=submission, actor=request.user)
    messages.success(request, "It is sent again. Check the provider's bill: it may have it twice.")
    return _back_to_run(project, submission)


@project_view(Role.LEAD)
@require_POST
def submission_abandon(request: ProjectRequest, project: Project, pk: int) -> HttpResponse:
    submission = get_object_or_404(Submission, project=project, pk=pk)
    submissions.abandon(submission=submission, actor=request.user)
    messages.success(request, "Given up: it is not looked for any more.")
    return _back_to_run(project, submission)


def _back_to_run(project: Project, submission: Submission) -> HttpResponse:
    run = get_object_or_404(Run, uuid=submission.run_uuid)
    return redirect("reports:run-detail", project.slug, run.pk)


def _show_problems(form: VersionForm, error: RefusedError) -> None:
    form.add_error("template", [str(error), *error.problems])


def _is_lead(request: ProjectRequest) -> bool:
    return request.membership.has_any(frozenset({Role.LEAD}))
