from __future__ import annotations

import matplotlib.image
import numpy as np
import pandas as pd

from bids_dl.annotate.simulation.picture import draw_curves


def make_curves(models, strategies) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for model in models:
        for strategy in strategies:
            for seed in range(3):
                for n_labels in (10, 20, 30):
                    value = rng.uniform()
                    known = {"model": model, "strategy": strategy, "automatic": False}
                    rows.append({**known, "seed": seed, "n_labels": n_labels, "value": value})
    return pd.DataFrame(rows)


def test_there_is_a_panel_for_each_learner(tmp_path):
    sizes = []
    for i, models in enumerate((["a"], ["a", "b"], ["a", "$b$", "c"])):
        path = tmp_path / f"{i}.png"
        draw_curves(make_curves(models, ["random", "margin"]), "balanced accuracy", path)
        sizes.append(matplotlib.image.imread(path).shape[:2])
    assert sizes[1] == (sizes[0][0], 2 * sizes[0][1])
    assert sizes[2] == (2 * sizes[0][0], 2 * sizes[0][1])


def test_the_same_curves_give_the_same_bytes(tmp_path):
    curves = make_curves(["a"], ["random", "mixture"])
    for name in ("1.png", "2.png"):
        draw_curves(curves, "balanced accuracy", tmp_path / name)
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()
