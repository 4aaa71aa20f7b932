from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from apps.core.command import HouseCommand
from apps.core.errors import DomainError, RefusedError
from apps.core.tabular import Row, read_rows
from apps.operations.projects import MemberWish, set_up_project
from apps.specs.guide_files import GuideDraft, guide_from_rows, parse_guide
from apps.specs.models import Standing

TEXT_COLUMNS = ("text", "message", "body", "utterance", "query", "input")


class Command(HouseCommand):
    help = (
        "Makes a project with a published spec and label guide. A missing member is made, without password."
    )
    example = (
        "manage.py create_project router --task classification --guide guide.yaml --member ana:lead+reviewer"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--task", required=True, help="A task type, for example classification.")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--guide", metavar="FILE.yaml", help="Labels, definitions, examples, commonness.")
        source.add_argument(
            "--labels-from",
            metavar="FILE:COLUMN",
            help="Start from a data file's labels; two texts of each become its examples, and thereby seeds.",
        )
        parser.add_argument("--text-column", help="With --labels-from: where the text is (default: guessed).")
        parser.add_argument(
            "--member",
            nargs="*",
            action="extend",
            default=[],
            metavar="USER:ROLE",
            help="Several roles: USER:lead+reviewer.",
        )
        parser.add_argument("--sandbox", action="store_true", help="No launch review, fewer conditions.")

    def run(self, **options: Any) -> str:
        guide = _guide_file(options["guide"]) if options["guide"] else _labels_from(options)
        project = set_up_project(
            name=options["name"],
            task_type=options["task"],
            guide=guide,
            members=[MemberWish.parse(text) for text in options["member"]],
            standing=Standing.SANDBOX if options["sandbox"] else Standing.GOVERNED,
        )
        return (
            f"Project {project} ({project.standing}) with {len(guide.labels)} labels, "
            f"{project.records.count()} seed rows and {project.memberships.count()} members."
        )


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DomainError(f"Cannot read {path}: {error.strerror}.") from error


def _guide_file(path: str) -> GuideDraft:
    try:
        return parse_guide(_read(path).decode())
    except UnicodeDecodeError as error:
        raise DomainError(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error


def _labels_from(options: dict[str, Any]) -> GuideDraft:
    path, separator, column = options["labels_from"].rpartition(":")
    if not separator:
        raise DomainError("--labels-from: write FILE:COLUMN.")
    rows: list[tuple[str, str]] = []
    problems: list[str] = []
    for row in read_rows(_read(path), path):
        if not isinstance(row, Row):
            problems.append(f"line {row.line}: {row.reason}")
            continue
        text_column = options["text_column"] or next(
            (name for name in TEXT_COLUMNS if name in row.values), None
        )
        if text_column is None or column not in row.values:
            raise DomainError(
                f"{path} has the columns {', '.join(row.values)}: name {column!r} and --text-column."
            )
        text, label = str(row.values[text_column] or "").strip(), str(row.values[column] or "").strip()
        if text and label:
            rows.append((text, label))
    if problems:
        raise RefusedError(f"{path} has lines that cannot be read:", problems[:20])
    return guide_from_rows(rows, filename=Path(path).name, column=column)
