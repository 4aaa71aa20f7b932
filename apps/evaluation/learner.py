"""The built-in learner: TF-IDF of words and characters into a linear SVM. Small, offline, repeatable.

It answers one question fast: does *this data* help a plain model? Four arms are trained on the same recipe:

    real        the real rows
    control     the same rows, rare labels weighted up: what reweighting alone would do
    synthetic   the rare labels from synthetic rows alone, the other labels from real rows
    blended     real and synthetic rows together

scikit-learn is imported inside the functions: this module is read by the web process too, which never trains.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.evaluation.training import TrainingRow

ARMS = ("real", "control", "synthetic", "blended")
REAL_ONLY = frozenset({"real", "control"})
ON_HOLDOUT = ("real", "control", "blended")
"""Arms that answer the frozen holdout. Synthetic rows alone are never a candidate."""

SEED = 20260101
LEAST_FOLDS, MOST_FOLDS = 2, 10

LabelCounts = dict[str, list[int]]
"""label → [rows of that gold label, of them right, rows that were given this label]."""


@dataclass(frozen=True)
class Fold:
    """Real rows to train on and real rows to ask; synthetic rows are added to the first alone."""

    number: int
    train: list[TrainingRow]
    asked: list[TrainingRow]


def folds_of(real: Sequence[TrainingRow], *, count: int) -> Iterator[Fold]:
    """Stratified folds over the train rows. Seed rows are never asked: a generator has seen them.

    Each label is dealt out over the folds, starting where the label before it stopped, so that labels with
    fewer rows than folds are spread over different ones.
    """
    places: dict[int, int] = {}
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(real):
        if not row.is_seed:
            by_label[row.label].append(index)
    start = 0
    for label in sorted(by_label):
        rows = by_label[label]
        random.Random(f"{SEED} {label}").shuffle(rows)  # noqa: S311  repeatable, not secret
        places |= {index: (start + turn) % count for turn, index in enumerate(rows)}
        start += len(rows)
    for number in range(count):
        asked = [row for index, row in enumerate(real) if places.get(index) == number]
        train = [row for index, row in enumerate(real) if places.get(index) != number]
        yield Fold(number, train, asked)


def rows_of_arm(
    arm: str, real: Sequence[TrainingRow], synthetic: Sequence[TrainingRow], *, rare: Collection[str]
) -> list[TrainingRow]:
    """What ``arm`` trains on. ``rare``: the labels that the gap is about."""
    if arm in REAL_ONLY:
        return list(real)
    if arm == "blended":
        return [*real, *synthetic]
    # A rare label that nothing was generated for keeps its real rows: without any it could not be learnt.
    replaced = {row.label for row in synthetic}.intersection(rare)
    return [
        *(row for row in real if row.label not in replaced),
        *(row for row in synthetic if row.label in replaced),
    ]


def predict(
    arms: Sequence[str],
    *,
    real: Sequence[TrainingRow],
    synthetic: Sequence[TrainingRow],
    rare: Collection[str],
    texts: Sequence[str],
) -> dict[str, list[str]]:
    """The labels that each arm gives ``texts``. Arms that train on the same rows share their features."""
    shared: dict[tuple[UUID, ...], _Features] = {}
    answers = {}
    for arm in arms:
        rows = rows_of_arm(arm, real, synthetic, rare=rare)
        key = tuple(row.record for row in rows)
        if key not in shared:
            shared[key] = _Features([row.text for row in rows], texts)
        answers[arm] = shared[key].predict([row.label for row in rows], is_balanced=arm == "control")
    return answers


def count_fold(fold: Fold, answers: Sequence[str]) -> LabelCounts:
    """What the answers to a fold add up to; folds are summed by ``add_counts``."""
    counts: LabelCounts = defaultdict(lambda: [0, 0, 0])
    for row, answer in zip(fold.asked, answers, strict=True):
        counts[row.label][0] += 1
        counts[row.label][1] += row.label == answer
        counts[answer][2] += 1
    return dict(counts)


def add_counts(many: Sequence[Mapping[str, Sequence[int]]]) -> LabelCounts:
    total: LabelCounts = defaultdict(lambda: [0, 0, 0])
    for counts in many:
        for label, values in counts.items():
            total[label] = [a + b for a, b in zip(total[label], values, strict=True)]
    return dict(total)


def can_learn(rows: Sequence[TrainingRow]) -> bool:
    """A classifier needs two labels to tell apart."""
    return len(Counter(row.label for row in rows)) > 1


class _Features:
    """TF-IDF fitted on the training texts, and both sides as matrices."""

    def __init__(self, train: Sequence[str], asked: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import (  # noqa: PLC0415  dear to import, for the worker alone
            TfidfVectorizer,
        )
        from sklearn.pipeline import FeatureUnion  # noqa: PLC0415

        union = FeatureUnion(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)),
                ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)),
            ]
        )
        self.train: Any = union.fit_transform(train)
        self.asked: Any = union.transform(asked)

    def predict(self, labels: Sequence[str], *, is_balanced: bool) -> list[str]:
        from sklearn.svm import LinearSVC  # noqa: PLC0415

        model = LinearSVC(class_weight="balanced" if is_balanced else None, random_state=SEED)
        model.fit(self.train, labels)
        return [str(label) for label in model.predict(self.asked)]
