"""The project home: the loop as ten steps, each with its state, and the one next action."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.urls import reverse

from apps.datasets.models import Release
from apps.evaluation.models import LaunchReview, ModelUnderTest
from apps.generation.models import PromptVersion, Run
from apps.holdout.models import HoldoutSet
from apps.records.models import Record
from apps.records.states import DECIDED, RecordStatus
from apps.reports.judges import open_doubts_by_judge
from apps.specs.models import Gap, GapStatus, Membership, Project, Role
from apps.validation.drops import Unusual, unusual_checks


@dataclass(frozen=True)
class Step:
    """One step of the loop. ``state`` is done, next, todo or blocked; ``word`` says it for people."""

    name: str
    state: str
    word: str
    url: str


@dataclass(frozen=True)
class Action:
    """The one thing to do next, with why and where."""

    title: str
    why: str
    label: str
    url: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Figures:
    waiting: int
    flagged: int
    decided: int
    accepted: int
    dropped: int
    target: int
    filled: int


@dataclass(frozen=True)
class ProjectHome:
    steps: list[Step]
    action: Action
    is_for_me: bool
    figures: Figures
    gaps: list[tuple[Gap, int]]
    runs: list[Run]
    verdict: LaunchReview | None
    unusual: list[Unusual]
    """Checks that drop more than they used to, for those who can look into it."""
    doubts: int
    """Accepted records that a judge doubts and nobody has looked into, for a lead."""


LEAD = frozenset({Role.LEAD})
LEADERS = frozenset({Role.LEAD, Role.MANAGER})
REVIEWERS = frozenset({Role.REVIEWER, Role.LEAD})


class _Facts:
    """What the steps are decided by; a fixed number of queries, whatever the project's size."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.seal = project.active_seal()
        self.open_holdout = None if self.seal else HoldoutSet.objects.open_of(project.uuid).first()
        self.guide = project.published_guide()
        self.gaps = list(project.gaps.order_by("id"))
        self.open_gaps = [gap for gap in self.gaps if gap.status == GapStatus.OPEN]
        self.has_prompt = PromptVersion.objects.filter(prompt__project=project).exists()
        self.runs = list(project.runs.select_related("gap", "prompt_version__prompt").order_by("-id")[:5])
        counted = Record.objects.filter(project=project).candidates().values("status").annotate(n=Count("id"))
        self.by_status = {row["status"]: row["n"] for row in counted}
        self.candidates = sum(self.by_status.values())
        self.release = Release.objects.filter(project=project).order_by("-number").first()
        self.models = set(
            ModelUnderTest.objects.filter(project=project).values_list("name", flat=True).distinct()
        )
        self.verdict = LaunchReview.objects.filter(project=project).order_by("-id").first()

    def count(self, *statuses: str) -> int:
        return sum(self.by_status.get(status, 0) for status in statuses)

    @property
    def waiting(self) -> int:
        return self.count(RecordStatus.AWAITING_REVIEW)

    @property
    def decided(self) -> int:
        return self.count(*DECIDED)

    @property
    def accepted(self) -> int:
        return self.count(RecordStatus.ACCEPTED, RecordStatus.EDITED)

    @property
    def dropped(self) -> int:
        return self.count(RecordStatus.FAILED_CHECKS, RecordStatus.NOT_CHECKED)

    @property
    def has_holdout(self) -> bool:
        return self.seal is not None or self.project.is_sandbox


def project_home(project: Project, membership: Membership) -> ProjectHome:
    facts = _Facts(project)
    filled = _filled(project)
    actions = _actions(facts)
    done = _done(facts)
    next_name = next((name for name, is_done in done.items() if not is_done and name in actions), "Launch")
    action = actions.get(next_name) or _look_at_reports(project)
    return ProjectHome(
        steps=[_step(name, is_done, name == next_name, facts) for name, is_done in done.items()],
        action=action,
        is_for_me=membership.has_any(action.roles),
        figures=Figures(
            facts.waiting,
            facts.count(RecordStatus.FLAGGED),
            facts.decided,
            facts.accepted,
            facts.dropped,
            sum(gap.target_count for gap in facts.open_gaps),
            sum(filled.get(gap.pk, 0) for gap in facts.open_gaps),
        ),
        gaps=[(gap, filled.get(gap.pk, 0)) for gap in facts.gaps],
        runs=facts.runs,
        verdict=facts.verdict,
        unusual=unusual_checks(project) if membership.has_any(LEADERS) else [],
        doubts=sum(open_doubts_by_judge(project).values()) if membership.has_any(LEAD) else 0,
    )


def _filled(project: Project) -> dict[int, int]:
    rows = Record.objects.filter(project=project).releasable().values("gap").annotate(n=Count("id"))
    return {row["gap"]: row["n"] for row in rows if row["gap"]}


def _done(facts: _Facts) -> dict[str, bool]:
    is_checked = facts.candidates > 0 and not facts.count(RecordStatus.GENERATED)
    return {
        "Holdout": facts.has_holdout,
        "Guide": facts.guide is not None,
        "Gap": bool(facts.open_gaps),
        "Prompt": facts.has_prompt or facts.candidates > 0,
        "Run": facts.candidates > 0,
        "Checks": is_checked,
        "Review": is_checked and facts.decided > 0 and not facts.waiting,
        "Release": facts.release is not None and facts.release.status == "ready",
        "Evaluate": {"real", "control", "blended"} <= facts.models or len(facts.models) >= 3,
        "Launch": facts.verdict is not None,
    }


def _words(facts: _Facts) -> dict[str, str]:
    return {
        "Holdout": _holdout_word(facts),
        "Guide": f"v{facts.guide.version}" if facts.guide else "not published",
        "Gap": f"{len(facts.open_gaps)} open" if facts.open_gaps else "none open",
        "Prompt": "written" if facts.has_prompt else "none yet",
        "Run": f"{facts.candidates} made" if facts.candidates else "none yet",
        "Checks": f"{facts.dropped} dropped" if facts.candidates else "nothing to check",
        "Review": f"{facts.waiting} waiting" if facts.waiting else f"{facts.decided} decided",
        "Release": f"release {facts.release.number} {facts.release.status}" if facts.release else "none yet",
        "Evaluate": f"{len(facts.models)} models" if facts.models else "not measured",
        "Launch": facts.verdict.verdict.replace("_", " ").lower() if facts.verdict else "no verdict",
    }


def _holdout_word(facts: _Facts) -> str:
    if facts.seal:
        return f"{facts.seal.row_count} rows frozen"
    if facts.project.is_sandbox:
        return "sandbox"
    return facts.open_holdout.status if facts.open_holdout else "none yet"


URLS = {
    "Holdout": "holdout:holdout-detail",
    "Guide": "specs:guide-detail",
    "Gap": "specs:gap-list",
    "Prompt": "generation:prompt-list",
    "Run": "generation:run-list",
    "Checks": "reports:dropped",
    "Review": "review:room",
    "Release": "datasets:release-list",
    "Evaluate": "evaluation:evaluation-home",
    "Launch": "evaluation:evaluation-home",
}


def _step(name: str, is_done: bool, is_next: bool, facts: _Facts) -> Step:  # noqa: FBT001
    state = "done" if is_done else "next" if is_next else "todo"
    if name == "Launch" and facts.project.is_sandbox:
        state = "blocked"
    return Step(name, state, _words(facts)[name], reverse(URLS[name], args=[facts.project.slug]))


def _actions(facts: _Facts) -> dict[str, Action]:
    """The action of each step that could be next; a step without one is waited for, not done by a person."""
    slug = facts.project.slug
    actions = {
        "Guide": Action(
            "Publish the label guide",
            "Every label needs a definition, a commonness and a real example before anything can be generated.",
            "Open the guide",
            reverse("specs:guide-detail", args=[slug]),
            LEAD,
        ),
        "Gap": Action(
            "Name the gap",
            "Say which labels are missed, why you think so, and how many records would help.",
            "Go to the gaps",
            reverse("specs:gap-list", args=[slug]),
            LEAD,
        ),
        "Prompt": Action(
            "Write a prompt, or import candidates",
            "A prompt version is what every record is traced back to.",
            "Go to the prompts",
            reverse("generation:prompt-list", args=[slug]),
            LEAD,
        ),
        "Run": Action(
            "Start a run",
            "Generate candidates for the gap; you see an estimate before anything starts.",
            "New run",
            reverse("generation:run-new", args=[slug]),
            LEAD,
        ),
        "Release": Action(
            "Build a release",
            f"{facts.accepted} reviewed records can be released, mixed with real rows.",
            "Go to the releases",
            reverse("datasets:release-list", args=[slug]),
            LEADERS,
        ),
        "Evaluate": Action(
            "Train and compare",
            "Run the built-in learner on the release, or upload the predictions of your own model.",
            "Go to evaluation",
            reverse("evaluation:evaluation-home", args=[slug]),
            LEADERS,
        ),
    }
    if facts.guide:
        actions["Holdout"] = _holdout_action(facts)
    if facts.waiting:
        actions["Review"] = Action(
            f"Review {facts.waiting} waiting record{'s' if facts.waiting != 1 else ''}",
            "Accept, edit or reject what the checks let through. A few minutes make a difference.",
            "Open the review room",
            reverse("review:room", args=[slug]),
            REVIEWERS,
        )
    if not facts.project.is_sandbox:
        actions["Launch"] = Action(
            "Ask for the verdict",
            "Compare baseline, control and candidate on the frozen real holdout. This uses one look.",
            "Go to the launch review",
            reverse("evaluation:evaluation-home", args=[slug]),
            LEADERS,
        )
    return actions


def _holdout_action(facts: _Facts) -> Action:
    slug = facts.project.slug
    if facts.open_holdout is not None:
        return Action(
            "Freeze the real holdout",
            "Nothing can be generated before it is frozen, or its score would prove nothing.",
            "Go to the holdout",
            reverse("holdout:holdout-detail", args=[slug]),
            LEADERS,
        )
    return Action(
        "Bring in a real holdout",
        "Real records that no generator made, labelled or saw: the only thing the verdict listens to.",
        "Go to the holdout",
        reverse("holdout:holdout-detail", args=[slug]),
        LEADERS,
    )


def _look_at_reports(project: Project) -> Action:
    return Action(
        "See which prompts pay off",
        "The provenance report shows acceptance by prompt, model, label and reviewer.",
        "Open the report",
        reverse("reports:provenance", args=[project.slug]),
        LEADERS,
    )
