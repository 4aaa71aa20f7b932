"""What a request file is screened for before it leaves this machine: protected texts and secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from apps.core.detectors.secrets import find_secrets
from apps.core.strict_json import iter_lines, loads_line
from apps.core.text import flatten_strings
from apps.leakage.request_files import MAX_LINE_BYTES, LeakPlace, screen_json_lines
from apps.leakage.screening import screen_texts
from apps.records.models import Record
from apps.specs.models import Label
from apps.submissions.models import Submission
from apps.submissions.request_files import line_number_of
from apps.submissions.screening import ScreenedPlace
from apps.submissions.screening import screen_submission as screen_with
from apps.task_types import task_type_of

LEAK_REASONS = {
    "text": "a protected text",
    "sentence": "a sentence of a protected text",
    "gram": "a part of a protected text",
    "near": "too close to a protected text",
}


def screen_submission(submission_id: int) -> None:
    """Screens the frozen request file with everything this process is allowed to know."""
    screen_with(submission_id, (screen_for_leaks, screen_for_secrets))


def screen_for_leaks(*, submission: Submission, file: Path) -> Sequence[ScreenedPlace]:
    """Every string that is, holds or nearly is a protected text, but for the names of the guide's labels."""
    judged, leaking = _judged_records(submission)
    places = screen_json_lines(file, project_uuid=submission.project.uuid, quoted=judged)
    names = _label_names(submission)
    found = [
        ScreenedPlace(place.line, place.pointer, "leakage", LEAK_REASONS[place.rule])
        for place, text in _with_texts(file, places)
        # A customer may well write just "pending transfer?": the label of that name gives nothing away.
        if not (place.rule == "text" and text in names)
    ]
    return [*found, *leaking, *_protected_seeds(submission)]


def screen_for_secrets(*, submission: Submission, file: Path) -> Sequence[ScreenedPlace]:
    """Every string with a credential in it; documented example keys are none."""
    seen: set[bytes] = set()
    places = []
    for number, pointer, text in _strings(file):
        # The phrases of a prompt stand in every line again.
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest in seen:
            continue
        seen.add(digest)
        places += [
            ScreenedPlace(number, pointer, "secrets", detection.description)
            for detection in find_secrets(text)
            if not detection.reserved
        ]
    return places


def _protected_seeds(submission: Submission) -> list[ScreenedPlace]:
    """Seeds that are a protected text themselves.

    A prompt may quote its seeds, whatever phrases they share with the holdout; so a seed row that should
    never have come in must be caught by itself.
    """
    uuids = {
        uuid
        for context in submission.requests.values_list("context", flat=True).iterator()
        for uuid in context.get("seed_uuids", ())
    }
    text_of = task_type_of(submission.project.task_type).text_of
    seeds = list(Record.objects.filter(uuid__in=uuids).order_by("id").values_list("pk", "input"))
    verdicts = screen_texts(
        project_uuid=submission.project.uuid, texts=[text_of(input_) for _, input_ in seeds]
    )
    return [
        ScreenedPlace(0, f"seed row #{pk}", "leakage", LEAK_REASONS["text"])
        for (pk, _), verdict in zip(seeds, verdicts, strict=True)
        if verdict.rule == "text"
    ]


def _judged_records(submission: Submission) -> tuple[list[str], list[ScreenedPlace]]:
    """Texts of the records that a judge is asked about, and the places of those that may not be shown to it.

    They are held to the rule for records, against everything that is protected today: what stands in review may have
    come in before it was. A request may then quote them as it may quote a seed.
    """
    asked = {
        context["judged"]: line_number_of(custom_id)
        for custom_id, context in submission.requests.values_list("custom_id", "context").iterator()
        if "judged" in context
    }
    records = Record.objects.filter(pk__in=asked).only("input", "output", "edited_input", "edited_output")
    texts = [
        (record.pk, text)
        for record in records
        for payload in (record.current_input, record.current_output)
        for _, text in flatten_strings(payload)
    ]
    names = _label_names(submission)
    verdicts = screen_texts(project_uuid=submission.project.uuid, texts=[text for _, text in texts])
    places = [
        ScreenedPlace(asked[pk], f"record #{pk}", "leakage", LEAK_REASONS[verdict.rule])
        for (pk, text), verdict in zip(texts, verdicts, strict=True)
        if verdict.is_leak and text not in names
    ]
    return [text for _, text in texts], places


def _label_names(submission: Submission) -> set[str]:
    return set(
        Label.objects.filter(guide=submission.project.published_guide()).values_list("name", flat=True)
    )


def _with_texts(file: Path, places: Sequence[LeakPlace]) -> Iterator[tuple[LeakPlace, str]]:
    wanted: dict[tuple[int, str], list[LeakPlace]] = {}
    for place in places:
        wanted.setdefault((place.line, place.pointer), []).append(place)
    for number, pointer, text in _strings(file) if wanted else ():
        for place in wanted.get((number, pointer), ()):
            yield place, text


def _strings(file: Path) -> Iterator[tuple[int, str, str]]:
    """(line, JSON pointer, string) of every string value."""
    with file.open("rb") as stream:
        for number, line in enumerate(iter_lines(stream, max_bytes=MAX_LINE_BYTES), 1):
            for pointer, text in flatten_strings(loads_line(line.data, max_bytes=MAX_LINE_BYTES)):
                yield number, pointer, text
