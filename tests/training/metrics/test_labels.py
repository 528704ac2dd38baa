from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    multilabel_confusion_matrix,
    roc_auc_score,
)
from tested_windows import LABELS, draw_windows

from bids_dl.training.metrics.classes import auroc
from bids_dl.training.metrics.labels import (
    describe_labels,
    label_confusions,
    label_pairs,
    mean_accuracy,
    mean_balanced_accuracy,
    mean_f1,
)
from bids_dl.training.metrics.tested import read_tested

TRUE = list(LABELS.columns)
SCORES = [f"p_{name}" for name in LABELS.outputs]


def test_metrics_are_the_means_of_those_of_each_label_without_missing_ones():
    table = draw_windows(LABELS)
    table.loc[:9, "l_x"] = np.nan
    rows = read_tested(table, LABELS)
    expected = []
    for name, scores in zip(TRUE, SCORES, strict=True):
        known = table[table[name].notna()]
        true, predicted = known[name], known[scores] >= 0.5
        expected.append(
            [
                accuracy_score(true, predicted),
                balanced_accuracy_score(true, predicted),
                f1_score(true, predicted),
                roc_auc_score(true, known[scores]),
            ]
        )
    counts = label_confusions(rows).pooled()
    values = [mean_accuracy(counts), mean_balanced_accuracy(counts), mean_f1(counts)]
    values.append(auroc(label_pairs(rows).pooled()))
    assert values == pytest.approx(np.mean(expected, axis=0))
    described = describe_labels(rows)["per_label"]
    for row, numbers in zip(described, expected, strict=True):
        names = ("accuracy", "balanced_accuracy", "f1", "auroc")
        assert [row[name] for name in names] == pytest.approx(numbers)
    assert [row["n"] for row in described] == [len(table) - 10, len(table)]


def test_confusions_are_those_of_scikit_learn():
    table = draw_windows(LABELS)
    counts = label_confusions(read_tested(table, LABELS)).pooled()
    expected = multilabel_confusion_matrix(table[TRUE], table[SCORES].to_numpy() >= 0.5)
    np.testing.assert_array_equal(counts, expected)


def test_a_label_without_known_values_is_left_out_of_the_means():
    table = draw_windows(LABELS).assign(l_x=np.nan)
    rows = read_tested(table, LABELS)
    row = describe_labels(rows)["per_label"][1]
    assert mean_accuracy(label_confusions(rows).pooled()) == row["accuracy"]
    assert describe_labels(rows)["per_label"][0]["auroc"] is None
