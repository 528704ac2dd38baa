from __future__ import annotations

import numpy as np
import pytest

from bids_dl.annotate.simulation.scoring import choose_scoring

RARE = np.array([0] * 38 + [1] * 2)


@pytest.mark.parametrize(
    ("classes", "n_classes", "name"),
    [
        (RARE, 2, "average_precision"),
        (np.array([0] * 30 + [1] * 10), 2, "balanced_accuracy"),
        (np.repeat(np.arange(5), [40, 30, 20, 15, 8]), 5, "balanced_accuracy"),
        (np.repeat(np.arange(5), [40, 30, 20, 15, 2]), 5, "average_precision"),
    ],
)
def test_a_rare_class_is_measured_by_its_average_precision(classes, n_classes, name):
    assert choose_scoring("auto", classes, n_classes).name == name


def test_the_requested_metric_is_taken():
    assert choose_scoring("balanced_accuracy", RARE, 2).name == "balanced_accuracy"


@pytest.mark.parametrize("metric", ["average_precision", "balanced_accuracy"])
def test_a_model_that_knows_nothing_has_the_metric_of_chance(metric):
    scoring = choose_scoring(metric, RARE, 2)
    nothing = np.tile([0.9, 0.1], (40, 1))
    assert scoring.score(nothing, RARE) == pytest.approx(scoring.chance(RARE))
    everything = np.eye(2)[RARE]
    assert scoring.score(everything, RARE) == 1


def test_classes_that_are_not_tested_do_not_count():
    scoring = choose_scoring("balanced_accuracy", np.array([0, 1, 2]), 3)
    tested = np.array([0, 0, 2])
    assert scoring.score(np.eye(3)[tested], tested) == 1
    assert scoring.chance(tested) == 0.5
