from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from example_records import class_record, labels_record

from bids_dl.models.target import TargetSpec
from bids_dl.training.record.calibration import calibration_bins

SPEC = TargetSpec("label", "classes", ("label",), ("rest", "move"))


def test_windows_are_put_into_bins_of_their_probability():
    table = pd.DataFrame({"label": ["rest", "move", "move"], "predicted": ["rest", "rest", "move"]})
    table = table.assign(p_rest=[0.95, 0.92, 0.0], p_move=[0.05, 0.08, 1.0])
    (only,) = calibration_bins(SPEC, table)
    assert (only.low, only.high, only.n) == (0.9, 1.0, 3)
    assert only.predicted == pytest.approx((0.95 + 0.92 + 1.0) / 3)
    assert only.observed == pytest.approx(2 / 3)


def test_bins_of_classes_sum_to_the_accuracy():
    record = class_record(("a", "b", "c"))
    bins = calibration_bins(record.spec, record.predictions)
    assert sum(item.n for item in bins) == record.metrics["windows"]["n"]
    correct = sum(item.n * item.observed for item in bins)
    accuracy = record.metrics["windows"]["accuracy"]["value"]
    assert correct / len(record.predictions) == pytest.approx(accuracy)


def test_missing_labels_are_in_no_bin():
    record = labels_record()
    known = record.predictions[list(record.spec.columns)].notna().to_numpy().sum()
    bins = calibration_bins(record.spec, record.predictions)
    assert sum(item.n for item in bins) == known < 3 * len(record.predictions)


def test_perfectly_calibrated_probabilities_lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 20_000)
    label = np.where(rng.random(20_000) < p, "rest", "move")
    table = pd.DataFrame({"label": label, "predicted": "rest", "p_rest": p, "p_move": 1 - p})
    for item in calibration_bins(SPEC, table):
        assert item.observed == pytest.approx(item.predicted, abs=0.03)
