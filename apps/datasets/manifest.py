"""What a release says about itself: the manifest for programs, the card for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.core.strict_json import sha256_of
from apps.datasets.choosing import Choice
from apps.datasets.models import Release
from apps.datasets.writers import MAIN, Example
from apps.review.checkpoint_models import LedgerCheckpoint
from apps.specs.models import Project
from apps.task_types import task_type_of

FORMAT = "synthreview release 1"
SANDBOX_NOTE = "Sandbox project: nothing made here can reach a launch review."
FACETS = ("eval_split", "source_type", "review_method", "prompt_version", "generator_model")
"""Fields of a line that the manifest counts by, beside the label."""

Counts = dict[str, dict[str, int]]


def frozen_part(project: Project, choice: Choice, checkpoint: LedgerCheckpoint) -> dict[str, Any]:
    """What can be said when the list is frozen, and may read differently later."""
    guide, spec, seal = project.published_guide(), project.published_spec(), project.active_seal()
    return {
        "format": FORMAT,
        "project": {"name": project.name, "uuid": str(project.uuid)},
        "task_type": project.task_type,
        "standing": project.standing,
        "guide_version": guide.version if guide else None,
        "schema_version": spec.version if spec else None,
        "holdout": {"content_hash": seal.content_hash, "sealed_at": seal.sealed_at.isoformat()}
        if seal
        else None,
        "ledger": {
            "checkpoint": checkpoint.number,
            "root": checkpoint.root,
            "signature": checkpoint.signature,
        },
        "gaps": {str(gap.uuid): gap.name for gap in project.gaps.order_by("id")},
        "left_out": [group.as_json() for group in choice.left_out],
        "real_rows_not_mixed_in": choice.real_not_mixed,
    }


def items_digest(release: Release) -> str:
    """SHA-256 over the frozen list: which record, by which decision, with which status, in which split."""
    rows = release.items.order_by("position").values_list(
        "record__uuid", "decision_uuid", "review_status", "review_method", "eval_split"
    )
    return sha256_of([[str(value) for value in row] for row in rows])


class Tally:
    """Counts the lines that pass through it."""

    def __init__(self, task_type: str) -> None:
        self.facet = task_type_of(task_type).facet
        self.lines = 0
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in ("label", *FACETS)}

    def watch(self, examples: Iterable[Example]) -> Iterator[Example]:
        for example in examples:
            self.lines += 1
            self.counts["label"][self.facet(example["input"], example["output"])] += 1
            for name in FACETS:
                self.counts[name][example[name] or "none"] += 1
            yield example

    def as_json(self) -> Counts:
        return {name: dict(sorted(counter.items())) for name, counter in self.counts.items()}


def whole_manifest(release: Release, tally: Tally, files: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The frozen part with what the written files turned out to be. Says nothing of when or where it was built."""
    return {
        **release.manifest,
        "release": {"number": release.number, "uuid": str(release.uuid)},
        "created_at": release.created_at.isoformat(),
        "policy": release.policy,
        "content_sha256": files[MAIN.filename]["sha256"],
        "items_sha256": items_digest(release),
        "lines": tally.lines,
        "counts": tally.as_json(),
        "files": dict(files),
    }


def card(manifest: Mapping[str, Any]) -> str:
    """Markdown for whoever opens the folder in a year."""
    sandbox = f"> **{SANDBOX_NOTE}**\n\n" if manifest["standing"] == "sandbox" else ""
    left_out = "".join(f"- {group['count']}: {group['reason']}\n" for group in manifest["left_out"])
    tables = "".join(
        _table(title, manifest["counts"][name], manifest["lines"])
        for title, name in (
            ("Source", "source_type"),
            ("Review method", "review_method"),
            ("Split", "eval_split"),
            ("Prompt version", "prompt_version"),
            ("Generator model", "generator_model"),
            ("Label", "label"),
        )
    )
    return (
        f"# {manifest['project']['name']}: release {manifest['release']['number']}\n\n"
        f"{sandbox}"
        f"{manifest['lines']} records for {manifest['task_type'].replace('_', ' ')}, "
        f"frozen on {manifest['created_at'][:10]}.\n\n"
        f"- SHA-256 of `{MAIN.filename}`: `{manifest['content_sha256']}`\n"
        f"- Label guide v{manifest['guide_version'] or '–'}, spec v{manifest['schema_version'] or '–'}\n"
        f"- Holdout: {_holdout(manifest['holdout'])}\n"
        f"- Policy: review methods {', '.join(manifest['policy']['admit']) or 'none'}; "
        f"{manifest['policy']['real']:.0%} of each label's real train rows; "
        f"seed rows {'included' if manifest['policy']['include_seeds'] else 'left out'}\n\n"
        f"## What is in it\n\n{tables}"
        f"## What was left out\n\n{left_out or 'Nothing that was accepted.'}\n\n"
        f"{manifest['real_rows_not_mixed_in']} real rows were not mixed in.\n\n"
        "## How to load it\n\n"
        "Each line is one JSON object: `input`, `output`, and where it comes from.\n\n"
        "```python\n"
        "import json\n\n"
        f'with open("{MAIN.filename}", encoding="utf-8") as lines:\n'
        "    rows = [json.loads(line) for line in lines]\n"
        'train = [row for row in rows if row["eval_split"] == "train"]\n'
        "```\n\n"
        "`training.jsonl` has the train split alone, in the shape that trainers of this task read.\n"
    )


def _holdout(holdout: Mapping[str, str] | None) -> str:
    if holdout is None:
        return "none was frozen when this was made"
    return f"sealed {holdout['sealed_at'][:10]}, content hash `{holdout['content_hash'][:16]}…`"


def _table(title: str, counts: Mapping[str, int], total: int) -> str:
    rows = "".join(
        f"| {_cell(name)} | {count} | {count / total:.1%} |\n"
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"| {title} | Records | Share |\n|---|---:|---:|\n{rows}\n"


def _cell(name: str) -> str:
    """A name from outside must not break the table or start a tag."""
    return name.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
