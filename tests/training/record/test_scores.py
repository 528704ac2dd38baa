from __future__ import annotations

import pytest
from example_records import class_record, number_record

from bids_dl.training.record.scores import MetricEstimate, fit_axis, list_systems, metric_rows


def test_systems_are_the_model_and_the_baselines_in_order():
    systems = list_systems(class_record().metrics, "accuracy", "eegnet")
    names = ["eegnet", "band power, same folds", "largest class", "chance"]
    assert [system.name for system in systems] == names
    assert [system.is_model for system in systems] == [True, False, False, False]


def test_a_baseline_without_a_metric_is_left_out():
    systems = list_systems(class_record().metrics, "kappa", "eegnet")
    assert [system.name for system in systems] == ["eegnet", "band power, same folds"]


def test_rows_have_the_values_of_the_metrics():
    metrics = number_record().metrics
    rows = {(row["unit"], row["metric"]): row for row in metric_rows(metrics)}
    assert len(rows) == 3 * 4
    row = rows["votes", "mae"]
    assert {name: row[name] for name in ("value", "low", "high")} == metrics["votes"]["mae"]
    assert row["band_power"] == metrics["baselines"]["band_power"]["votes"]["mae"]["value"]
    assert row["training_mean"] == metrics["baselines"]["training_mean"]["votes"]["mae"]


@pytest.mark.parametrize(
    ("kind", "metric", "values", "limits"),
    [
        ("classes", "accuracy", [0.4, 0.9, None], (0.0, 1.0)),
        ("classes", "kappa", [-0.2, 0.9], (-0.2, 1.0)),
        ("number", "r2", [-30.0], (-1.0, 1.0)),
        ("number", "mae", [3.0, 12.0], (0.0, 12.0)),
        ("number", "mae", [0.0], (0.0, 1.0)),
    ],
)
def test_the_axis_holds_the_values_and_zero(kind, metric, values, limits):
    axis = fit_axis(kind, metric, values)
    assert (axis.low, axis.high) == limits
    assert all(0 <= axis.position(value) <= 100 for value in values if value is not None)


def test_a_missing_interval_is_a_dash():
    assert MetricEstimate(0.5).format_interval("accuracy") == "–"
    assert MetricEstimate(0.5, 0.4, 0.612).format_interval("accuracy") == "40.0 to 61.2 %"
