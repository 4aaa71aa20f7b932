"""Screening a frozen request file, string by string, before it may be sent."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from apps.core.errors import RefusedError
from apps.core.strict_json import Line, StrictJsonError, iter_lines, loads_line
from apps.core.text import canonical, flatten_strings
from apps.leakage.screening import BATCH_CHARACTERS, Rule, screen_texts
from apps.specs.models import Project
from apps.task_types import task_type_of

# A provider takes requests of a few hundred kilobytes; one line beyond this is no request of ours.
MAX_LINE_BYTES = 8_000_000
# Runs of them, so that the two halves of an emoji are read together.
_ESCAPES = re.compile(r"""(?:\\(?:u[0-9a-fA-F]{4}|[bfnrt"\\/]))+""")


@dataclass(frozen=True)
class LeakPlace:
    """Where a protected text stands in the file. Never the text."""

    line: int
    pointer: str
    rule: Rule


@dataclass(frozen=True)
class _Piece:
    line: int
    pointer: str
    text: str


def screen_json_lines(
    source: Path | bytes, *, project_uuid: UUID, quoted: Sequence[str] = ()
) -> list[LeakPlace]:
    """Every place in a file of JSON lines that is, holds or nearly is a protected text, in file order.

    ``near`` places are in the list as well: a prompt is ours to change, so it is held to more than a record.
    What stands in a seed row is no leak where the string quotes that seed, or is a piece of it: the seed
    passed the wall on its way in, and real questions share phrases (one in ten of banking77's training rows
    holds one of its test file's). So it is with ``quoted``: texts that passed the wall by themselves.
    Raises RefusedError naming the lines that cannot be read: what cannot be screened is not sent.
    """
    seeds = Seeds(project_uuid, quoted)
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
        places = [
            place for batch in _batches(_pieces(stream)) for place in _screen(batch, project_uuid, seeds)
        ]
    return list(dict.fromkeys(places))


class Seeds:
    """The seed rows of a project, and ``more``, as texts that a prompt may quote; read when the first hit asks."""

    def __init__(self, project_uuid: UUID, more: Sequence[str] = ()) -> None:
        self._project_uuid = project_uuid
        self._more = more

    @cached_property
    def _seeds(self) -> list[str]:
        project = Project.objects.get(uuid=self._project_uuid)
        text_of = task_type_of(project.task_type).text_of
        inputs = project.records.seeds().values_list("input", flat=True)
        texts = [*(text_of(input_) for input_ in inputs), *self._more]
        return [folded for text in texts if (folded := canonical(text))]

    def quoted_in(self, text: str) -> list[str]:
        """Seeds that stand whole in ``text``, and those that ``text`` is a piece of."""
        shown = f" {canonical(_plain(text))} "
        return [seed for seed in self._seeds if f" {seed} " in shown or shown in f" {seed} "]


def _screen(batch: list[_Piece], project_uuid: UUID, seeds: Seeds) -> Iterator[LeakPlace]:
    verdicts = screen_texts(
        project_uuid=project_uuid,
        texts=[piece.text for piece in batch],
        strictness="prompt",
        quotable=seeds,
    )
    for piece, verdict in zip(batch, verdicts, strict=True):
        if not verdict.is_clean:
            yield LeakPlace(piece.line, piece.pointer, verdict.rule)


def _pieces(stream: BinaryIO) -> Iterator[_Piece]:
    for number, line in enumerate(iter_lines(stream, max_bytes=MAX_LINE_BYTES), 1):
        for pointer, text in _strings(number, line):
            yield _Piece(number, pointer, text)
            # A record quoted as JSON inside a prompt hides its umlauts and line breaks behind escapes.
            if (plain := _plain(text)) != text:
                yield _Piece(number, pointer, plain)


def _strings(number: int, line: Line) -> Iterator[tuple[str, str]]:
    try:
        yield from flatten_strings(loads_line(line.data, max_bytes=MAX_LINE_BYTES))
    except StrictJsonError as error:
        raise RefusedError(
            "The request file cannot be screened, so it must not be sent.",
            [f"line {number}: {error.message}"],
        ) from error


def _plain(text: str) -> str:
    """``text`` with its JSON escapes undone."""
    return _ESCAPES.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    return str(json.loads(f'"{match.group()}"'))


def _batches(pieces: Iterator[_Piece]) -> Iterator[list[_Piece]]:
    batch: list[_Piece] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece.text)
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
