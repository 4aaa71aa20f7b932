"""The built-in learner on tiny data: what each arm is trained on, and that no fold is asked what it was taught."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.evaluation import learner
from apps.evaluation.contribution import summary
from apps.evaluation.learner import Fold, add_counts, count_fold, folds_of, predict, rows_of_arm
from apps.evaluation.slices import Roles
from apps.evaluation.training import TrainingRow
from tests.evaluation.scene import sentence

SPACE = UUID(int=7)
RARE = {"refund"}


def row(text: str, label: str, *, is_real: bool = True, is_seed: bool = False) -> TrainingRow:
    return TrainingRow(
        record=uuid5(SPACE, f"{text} {is_real}"),
        input={"text": text},
        text=text,
        label=label,
        is_real=is_real,
        is_seed=is_seed,
        split="train",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def real_rows(**counts: int) -> list[TrainingRow]:
    return [
        row(sentence(label, n, "it is about"), label) for label, count in counts.items() for n in range(count)
    ]


def synthetic_rows(count: int = 6) -> list[TrainingRow]:
    return [row(sentence("refund", n, "generated:"), "refund", is_real=False) for n in range(count)]


def test_real_and_control_train_on_the_same_real_rows() -> None:
    real, synthetic = real_rows(refund=2, billing=4), synthetic_rows()
    assert rows_of_arm("real", real, synthetic, rare=RARE) == real
    assert rows_of_arm("control", real, synthetic, rare=RARE) == real


def test_blended_trains_on_both() -> None:
    real, synthetic = real_rows(refund=2, billing=4), synthetic_rows()
    assert rows_of_arm("blended", real, synthetic, rare=RARE) == [*real, *synthetic]


def test_synthetic_has_rare_labels_from_synthetic_rows_alone_and_the_others_from_real_ones() -> None:
    real = real_rows(refund=2, billing=4)
    stray = row("generated for another label", "billing", is_real=False)
    rows = rows_of_arm("synthetic", real, [*synthetic_rows(3), stray], rare=RARE)
    assert Counter((r.label, r.is_real) for r in rows) == {("billing", True): 4, ("refund", False): 3}


def test_a_rare_label_that_nothing_was_generated_for_keeps_its_real_rows() -> None:
    real = real_rows(refund=2, billing=4, abuse=1)
    rows = rows_of_arm("synthetic", real, synthetic_rows(3), rare={"refund", "abuse"})
    assert Counter((r.label, r.is_real) for r in rows)["abuse", True] == 1


@given(
    counts=st.dictionaries(st.sampled_from(["refund", "billing", "abuse"]), st.integers(1, 9), min_size=1),
    folds=st.integers(2, 6),
)
def test_every_train_row_is_asked_once_and_never_in_the_fold_that_it_teaches(
    counts: dict[str, int], folds: int
) -> None:
    real = real_rows(**counts)
    asked: Counter[UUID] = Counter()
    for fold in folds_of(real, count=folds):
        taught = {r.record for r in fold.train}
        assert taught.isdisjoint(r.record for r in fold.asked)
        assert len(taught) + len(fold.asked) == len(real)
        asked.update(r.record for r in fold.asked)
    assert asked == Counter(r.record for r in real)


def test_folds_are_stratified_and_the_same_every_time() -> None:
    real = real_rows(refund=10, billing=5)
    folds = list(folds_of(real, count=5))
    assert [Counter(r.label for r in fold.asked) for fold in folds] == [{"refund": 2, "billing": 1}] * 5
    assert list(folds_of(real, count=5)) == folds


def test_small_labels_are_spread_over_different_folds() -> None:
    real = real_rows(refund=2, billing=2, abuse=1)
    assert [len(fold.asked) for fold in folds_of(real, count=5)] == [1, 1, 1, 1, 1]


def test_seed_rows_teach_in_every_fold_and_are_never_asked() -> None:
    seeds = [row("a seed that a generator saw", "refund", is_seed=True)]
    folds = list(folds_of([*real_rows(refund=4, billing=4), *seeds], count=2))
    assert all(seeds[0] in fold.train and seeds[0] not in fold.asked for fold in folds)


def test_synthetic_rows_are_never_asked() -> None:
    real, synthetic = real_rows(refund=4, billing=4), synthetic_rows()
    for fold in folds_of(real, count=4):
        for arm in learner.ARMS:
            taught = rows_of_arm(arm, fold.train, synthetic, rare=RARE)
            assert {r.record for r in taught}.isdisjoint(r.record for r in fold.asked)
        assert all(r.is_real for r in fold.asked)


def test_synthetic_rows_teach_what_the_real_rows_cannot() -> None:
    real = real_rows(refund=1, billing=30, abuse=30)
    texts = [sentence("refund", n, "it is about") for n in range(1, 9)]
    answers = predict(learner.ARMS, real=real, synthetic=synthetic_rows(12), rare=RARE, texts=texts)
    found = {arm: labels.count("refund") for arm, labels in answers.items()}
    assert found["blended"] >= found["real"] + 4
    assert found["synthetic"] >= found["real"] + 4


def test_the_control_differs_from_real_by_its_weights_alone() -> None:
    real = real_rows(refund=3, billing=30)
    texts = [r.text for r in real]
    alone = predict(["control"], real=real, synthetic=[], rare=RARE, texts=texts)["control"]
    shared = predict(["real", "control"], real=real, synthetic=[], rare=RARE, texts=texts)
    assert shared["control"] == alone


def test_the_same_rows_give_the_same_answers() -> None:
    real = real_rows(refund=3, billing=9, abuse=5)
    texts = [sentence("refund", n, "asked") for n in range(9)]
    once = predict(learner.ARMS, real=real, synthetic=synthetic_rows(), rare=RARE, texts=texts)
    assert predict(learner.ARMS, real=real, synthetic=synthetic_rows(), rare=RARE, texts=texts) == once


def test_counts_of_folds_add_up_to_recall_and_f1() -> None:
    fold = Fold(0, [], real_rows(refund=3, billing=2))
    counts = count_fold(fold, ["refund", "refund", "billing", "billing", "refund"])
    assert counts == {"refund": [3, 2, 3], "billing": [2, 1, 2]}
    whole = summary(add_counts([counts, counts]), Roles(({"label_in": ["refund"]},), {"billing": "common"}))
    refund, billing = whole["slices"]
    assert (refund["name"], refund["role"], refund["n"], refund["hits"]) == ("refund", "rare", 6, 4)
    assert refund["f1"] == pytest.approx(2 * 4 / 12)
    assert (billing["role"], whole["overall"]["recall"]) == ("common", 0.6)
    assert whole["groups"]["rare"]["recall"] == pytest.approx(4 / 6)


def test_an_answer_that_is_no_label_of_the_asked_rows_costs_precision_of_nobody_else() -> None:
    counts = count_fold(Fold(0, [], real_rows(refund=2)), ["refund", "nonsense"])
    whole = summary(counts, Roles((), {}))
    assert [item["name"] for item in whole["slices"]] == ["refund"]
    assert whole["overall"]["n"] == 2


def test_the_web_process_reads_the_learner_without_importing_scikit_learn() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'synthreview.settings'; django.setup();"
        "import apps.evaluation.views, apps.evaluation.tasks; sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
