"""The whole loop on real public data, driven by the contract commands alone.

    python -m benchmarks.banking77_loop [--wrong-labels] [--draw N] [--json] [--data DIR]

banking77 (77 intents of real bank customers) with five real rows for each of five refund-like labels and all
rows of the others; its test file is the holdout. 120 utterances that a language model wrote for the five labels
come in as candidates, are accepted as they are, released, learnt and judged. With ``--wrong-labels`` each of the
five labels is replaced by the next one: data that must not ship.

Which five rows are kept matters: over the draws 0 to 4 the real-only model finds 28 to 41% of the five labels'
holdout rows. Draw 2, the default, lies nearest to their mean.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
RARE = (
    "request_refund",
    "Refund_not_showing_up",
    "reverted_card_payment?",
    "transaction_charged_twice",
    "cancel_transfer",
)
REAL_ROWS = 5
DRAW = 2
PROJECT, GAP, PERSON = "banking77", "refund-like requests", "rita"
MAPPING = ("--map", "input.text=text", "--map", "output.label=category")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--wrong-labels", action="store_true", help="Give each candidate the next rare label."
    )
    parser.add_argument("--draw", type=int, default=DRAW, help=f"Which five rows are kept (default {DRAW}).")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--data", type=Path, default=DATA, help=f"Default: {DATA}")
    options = parser.parse_args()
    wanted = ("banking77-train.csv", "banking77-test.csv", "llm-written-240.json")
    if missing := [name for name in wanted if not (options.data / name).is_file()]:
        print(
            f"{options.data} has no {', '.join(missing)}: nothing to run this on. Name another place with --data."
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="synthreview-bench-") as folder:
        result = run_loop(Path(folder), options.data, draw=options.draw, wrong_labels=options.wrong_labels)
    print(json.dumps(result, indent=2, ensure_ascii=False) if options.json else _as_text(result))
    return 0


def run_loop(folder: Path, data: Path, *, draw: int, wrong_labels: bool) -> dict[str, Any]:
    """Drives the loop in a var/ of its own under ``folder``; returns what it found."""
    started = time.monotonic()
    train, candidates = folder / "banking77-train.csv", folder / "candidates.jsonl"
    _write_train(data / "banking77-train.csv", train, draw=draw)
    _write_candidates(data / "llm-written-240.json", candidates, wrong_labels=wrong_labels)
    loop = _Commands(folder / "var")
    loop.run("prepare")
    loop.run(
        "create_project", PROJECT, "--task", "classification",
        "--labels-from", f"{train}:category", "--member", f"{PERSON}:lead+reviewer",
    )  # fmt: skip
    loop.run("import_real", PROJECT, train, "--role", "train", *MAPPING)
    holdout = loop.json("import_real", PROJECT, data / "banking77-test.csv", "--role", "holdout", *MAPPING)
    seal = loop.json("freeze_holdout", PROJECT, "--rare", *RARE)
    loop.run(
        "create_gap", PROJECT, GAP, "--label", *RARE, "--count", "120", "--why", "Five real rows a label."
    )
    imported = loop.json("import_candidates", PROJECT, candidates, "--gap", GAP)
    decided = loop.json("decide", PROJECT, "--accept-all", "--as", PERSON)
    release = loop.json("build_release", PROJECT, "--out", folder / "release", "--admit", "bulk")
    arms = loop.json("evaluate", PROJECT, "--learner")
    report = loop.json(
        "launch_report", PROJECT, "--baseline", "real", "--control", "control", "--candidate", "blended"
    )
    return {
        "draw": draw,
        "wrong_labels": wrong_labels,
        "holdout_rows": seal["rows"],
        "holdout_rows_refused": len(holdout["refused"]),
        "of_them_same_up_to_case": sum("(up to case)" in row["reason"] for row in holdout["refused"]),
        "candidates": {"imported": imported["imported"], "accepted": decided["decided"]},
        "release": {"records": release["records"], "sha256": release["content_hash"]},
        "cross_validation": {
            arm: {name: round(group["recall"], 4) for name, group in scores["groups"].items()}
            for arm, scores in arms["arms"].items()
        },
        "holdout": {
            name: {part: round(group[part], 4) for part in ("baseline", "control", "candidate")}
            | {key: group[key] for key in ("n", "fixed", "broken")}
            for name, group in report["groups"].items()
        },
        "verdict": report["verdict"],
        "headline": report["headline"],
        "reasons": report["reasons"],
        "sensitivity": report["sensitivity"],
        "seconds": round(time.monotonic() - started, 1),
        "seconds_by_command": loop.seconds,
    }


class _Commands:
    """Runs manage.py as an engineer's script would; the first failure ends the benchmark."""

    def __init__(self, var: Path) -> None:
        inherited = {
            key: value for key, value in os.environ.items() if not re.search("_URL$|SYNTHREVIEW", key)
        }
        self.environment = inherited | {"SYNTHREVIEW_VAR": str(var)}
        self.seconds: dict[str, float] = {}

    def run(self, name: str, *arguments: object) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), name, *map(str, arguments)]
        started = time.monotonic()
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        self.seconds[name] = round(self.seconds.get(name, 0) + time.monotonic() - started, 1)
        if done.returncode != 0:
            raise SystemExit(f"{name} failed:\n{done.stderr.strip()}")
        return done.stdout

    def json(self, name: str, *arguments: object) -> Any:
        return json.loads(self.run(name, *arguments, "--json"))


def _write_train(source: Path, target: Path, *, draw: int) -> None:
    """All rows of the common labels, REAL_ROWS of each rare one."""
    by_label: dict[str, list[str]] = defaultdict(list)
    with source.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_label[row["category"]].append(row["text"])
    chooser = random.Random(draw)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "category"])
        for label, texts in by_label.items():
            kept = chooser.sample(texts, REAL_ROWS) if label in RARE else texts
            writer.writerows([text, label] for text in kept)


def _write_candidates(source: Path, target: Path, *, wrong_labels: bool) -> None:
    clean: dict[str, list[str]] = json.loads(source.read_text(encoding="utf-8"))["clean"]
    following = dict(zip(RARE, (*RARE[1:], RARE[0]), strict=True))
    with target.open("w", encoding="utf-8") as file:
        for label, texts in clean.items():
            for text in texts:
                line = {
                    "input": {"text": text},
                    "output": {"label": following[label] if wrong_labels else label},
                    "generator_provider": "file",
                    "generator_model": "a large language model",
                    "generator_model_family": "unnamed",
                    "prompt_version": "label names and five rows v1",
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _as_text(result: dict[str, Any]) -> str:
    lines = [
        f"banking77, draw {result['draw']}{', wrong labels' if result['wrong_labels'] else ''}: "
        f"{result['holdout_rows']} holdout rows ({result['holdout_rows_refused']} refused, "
        f"{result['of_them_same_up_to_case']} the same up to case), "
        f"{result['candidates']['accepted']} of {result['candidates']['imported']} candidates accepted",
        "recall on the holdout      real   control   blended",
    ]
    lines += [
        f"  {name:<22} {group['baseline']:>7.1%}  {group['control']:>7.1%}   {group['candidate']:>7.1%}"
        f"   n {group['n']}, fixed {group['fixed']}, broken {group['broken']}"
        for name, group in result["holdout"].items()
    ]
    lines += [f"{result['verdict']}: {result['headline']}", f"{result['seconds']} s"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
