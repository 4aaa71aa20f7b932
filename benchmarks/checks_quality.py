"""What the secret, personal data, leakage and duplicate rules find of labelled texts, and what they wrongly report.

    python -m benchmarks.checks_quality [--set FILE.jsonl] [--protected FILE.jsonl] [--json]

Without ``--set`` the sets of ``tests/data`` are measured, in two halves: "seen" was written beside the rules, "unseen"
by somebody who had not seen them. A set of your own has lines ``{"text", "kind": secret|pii|leak|clean, "expected":
true|false}``: a secret or pii line asks the detector of that kind, a clean line asks all of them, and a leak line asks
whether the text repeats one of the protected texts (lines ``{"text"}``). Those are ``--protected``, or else the test
rows of Banking77 beside the repository, or else ``tests/data/protected.jsonl``.

Leakage runs the real services on a real database: SQLite in a temporary folder. Kind "leak" counts what blocks,
"leak_or_near" what blocks or warns; so do "duplicate_block" (Jaccard ≥ 0.8) and "duplicate_warn" (≥ 0.7).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from apps.core.detectors.detection import Detection, mask
from apps.core.detectors.personal_data import find_personal_data
from apps.core.detectors.secrets import find_secrets
from apps.similarity.minhash import band_keys_of_many, jaccard, shingles, signatures

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
BANKING77 = ROOT.parent / "shared" / "data" / "banking77-test.csv"
SETS = ("secrets", "personal", "clean", "leakage")
KINDS = ("secret", "pii", "leak", "clean")
NEAR_WARNS, NEAR_BLOCKS = 0.7, 0.8
SHOWN = 160  # characters of a missed text

Outcome = str
Screen = Callable[[Sequence[str], Sequence[str]], list[Outcome]]
"""Protected texts and texts to screen, to ``clean``, ``near`` or ``leak`` for each of the latter."""


class SetError(ValueError):
    """A line that cannot be measured."""


@dataclass(frozen=True)
class Line:
    text: str
    kind: str
    expected: bool
    half: str = ""
    how: str = ""
    span: tuple[int, int] | None = None
    """Where the value stands, in characters; None where nobody wrote it down."""
    other: str = ""
    """Of a pair: the text that ``text`` may be a copy of."""


@dataclass
class Tally:
    """What was right and wrong; ``missed`` and ``wrong`` hold masked texts."""

    positives: int = 0
    negatives: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, line: Line, *, reported: bool) -> None:
        shown = f"{line.how}: {masked(line.text)}" if line.how else masked(line.text)
        if line.expected:
            self.positives += 1
            self.missed += [] if reported else [shown]
        else:
            self.negatives += 1
            self.wrong += [shown] if reported else []

    def figures(self) -> dict[str, float | int | None]:
        found, false = self.positives - len(self.missed), len(self.wrong)
        return {
            "positives": self.positives,
            "found": found,
            "recall": share(found, self.positives),
            "negatives": self.negatives,
            "false_positives": false,
            "false_positive_rate": share(false, self.negatives),
            "precision": share(found, found + false),
        }


Tallies = dict[str, dict[str, Tally]]
"""By kind, then by half; "all" holds every line of the kind."""


def main() -> int:
    options = parse()
    try:
        lines = read_set(options.set) if options.set else read_sets()
        protected = protected_texts(options.protected, foreign=options.set is not None)
    except (SetError, OSError) as error:
        print(f"checks_quality: {error}", file=sys.stderr)
        return 2
    pairs = [] if options.set else read_pairs(DATA / "duplicates.jsonl")
    tallies = measure(lines, pairs, protected, screen_in_a_database_of_its_own)
    if options.json:
        print(json.dumps(as_json(tallies), indent=2))
    else:
        print(as_text(tallies, misses=options.misses))
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", type=Path, metavar="FILE.jsonl", help="A set of your own.")
    parser.add_argument("--protected", type=Path, metavar="FILE.jsonl", help='Protected texts: {"text"}.')
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--misses", type=int, default=20, help="How many misses of each kind are listed.")
    return parser.parse_args()


# --- Reading -----------------------------------------------------------------------------------------------


def read_sets() -> list[Line]:
    return [line for name in SETS for line in read_set(DATA / f"{name}.jsonl")]


def read_set(path: Path) -> list[Line]:
    """Raises SetError with the place of a line that is no object, or lacks a text, a known kind or an answer."""
    lines = []
    for place, row in rows(path):
        text, kind, expected = joined(row.get("text")), row.get("kind"), row.get("expected")
        if text is None or kind not in KINDS or not isinstance(expected, bool):
            raise SetError(
                f"{place}: needs a text, a kind ({', '.join(KINDS)}) and expected (true or false)."
            )
        if kind == "clean" and expected:
            raise SetError(f"{place}: a clean text is one in which nothing is expected.")
        start, end = row.get("span") or (0, 0)
        lines.append(
            Line(
                text=text,
                kind=kind,
                expected=expected,
                half=str(row.get("half", "")),
                how=str(row.get("how", "")),
                span=(start, end) if end else None,
            )
        )
    return lines


def read_pairs(path: Path) -> list[Line]:
    """Lines ``{"a", "b", "expected"}``: whether ``b`` is a copy of ``a`` with small changes."""
    return [
        Line(row["b"], "duplicate", row["expected"], row.get("half", ""), row.get("how", ""), other=row["a"])
        for _, row in rows(path)
    ]


def protected_texts(path: Path | None, *, foreign: bool) -> list[str]:
    if path is None and foreign and BANKING77.exists():
        with BANKING77.open(newline="", encoding="utf-8") as file:
            return [row["text"] for row in csv.DictReader(file)]
    found = []
    for place, row in rows(path or DATA / "protected.jsonl"):
        text = joined(row.get("text"))
        if text is None:
            raise SetError(f"{place}: needs a text.")
        found.append(text)
    return found


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            place = f"{path.name}, line {number}"
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise SetError(f"{place}: not JSON: {error}.") from error
            if not isinstance(row, dict):
                raise SetError(f"{place}: not an object.")
            yield place, row


def joined(text: object) -> str | None:
    """A text as it stands, or put together from pieces.

    The repository's own sets cut the tokens, so that no scanner that guards a repository stops on them.
    """
    if isinstance(text, list) and all(isinstance(piece, str) for piece in text):
        return "".join(text)
    return text if isinstance(text, str) else None


# --- Measuring ---------------------------------------------------------------------------------------------


def measure(
    lines: Sequence[Line], pairs: Sequence[Line], protected: Sequence[str], screen: Screen
) -> Tallies:
    tallies: Tallies = {}
    screened = [line for line in lines if line.kind in {"leak", "clean"}]
    outcomes: dict[str, Outcome] = {}
    if screened:
        texts = [line.text for line in screened]
        outcomes = dict(zip(texts, screen(protected, texts), strict=True))
    for line in lines:
        for kind, reported in reports(line, outcomes):
            add(tallies, kind, line, reported=reported)
    for line, likeness in zip(pairs, likenesses(pairs), strict=True):
        add(tallies, "duplicate_warn", line, reported=likeness >= NEAR_WARNS)
        add(tallies, "duplicate_block", line, reported=likeness >= NEAR_BLOCKS)
    return tallies


def reports(line: Line, outcomes: dict[str, Outcome]) -> Iterator[tuple[str, bool]]:
    """The kinds that the line counts for, each with what was said of it."""
    if line.kind == "secret":
        yield "secret", bool(find_secrets(line.text))
    elif line.kind == "pii":
        yield "pii", bool(find_personal_data(line.text))
    elif line.kind == "leak":
        yield "leak", outcomes[line.text] == "leak"
        yield "leak_or_near", outcomes[line.text] != "clean"
    else:
        yield "clean", bool(detections(line.text)) or outcomes[line.text] != "clean"


def likenesses(pairs: Sequence[Line]) -> Iterator[float]:
    """Of each pair the Jaccard similarity, or 0 where the index would not have brought the two together."""
    ours, theirs = [shingles(pair.text) for pair in pairs], [shingles(pair.other) for pair in pairs]
    our_keys, their_keys = (
        band_keys_of_many(signatures(ours), namespace=1),
        band_keys_of_many(signatures(theirs), namespace=1),
    )
    for one, other, keys, other_keys in zip(ours, theirs, our_keys, their_keys, strict=True):
        yield jaccard(one, other) if set(keys) & set(other_keys) else 0.0


def add(tallies: Tallies, kind: str, line: Line, *, reported: bool) -> None:
    halves = tallies.setdefault(kind, {})
    for half in filter(None, (line.half, "all")):
        halves.setdefault(half, Tally()).add(line, reported=reported)


def screen_in_a_database_of_its_own(protected: Sequence[str], texts: Sequence[str]) -> list[Outcome]:
    """Ends with the process: Django is set up here, on files that are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="synthreview-quality-") as folder:
        for name in [name for name in os.environ if "DATABASE_URL" in name or name.startswith("LEAKAGE_KEY")]:
            del os.environ[name]
        os.environ |= {"SYNTHREVIEW_VAR": folder, "SYNTHREVIEW_PROCESS": "shell"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synthreview.settings")
        import django  # noqa: PLC0415  the settings read the environment

        django.setup()
        from django.db import connections  # noqa: PLC0415

        from apps.operations.migrating import migrate_database  # noqa: PLC0415

        migrate_database("leakage")
        try:
            return screen_by_services(protected, texts)
        finally:
            connections.close_all()


def screen_by_services(protected: Sequence[str], texts: Sequence[str]) -> list[Outcome]:
    from apps.leakage.services import add_fingerprints, ensure_corpus, screen_texts  # noqa: PLC0415

    project_uuid: UUID = uuid4()
    corpus = ensure_corpus(corpus_uuid=uuid4(), project_uuid=project_uuid, name="quality")
    add_fingerprints(corpus_uuid=corpus.uuid, items=[(uuid4(), text) for text in protected])
    return [verdict.outcome for verdict in screen_texts(project_uuid=project_uuid, texts=texts)]


# --- Showing -----------------------------------------------------------------------------------------------


def detections(text: str) -> list[Detection]:
    return [*find_secrets(text), *find_personal_data(text)]


def masked(text: str) -> str:
    """One line of the text without what the detectors know to be a secret or personal data."""
    shown = " ".join(mask(text, detections(text)).split())
    # What a rule missed is in no detection: the middle of a long word goes, too.
    words = (f"{word[:6]}…{word[-2:]}" if len(word) >= 16 else word for word in shown.split())
    shown = " ".join(words)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def as_json(tallies: Tallies) -> dict[str, Any]:
    return {
        "kinds": {
            kind: {half: tally.figures() for half, tally in sorted(halves.items())}
            for kind, halves in tallies.items()
        }
    }


def as_text(tallies: Tallies, *, misses: int) -> str:
    table = [
        f"{'kind':<16} {'half':<7} {'found':>11} {'recall':>8} {'false positives':>18} {'rate':>7} {'precision':>10}"
    ]
    for kind, halves in tallies.items():
        for half, tally in sorted(halves.items()):
            row = tally.figures()
            found, false = (
                f"{row['found']}/{row['positives']}",
                f"{row['false_positives']}/{row['negatives']}",
            )
            table.append(
                f"{kind:<16} {half:<7} {found:>11} {percent(row['recall']):>8} {false:>18} "
                f"{percent(row['false_positive_rate']):>7} {percent(row['precision']):>10}"
            )
    for kind, halves in tallies.items():
        table += listed(f"{kind}: missed", halves["all"].missed, misses)
        table += listed(f"{kind}: wrongly reported", halves["all"].wrong, misses)
    return "\n".join(table)


def listed(title: str, texts: Sequence[str], most: int) -> Iterable[str]:
    if not texts or not most:
        return []
    rest = [f"  … and {len(texts) - most} more"] if len(texts) > most else []
    return ["", f"{title} ({len(texts)})", *(f"  {text}" for text in texts[:most]), *rest]


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def percent(value: float | int | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


if __name__ == "__main__":
    sys.exit(main())
