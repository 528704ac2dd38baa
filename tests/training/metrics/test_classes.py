from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    classification_report,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    matthews_corrcoef,
)
from tested_windows import STAGES, draw_windows

from bids_dl.training.metrics.classes import (
    accuracy,
    balanced_accuracy,
    balanced_accuracy_interval,
    class_sums,
    confusion,
    describe_classes,
    kappa,
    macro_f1,
    matthews,
    sum_confusions,
)
from bids_dl.training.metrics.tested import read_tested

MEASURES = (accuracy, balanced_accuracy, kappa, macro_f1, matthews)

confusions = arrays.arrays(
    np.float64, st.integers(2, 4).map(lambda n: (n, n)), elements=st.integers(0, 30)
)


def expand(counts):
    """True and predicted class of each row of a confusion matrix."""
    times = counts.ravel().astype(int)
    return tuple(np.repeat(indices.ravel(), times) for indices in np.indices(counts.shape))


@given(confusions)
def test_metrics_agree_with_scikit_learn(counts):
    assume((counts.sum(axis=1) > 0).sum() > 1)
    true, predicted = expand(counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are predicted but never true
        expected = [
            accuracy_score(true, predicted),
            balanced_accuracy_score(true, predicted),
            cohen_kappa_score(true, predicted),
            f1_score(true, predicted, average="macro"),
            matthews_corrcoef(true, predicted),
        ]
    assert [float(measure(sum_confusions(counts))) for measure in MEASURES] == pytest.approx(
        expected
    )


@given(
    arrays.arrays(
        np.float64, st.integers(2, 4).map(lambda n: (2, n, n)), elements=st.integers(0, 30)
    )
)
def test_metrics_of_stacked_matrices_are_those_of_each_matrix(counts):
    sums = sum_confusions(counts)
    for measure in MEASURES:
        np.testing.assert_array_equal(measure(sums), [measure(sums[0]), measure(sums[1])])


@given(confusions, st.randoms(use_true_random=False))
def test_metrics_do_not_depend_on_the_order_of_classes(counts, random):
    order = list(range(len(counts)))
    random.shuffle(order)
    sums = sum_confusions(counts)
    permuted = sum_confusions(counts[np.ix_(order, order)])
    for measure in MEASURES:
        assert measure(permuted) == pytest.approx(measure(sums), nan_ok=True)


@given(arrays.arrays(np.float64, 3, elements=st.integers(0, 30)))
def test_perfect_predictions_are_1(sizes):
    assume((sizes > 0).sum() > 1)
    for measure in MEASURES:
        assert measure(sum_confusions(np.diag(sizes))) == pytest.approx(1)


def test_agreement_is_undefined_with_one_true_class_and_0_if_one_class_is_always_predicted():
    counts = np.array([[3.0, 2.0], [0.0, 0.0]])
    one_true_class = sum_confusions(counts)
    always_predicted = sum_confusions(counts.T)
    assert np.isnan([kappa(one_true_class), matthews(one_true_class)]).all()
    assert balanced_accuracy(one_true_class) == 0.6
    assert kappa(always_predicted) == matthews(always_predicted) == 0


def test_nothing_is_defined_and_nothing_warns_without_predictions():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan([measure(np.zeros((3, 2))) for measure in MEASURES]).all()


def test_confusion_and_sums_of_persons_are_those_of_scikit_learn():
    table = draw_windows(STAGES)
    rows = read_tested(table, STAGES)
    names = STAGES.outputs
    expected = confusion_matrix(table["stage"], table["predicted"], labels=names)
    np.testing.assert_array_equal(confusion(rows), expected)
    sums = class_sums(rows).of_persons()
    for i, (_, group) in enumerate(table.groupby("subject")):
        expected = confusion_matrix(group["stage"], group["predicted"], labels=names)
        np.testing.assert_array_equal(sums[i], sum_confusions(expected))


def test_each_class_is_described_as_by_scikit_learn():
    table = draw_windows(STAGES)
    described = describe_classes(read_tested(table, STAGES))
    report = classification_report(table["stage"], table["predicted"], output_dict=True)
    for row in described["per_class"]:
        expected = report[row["class"]]
        assert row["n"] == expected["support"]
        values = [row["precision"], row["recall"], row["f1"]]
        assert values == pytest.approx([expected[k] for k in ("precision", "recall", "f1-score")])


def test_specificity_and_npv_are_recall_and_precision_of_the_other_class():
    table = draw_windows(STAGES)
    table["stage"] = table["stage"].replace("N1", "N2")
    table["predicted"] = table["predicted"].replace("N1", "N2")
    n1, n2, wake = describe_classes(read_tested(table, STAGES))["per_class"]
    assert (n2["specificity"], n2["npv"]) == (wake["recall"], wake["precision"])
    assert n1["precision"] is n1["recall"] is n1["f1"] is None


def test_the_interval_of_a_perfect_balanced_accuracy_is_wide_for_few_votes():
    low, high = balanced_accuracy_interval(sum_confusions(np.diag([4.0, 4.0])))
    assert 0.5 < low < 0.7
    assert high == 1
