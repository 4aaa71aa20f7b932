"""A project with a frozen holdout, models that answered it, and a release to train on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.core.uploads import Upload
from apps.datasets.models import Release
from apps.datasets.services import build_release, request_release
from apps.evaluation.launch import create_launch_review
from apps.evaluation.models import LaunchReview, ModelUnderTest, Training
from apps.evaluation.services import upload_predictions
from apps.holdout.imports import commit_holdout_import, stage_holdout_import
from apps.holdout.models import HoldoutRecord, HoldoutSet, HoldoutStatus
from apps.holdout.rules import FreezeTerms
from apps.holdout.services import begin_freeze, continue_freeze
from apps.records.models import Record, Use
from apps.records.services import move_records
from apps.records.states import RecordStatus
from apps.review.bulk import bulk_decide
from apps.specs.models import Gap, HoldoutSeal, LabelGuide, Project, Role
from apps.specs.services import create_gap, meaning_hash, open_gap
from tests import factories

DATABASES = ["default", "leakage", "holdout"]
ROWS = {"refund": 40, "billing": 140, "abuse": 20}
"""Holdout rows by label: the gap, the common label, another one."""
WORDS = {
    "refund": ("renewed", "money back", "charged again"),
    "billing": ("invoice", "address", "payment method"),
    "abuse": ("insult", "threat", "spam"),
}
TERMS = FreezeTerms(rare=["refund"], common=["billing"], delta=0.05, alpha=0.05, looks=2)

Wrong = Callable[[int, str], bool]
"""Whether a model is wrong on the row of this number and label."""


def never(number: int, label: str) -> bool:
    return False


def wrong_first(**counts: int) -> Wrong:
    """Wrong on the first so many rows of each label."""

    def is_wrong(number: int, label: str) -> bool:
        return number < counts.get(label, 0)

    return is_wrong


@dataclass
class Court:
    """Where models are judged."""

    project: Project
    lead: User
    gap: Gap
    models: dict[str, ModelUnderTest] = field(default_factory=dict)

    @property
    def seal(self) -> HoldoutSeal:
        seal = self.project.active_seal()
        assert seal is not None
        return seal

    @property
    def holdout(self) -> HoldoutSet:
        return HoldoutSet.objects.get(uuid=self.seal.holdout_uuid)

    def upload(self, name: str, wrong: Wrong = never, **values: Any) -> ModelUnderTest:
        """A model that answers every row right, but for those where it is ``wrong``."""
        self.models[name] = upload_predictions(
            project=self.project,
            name=name,
            upload=Upload("predictions.csv", answers(self.holdout, wrong)),
            actor=self.lead,
            **({"trained_on": Training.UNKNOWN} | values),
        )
        return self.models[name]

    def upload_three(self, **values: Any) -> None:
        """A baseline that misses most of the gap, a control a little less, and a candidate that has it."""
        self.upload("before", wrong_first(refund=30, billing=10), **values)
        self.upload("reweighted", wrong_first(refund=28, billing=10), **values)
        self.upload("after", wrong_first(refund=4, billing=10), **values)

    def review(
        self, candidate: str = "after", *, baseline: str = "before", control: str = "reweighted"
    ) -> LaunchReview:
        return create_launch_review(
            project=self.project,
            baseline=self.models[baseline],
            control=self.models[control],
            candidate=self.models[candidate],
            actor=self.lead,
        )

    def release(self, *texts: str, label: str = "refund", **values: Any) -> Release:
        """A release of the real rows and of these candidates, accepted at once."""
        records = [factories.make_candidate(self.gap, text, label, **values) for text in texts]
        move_records(records=records, to=RecordStatus.AWAITING_REVIEW, actor=None, due_at=timezone.now())
        bulk_decide(project=self.project, actor=self.lead)
        release = request_release(
            project=self.project, actor=self.lead, policy_override={"admit": ["person", "bulk"]}
        )
        build_release(release.pk)
        release.refresh_from_db()
        return release

    def retire_holdout(self) -> None:
        HoldoutSet.objects.filter(uuid=self.seal.holdout_uuid).update(status=HoldoutStatus.RETIRED)
        self.project.seals.update(retired_at=timezone.now())

    def add_real(self, text: str, label: str, *, use: Use = Use.TRAIN) -> Record:
        return factories.make_real(self.project, text, label, use=use)

    def add_train_rows(self, **counts: int) -> None:
        for label, count in counts.items():
            for number in range(count):
                self.add_real(sentence(label, number, "I write again about"), label)


def make_court(
    *, rows: Mapping[str, int] = ROWS, terms: FreezeTerms = TERMS, is_gap_open: bool = True, **values: Any
) -> Court:
    """A project with a frozen holdout of ``rows`` and a gap for refunds; nobody has answered yet."""
    project = factories.make_project(**values)
    factories.make_spec(project)
    publish_guide(project)
    freeze_holdout(project, rows, terms)
    gap = create_gap(project=project, name="refunds", target_labels=["refund"], target_count=20, actor=None)
    lead = factories.make_member(project, Role.LEAD, Role.REVIEWER)
    return Court(project, lead, open_gap(gap=gap, actor=None) if is_gap_open else gap)


def freeze_holdout(project: Project, rows: Mapping[str, int] = ROWS, terms: FreezeTerms = TERMS) -> None:
    data = "\n".join(
        ["id,text,category", *(f"{name},{text},{label}" for name, text, label in holdout_rows(rows))]
    )
    staged = stage_holdout_import(project=project, upload=Upload("holdout.csv", data.encode()), actor=None)
    commit_holdout_import(project=project, import_=staged, actor=None)
    continue_freeze(holdout=begin_freeze(project=project, terms=terms, actor=None))


def publish_guide(project: Project, *labels: str) -> LabelGuide:
    """A guide under the hash of its labels' meaning, as publishing writes it."""
    guide = factories.make_guide(project, *(labels or ("refund", "billing", "abuse")), published=False)
    LabelGuide.objects.filter(pk=guide.pk).update(
        status="published", content_hash=meaning_hash(guide), published_at=guide.created_at
    )
    guide.refresh_from_db()
    return guide


def holdout_rows(counts: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """(id, text, label): ids are ``refund-0`` and so on, no two texts are near each other."""
    return [
        (f"{label}-{number}", sentence(label, number, "dear team"), label)
        for label, count in counts.items()
        for number in range(count)
    ]


def sentence(label: str, number: int, start: str) -> str:
    """A text about ``label`` whose words tell it from the other labels, and its number from its own kind."""
    word = WORDS[label][number % len(WORDS[label])]
    spelt = "".join("kvmrtlsnpd"[int(digit)] + "aeiouaeiou"[int(digit)] for digit in f"{number:03d}")
    return f"{start} {spelt} {word} {spelt[::-1]}"


def answers(holdout: HoldoutSet, wrong: Wrong = never) -> bytes:
    """A prediction file for every row of ``holdout``."""
    lines = ["id,label,score"]
    for record in HoldoutRecord.objects.filter(holdout=holdout).order_by("pk"):
        number = int(record.source_id.rpartition("-")[2])
        label = "nonsense" if wrong(number, record.label) else record.label
        lines.append(f"{record.source_id},{label},0.9")
    return "\n".join(lines).encode()
