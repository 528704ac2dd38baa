from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bids_dl.training.record.learning_curves import draw_learning_curves, plot_learning_curves

PNG = b"\x89PNG"


@pytest.mark.parametrize("n_folds", [1, 3, 60])
@pytest.mark.parametrize("validation_loss", [0.5, np.nan])
def test_learning_curves_are_drawn_with_and_without_validation(tmp_path, n_folds, validation_loss):
    history = make_history(n_folds, n_epochs=2, validation_loss=validation_loss)
    path = tmp_path / "curves.png"
    draw_learning_curves(history, path, kind="classes", test_values={"accuracy": 0.8})
    assert path.read_bytes().startswith(PNG)
    draw_learning_curves(history, path, kind="classes", test_values={"accuracy": None})


def test_a_training_of_one_epoch_is_drawn(tmp_path):
    history = make_history(1, n_epochs=1, validation_loss=0.5)
    draw_learning_curves(history, tmp_path / "curves.png", kind="number", test_values={})
    (_, plot), _ = plot_learning_curves(history, test_values={})
    assert all("nan" not in line.points for line in plot.lines)


def test_the_page_has_no_line_of_a_validation_that_was_not_made():
    history = make_history(1, n_epochs=3, validation_loss=np.nan)
    plots = dict(plot_learning_curves(history, test_values={"accuracy": 0.8}))
    assert [line.style for line in plots["loss"].lines] == ["s0"]
    assert [line.style for line in plots["accuracy"].lines] == ["s0", "s2 dashed"]


def test_epochs_are_integers_on_the_page():
    for n_epochs in (1, 2, 30):
        history = make_history(1, n_epochs=n_epochs, validation_loss=0.5)
        (_, plot), _ = plot_learning_curves(history, test_values={})
        labels = [tick.label for tick in plot.horizontal]
        assert labels
        assert all(label.isdigit() for label in labels)


def test_each_of_few_trainings_has_a_thin_line_and_their_mean_a_thick_one():
    history = make_history(3, n_epochs=3, validation_loss=0.5)
    plots = dict(plot_learning_curves(history, test_values={}))
    styles = [line.style for line in plots["loss"].lines]
    assert styles == ["s0 thin"] * 3 + ["s0"] + ["s1 thin"] * 3 + ["s1"]


def make_history(n_folds: int, n_epochs: int, validation_loss: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "seed": 0,
            "fold": np.repeat(range(n_folds), n_epochs),
            "epoch": np.tile(np.arange(1, n_epochs + 1), n_folds),
            "train_loss": 0.7,
            "train_accuracy": 0.6,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_loss,
        }
    )
