"""Making the demo project: the same steps a team takes, through the same services."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.uploads import Upload
from apps.generation.models import PromptVersion
from apps.generation.prompts import create_prompt, create_prompt_version
from apps.generation.services import draft_run, start_run
from apps.holdout import services as holdout
from apps.holdout.rules import FreezeTerms
from apps.operations.demo.scripted_reviewer import Rules, review_with_rules
from apps.operations.imports import import_candidates, import_holdout, import_rows
from apps.operations.projects import MemberWish, set_up_project
from apps.operations.work import drain
from apps.records.models import ReviewMethod
from apps.specs.guide_files import parse_guide
from apps.specs.models import Commonness, Gap, Project
from apps.specs.services import create_gap, open_gap
from apps.submissions.services import ensure_rules_connection

DATA = Path(__file__).parent / "data"
NAME = "Demo: ticket router"
GAP_LABEL = "renewal_refund_dispute"
SCRIPT = "scripted-reviewer"
MEMBERS = ("ana:reviewer", "leo:lead+reviewer", "mara:manager", "ada:admin+lead", f"{SCRIPT}:reviewer")
MAPPING = ("input.text=text", "output.label=category", "input.channel=channel")
RECORDS_PER_PROMPT = 110
SEED = 1


def find_demo(name: str = NAME) -> Project | None:
    return Project.objects.filter(name=name).first()


def load_demo(name: str = NAME) -> Project:
    """The project with frozen holdout, open gap, two prompt versions, and candidates that wait for review."""
    if find_demo(name):
        raise DomainError(f"There is a project {name!r} already.")
    guide = parse_guide((DATA / "guide.yaml").read_text(encoding="utf-8"))
    project = set_up_project(
        name=name,
        task_type="classification",
        guide=guide,
        members=[MemberWish.parse(text) for text in MEMBERS],
    )
    User.objects.filter(username=SCRIPT).update(is_script=True, first_name="Scripted", last_name="reviewer")
    # The scripted reviewer's decisions count as bulk; a release of the demo takes them and its card says so.
    policy = project.release_policy | {"admit": [*project.release_policy["admit"], ReviewMethod.BULK]}
    Project.objects.filter(pk=project.pk).update(release_policy=policy)
    _bring_real_data(project)
    common = [label.name for label in guide.labels if label.commonness == Commonness.COMMON]
    # 168 common rows cannot rule out a smaller loss: δ and the looks are wide so that the demo can show a verdict.
    terms = FreezeTerms(rare=[GAP_LABEL], common=common, delta=0.06, alpha=0.05, looks=2)
    holdout.continue_freeze(holdout=holdout.begin_freeze(project=project, terms=terms, actor=None))
    gap = _name_the_gap(project)
    for prompt_version in _write_prompts(project):
        _generate(gap, prompt_version)
    upload = Upload.of_path(DATA / "candidates.jsonl")
    import_candidates(project=project, gap=gap, upload=upload, origin="written for the demo", strict=True)
    drain()
    project.refresh_from_db()
    return project


def scripted_review(project: Project, *, limit: int | None = None) -> Counter[str]:
    """Lets the scripted reviewer decide what waits; its decisions carry its name."""
    rules = Rules.parse((DATA / "scripted_reviewer.yaml").read_text(encoding="utf-8"))
    return review_with_rules(
        project=project, reviewer=User.objects.get(username=SCRIPT), rules=rules, limit=limit
    )


def _bring_real_data(project: Project) -> None:
    import_rows(
        project=project,
        role="train",
        upload=Upload.of_path(DATA / "train.csv"),
        mapping=MAPPING,
        drop_near=False,
        strict=True,
    )
    import_holdout(project=project, upload=Upload.of_path(DATA / "holdout.csv"), mapping=MAPPING, strict=True)


def _name_the_gap(project: Project) -> Gap:
    gap = create_gap(
        project=project,
        name="renewal refund disputes",
        target_labels=[GAP_LABEL],
        target_count=160,
        why="Customers who dispute an automatic renewal are sent to refunds or billing: six training rows only.",
        axes={"tone": ["angry", "polite", "resigned"], "length": ["short", "long"]},
        realism=["typos", "fragments", "abbreviations", "casing", "pasted_mail", "contradictions"],
        actor=None,
    )
    return open_gap(gap=gap, actor=None)


def _write_prompts(project: Project) -> list[PromptVersion]:
    first = create_prompt(
        project=project,
        name="renewal disputes",
        template=_phrases("v1"),
        notes="First try: polite, complete sentences.",
        actor=None,
    )
    second = create_prompt_version(
        prompt=first.prompt, template=_phrases("v2"), notes="As customers write.", actor=None
    )
    return [first, second]


def _phrases(version: str) -> str:
    return (DATA / f"phrases_{version}.yaml").read_text(encoding="utf-8")


def _generate(gap: Gap, prompt_version: PromptVersion) -> None:
    run = draft_run(
        gap=gap,
        prompt_version=prompt_version,
        connection=ensure_rules_connection(),
        count=RECORDS_PER_PROMPT,
        seed=SEED,
        actor=None,
    )
    start_run(run=run, actor=None)
    drain()
