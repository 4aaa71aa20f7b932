"""What a lead sees before a recall, how much it would take back and from which releases, and how one went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count, QuerySet

from apps.datasets.models import Release, ReleaseItem, ReleaseStatus
from apps.generation.models import Run
from apps.records.models import Record, RecordQuerySet, ReviewMethod
from apps.records.states import RecordStatus
from apps.review.recall_criteria import TITLES, levels_below, records_that_fit, words_of
from apps.review.recall_models import Recall, RecallStatus
from apps.review.recalls import LONGEST_REASON
from apps.specs.models import Project
from apps.task_types import task_type_of

SAMPLES = 10
LATEST = 20
MOST_CHOICES = 300


class CriteriaForm(forms.Form):
    """The criteria of a recall. They live in the address: a report can link to its suspects."""

    prompt_version = forms.ChoiceField(required=False, label="Prompt")
    generator_model = forms.ChoiceField(required=False, label="Model")
    generator_provider = forms.ChoiceField(required=False, label="Provider")
    run = forms.ChoiceField(required=False)
    label = forms.ChoiceField(required=False)
    gap = forms.ChoiceField(required=False)
    review_method = forms.ChoiceField(required=False, label="Reviewed by method")
    reviewer = forms.ChoiceField(required=False)
    made_since = forms.DateField(required=False)
    made_until = forms.DateField(required=False)
    decided_since = forms.DateField(required=False)
    decided_until = forms.DateField(required=False)
    record = forms.IntegerField(required=False, min_value=1, label="Record #")
    plan = forms.IntegerField(required=False, min_value=1, label="Accepted by plan")

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        records = Record.objects.filter(project=project).candidates().releasable()
        for name in ("prompt_version", "generator_model", "generator_provider", "label"):
            self._offer(name, _pairs(_distinct(records, name)))
        self._offer("reviewer", _pairs(_distinct(records, "reviewer__username")))
        self._offer("review_method", ReviewMethod.choices)
        self._offer("gap", list(project.gaps.order_by("name").values_list("slug", "name")))
        runs = Run.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True)[:MOST_CHOICES]
        self._offer("run", [(str(pk), f"run {pk}") for pk in runs])
        for name, field in self.fields.items():
            if isinstance(field, forms.DateField):
                field.widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
                field.label = TITLES[name].capitalize()

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  narrows the type; only these are passed
        field.choices = [("", "any"), *choices]

    def criteria(self) -> dict[str, str]:
        """What was filled in and can be read, as the service takes it. The form was asked whether it is valid."""
        return {name: str(self.cleaned_data[name]) for name in TITLES if self.cleaned_data.get(name)}


class RecallForm(CriteriaForm):
    """The same criteria, sent with a reason and with how many records the lead saw."""

    reason = forms.CharField(max_length=LONGEST_REASON)
    expected = forms.IntegerField(min_value=0)


@dataclass(frozen=True)
class ReleaseShare:
    """A release, and how many of the records in question it contains."""

    release: Release
    records: int


@dataclass(frozen=True)
class RecallPreview:
    """What a recall by these criteria would take back."""

    criteria: Mapping[str, str]
    by_status: list[tuple[str, str, int]]
    derived: int
    releases: list[ReleaseShare]
    in_no_release: int
    samples: list[tuple[Record, str]]

    @property
    def count(self) -> int:
        return sum(n for _, _, n in self.by_status)

    @property
    def words(self) -> str:
        return words_of(self.criteria)


@dataclass(frozen=True)
class RecallLine:
    """A recall that was begun."""

    recall: Recall
    words: str

    @property
    def is_live(self) -> bool:
        return self.recall.status == RecallStatus.TAKING_BACK


def preview(project: Project, criteria: Mapping[str, str]) -> RecallPreview:
    """A handful of queries, whatever the number of records. RefusedError as ``records_that_fit``."""
    records = records_that_fit(project, criteria)
    by_status = dict(records.values_list("status").annotate(n=Count("pk")).order_by())
    text_of = task_type_of(project.task_type).text_of
    samples = records.select_related("reviewer").order_by("-pk")[:SAMPLES]
    return RecallPreview(
        criteria=criteria,
        by_status=[
            (str(status), str(status.label), by_status[status])
            for status in (RecordStatus.ACCEPTED, RecordStatus.EDITED)
            if status in by_status
        ],
        derived=_count_derived(records),
        releases=_releases(project, records),
        in_no_release=records.filter(released_at=None).count(),
        samples=[(record, text_of(record.current_input)) for record in samples],
    )


def latest_recalls(project: Project) -> list[RecallLine]:
    recalls = project.recalls.select_related("started_by").order_by("-pk")[:LATEST]
    return [RecallLine(recall, words_of(recall.criteria)) for recall in recalls]


def _count_derived(records: RecordQuerySet) -> int:
    own = set(records.order_by().values_list("pk", flat=True)) if records.exists() else set()
    below: set[int] = set()
    for level in levels_below(records):
        below.update(level.releasable().values_list("pk", flat=True))
    return len(below - own)


def _releases(project: Project, records: RecordQuerySet) -> list[ReleaseShare]:
    """Those that stand or are being built; what they contain by the decision that would be taken back."""
    counted = dict(
        ReleaseItem.objects.filter(
            release__project=project,
            release__status__in=[ReleaseStatus.BUILDING, ReleaseStatus.READY],
            record__in=records.order_by().values("pk"),
        )
        .values_list("release")
        .annotate(n=Count("pk"))
        .order_by()
    )
    releases = Release.objects.filter(pk__in=counted).defer("manifest").order_by("-number")
    return [ReleaseShare(release, counted[release.pk]) for release in releases]


def _distinct(records: RecordQuerySet, column: str) -> QuerySet[Record, str]:
    values = records.exclude(**{f"{column}__isnull": True}).exclude(**{column: ""})
    return values.order_by(column).values_list(column, flat=True).distinct()[:MOST_CHOICES]


def _pairs(values: QuerySet[Record, str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
