from __future__ import annotations

import numpy as np
import pytest
from tested_windows import AGE, KINDS, STAGES, TWO_CLASSES, draw_windows

from bids_dl.errors import ConfigError
from bids_dl.training.metrics.evaluation import evaluate
from bids_dl.training.metrics.monitor import make_monitor, score
from bids_dl.training.metrics.registry import metrics_of
from bids_dl.training.metrics.tested import read_tested


@pytest.mark.parametrize("spec", KINDS)
def test_a_score_is_the_metric_of_the_windows_of_all_persons(spec):
    table = draw_windows(spec)
    rows = read_tested(table, spec)
    results = evaluate(table, spec, vote_by="block", seed=0)
    for metric in metrics_of(spec):
        monitor = make_monitor(metric.name, spec)
        value = monitor.score(rows.outputs, rows.values)
        assert value == pytest.approx(results["windows"][metric.name]["value"])


def test_float32_outputs_and_targets_are_accepted():
    outputs = np.array([[30.0], [41.0]], dtype=np.float32)
    assert score(AGE, "mae", outputs, np.array([30.0, 40.0], dtype=np.float32)) == 0.5


def test_an_undefined_score_is_nan():
    assert np.isnan(score(TWO_CLASSES, "auroc", np.ones((3, 2)) / 2, np.zeros(3, dtype=int)))
    assert np.isnan(score(TWO_CLASSES, "accuracy", np.ones((0, 2)), np.zeros(0, dtype=int)))


def test_lower_is_better_for_the_loss_and_for_errors():
    assert not make_monitor("loss", STAGES).higher_is_better
    assert not make_monitor("rmse", AGE).higher_is_better
    assert make_monitor("kappa", STAGES).higher_is_better


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("balanced_acuracy", STAGES, "did you mean 'balanced_accuracy'?"),
        ("x", AGE, "target age, of kind number, has no such metric; use one of loss, mae, rmse"),
        ("auroc", STAGES, "target stage, of kind classes, has no such metric"),
    ],
)
def test_an_unknown_metric_is_refused_with_a_suggestion(name, spec, message):
    with pytest.raises(ConfigError, match=f"--monitor {name}: ") as caught:
        make_monitor(name, spec)
    assert message in str(caught.value)
