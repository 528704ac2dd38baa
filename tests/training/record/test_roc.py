from __future__ import annotations

import numpy as np
import pytest
from example_records import class_record, labels_record, shares_record

from bids_dl.training.record.roc import MAX_POINTS, plot_roc, roc_curves


def test_the_area_under_the_curve_is_the_metric():
    record = class_record()
    tables = {"windows": record.predictions, "votes": record.votes}
    for curve in roc_curves(record.spec, tables):
        area = np.trapezoid(curve.true_positive, curve.false_positive)
        assert area == pytest.approx(record.metrics[curve.name]["auroc"]["value"])


def test_the_area_under_the_curve_of_a_label_is_the_metric():
    record = labels_record()
    values = {row["label"]: row["auroc"] for row in record.metrics["windows"]["per_label"]}
    curves = roc_curves(record.spec, {"windows": record.predictions})
    for curve in curves:
        area = np.trapezoid(curve.true_positive, curve.false_positive)
        assert area == pytest.approx(values[curve.name])
    assert len(curves) == 3


def test_several_classes_one_class_and_shares_have_no_curve():
    several = class_record(("a", "b", "c"))
    assert roc_curves(several.spec, {"windows": several.predictions}) == []
    record = class_record()
    one_class = record.predictions[record.predictions["label"] == "rest"]
    assert roc_curves(record.spec, {"windows": one_class}) == []
    shares = shares_record()
    assert roc_curves(shares.spec, {"windows": shares.predictions}) == []


def test_a_curve_of_many_windows_is_short_on_the_page():
    record = class_record(n_persons=60, skill=0.5)
    plot = plot_roc(roc_curves(record.spec, {"windows": record.predictions}))
    curve = plot.lines[-1].points.split()
    assert len(curve) <= MAX_POINTS
    assert (curve[0], curve[-1]) == tuple(plot.lines[0].points.split())
