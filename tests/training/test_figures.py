from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bids_dl.training.figures import draw_confusion, draw_learning_curves

PNG = b"\x89PNG"


@pytest.mark.parametrize("n_folds", [1, 3])
@pytest.mark.parametrize("validation_loss", [0.5, np.nan])
def test_learning_curves_are_drawn_with_and_without_validation(tmp_path, n_folds, validation_loss):
    history = pd.DataFrame(
        {
            "fold": np.repeat(range(n_folds), 2),
            "epoch": np.tile([1, 2], n_folds),
            "train_loss": 0.7,
            "train_accuracy": 0.6,
            "validation_loss": validation_loss,
            "validation_accuracy": validation_loss,
        }
    )
    draw_learning_curves(history, 0.8, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("n_classes", [2, 12])
def test_the_same_confusion_matrices_give_the_same_bytes(tmp_path, n_classes):
    counts = np.arange(n_classes**2).reshape(n_classes, n_classes).tolist()
    classes = [f"class {i}" for i in range(n_classes)]
    for name in ("first.png", "second.png"):
        draw_confusion({"windows": counts, "votes": counts}, classes, tmp_path / name)
    first = (tmp_path / "first.png").read_bytes()
    assert first.startswith(PNG)
    assert (tmp_path / "second.png").read_bytes() == first
