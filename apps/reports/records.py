"""Finding records by anything in their provenance, and one record's whole life."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from apps.critic.models import Verdict
from apps.datasets.models import ReleaseItem
from apps.records.models import Record, RecordEvent, SourceType, Use
from apps.records.states import RELEASABLE, RecordStatus
from apps.reports.judges import scores_of
from apps.review.diffs import FieldDiff, diff_of
from apps.review.models import Decision
from apps.review.payloads import current_payload
from apps.review.references import named
from apps.review.rules import ReviewRules
from apps.similarity.models import Neighbour
from apps.specs.models import Project
from apps.task_types import task_type_of
from apps.validation.selectors import CheckLine, check_lines, check_titles, findings_for_review

PER_PAGE = 50
UNDECIDED = frozenset({RecordStatus.AWAITING_REVIEW, RecordStatus.FLAGGED})


class RecordFilter(forms.Form):
    """The filters of the records page. They live in the address, so that a view can be sent to somebody."""

    q = forms.CharField(required=False, label="Text or #id")
    status = forms.ChoiceField(required=False)
    source_type = forms.ChoiceField(required=False, label="Source")
    use = forms.ChoiceField(required=False)
    gap = forms.ChoiceField(required=False)
    label = forms.ChoiceField(required=False)
    prompt_version = forms.ChoiceField(required=False, label="Prompt")
    generator_model = forms.ChoiceField(required=False, label="Model")

    def __init__(self, project: Project, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        records = Record.objects.filter(project=project)
        self._offer("status", [choice for choice in RecordStatus.choices if choice[0] != RecordStatus.GOLD])
        self._offer("source_type", SourceType.choices)
        self._offer("use", Use.choices)
        self._offer(
            "gap", [(str(pk), name) for pk, name in project.gaps.values_list("pk", "name").order_by("name")]
        )
        for name in ("label", "prompt_version", "generator_model"):
            values = (
                records.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:300]
            )
            self._offer(name, [(value, value) for value in values])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  narrows the type; every field but q is one
        field.choices = [("", "any"), *choices]

    def apply(self, records: QuerySet[Record]) -> QuerySet[Record]:
        """``records`` narrowed by what was filled in; raises nothing: the form was validated."""
        wanted = {name: value for name, value in self.cleaned_data.items() if value and name != "q"}
        records = records.filter(**wanted)
        words = self.cleaned_data["q"].strip()
        if (is_named := named(words)) is not None:
            return records.filter(is_named)
        return records.filter(input__icontains=words) if words else records


@dataclass(frozen=True)
class RecordRow:
    record: Record
    text: str


def record_page(project: Project, form: RecordFilter, number: str) -> tuple[Page[Record], list[RecordRow]]:
    """One page, newest first: the page for its numbers, its rows for what they say."""
    records = (
        form.apply(Record.objects.filter(project=project).exclude(status=RecordStatus.GOLD))
        .select_related("gap", "reviewer")
        .order_by("-id")
    )
    page = Paginator(records, PER_PAGE).get_page(number)
    text_of = task_type_of(project.task_type).text_of
    return page, [RecordRow(record, text_of(record.current_input)) for record in page.object_list]


@dataclass(frozen=True)
class RecordLife:
    """Everything that is known of one record."""

    record: Record
    reading_template: str
    provenance: list[tuple[str, object]]
    checks: list[CheckLine]
    verdicts: list[tuple[Verdict, list[tuple[str, int, str]]]]
    """What judges said, each with its scores; nothing while the record waits for people."""
    neighbours: list[tuple[Neighbour, str]]
    events: list[RecordEvent]
    decisions: list[Decision]
    release_items: list[ReleaseItem]
    diff: list[FieldDiff]
    """What the edit changed."""

    @property
    def is_recallable(self) -> bool:
        return self.record.status in RELEASABLE


def is_closed_to_reviewers(record: Record) -> bool:
    """Whoever may still have to decide it learns nothing from its page: neither what another said nor what it is."""
    rules = ReviewRules.of(record.project)
    if record.status == RecordStatus.GOLD or rules.hides_records:
        return True
    return record.status == RecordStatus.AWAITING_REVIEW and rules.keeps_secrets


def record_life(project: Project, record: Record) -> RecordLife:
    task_type = task_type_of(project.task_type)
    before = {"input": record.input, "output": record.output}
    neighbours = record.neighbours.select_related("other")
    items = ReleaseItem.objects.filter(record=record).select_related("release").order_by("release__number")
    return RecordLife(
        record=record,
        reading_template=task_type.reading_template,
        provenance=_provenance(record),
        checks=_checks(project, record),
        verdicts=_verdicts(record),
        neighbours=[(near, task_type.text_of(near.other.current_input)) for near in neighbours],
        events=list(record.events.select_related("actor").order_by("seq")),
        decisions=list(record.decisions.disclosed().select_related("reviewer", "undo").order_by("id")),
        release_items=list(items),
        diff=diff_of(before, current_payload(record)),
    )


def _checks(project: Project, record: Record) -> list[CheckLine]:
    if record.source_type == SourceType.REAL:
        return []
    findings = (
        findings_for_review(project, [record.pk])[record.pk]
        if record.status in UNDECIDED
        else list(record.findings.all())
    )
    return check_lines(record, findings, check_titles(project))


def _verdicts(record: Record) -> list[tuple[Verdict, list[tuple[str, int, str]]]]:
    """Whoever still has to decide is not to be told here what a judge thinks."""
    if record.status in UNDECIDED:
        return []
    verdicts = record.verdicts.select_related("version__judge").order_by("id")
    return [(verdict, scores_of(verdict)) for verdict in verdicts]


def _provenance(record: Record) -> list[tuple[str, object]]:
    names = (
        "source_type", "use", "generator_provider", "generator_model", "generator_model_family", "prompt_version",
        "schema_version", "created_at", "run_uuid", "submission_uuid", "request_id", "import_uuid", "axes",
        "rights_note",
    )  # fmt: skip
    return [(name, value) for name in names if (value := getattr(record, name)) not in ("", None, {})]
