from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bids_dl.annotate.simulation.curves import average_curve, compute_areas, summarize_curves


def make_curves(values: dict, *, automatic: bool = False) -> list[dict]:
    """Return the rows of curves at 10, 20 and 30 answers, by strategy and seed."""
    rows = []
    for strategy, by_seed in values.items():
        for seed, curve in enumerate(by_seed):
            for n_labels, value in zip((10, 20, 30), curve, strict=True):
                rows.append(
                    {
                        "model": "m",
                        "strategy": strategy,
                        "automatic": automatic,
                        "seed": seed,
                        "n_labels": n_labels,
                        "value": value,
                        "n_automatic": 0,
                        "labels_spike": n_labels / 10,
                    }
                )
    return rows


VALUES = {
    "random": [(0.2, 0.4, 0.6), (0.0, 0.2, 0.4)],
    "margin": [(0.2, 0.6, 0.8), (0.0, 0.4, 0.8)],
}


def test_the_area_is_the_mean_over_the_range_of_answers():
    areas = compute_areas(pd.DataFrame(make_curves(VALUES))).sort_index()
    assert areas.loc["m", "random", False].tolist() == pytest.approx([0.4, 0.2])


def test_differences_are_paired_by_seed():
    summary = summarize_curves(pd.DataFrame(make_curves(VALUES))).set_index("strategy")
    margin = summary.loc["margin"]
    assert margin["difference"] == pytest.approx(np.mean([0.15, 0.2]))
    half = 12.7062 * np.std([0.15, 0.2], ddof=1) / np.sqrt(2)
    assert margin["high"] - margin["low"] == pytest.approx(2 * half, rel=1e-4)
    assert summary.loc["random", "difference"] == 0


def test_the_answers_to_the_last_value_of_random_are_of_the_mean_curve():
    summary = summarize_curves(pd.DataFrame(make_curves(VALUES))).set_index("strategy")
    assert summary.loc["margin", "labels_to_random"] == 20
    assert summary.loc["random", "labels_to_random"] == 30
    assert summary.loc["margin", "labels_spike"] == 3


def test_a_strategy_that_never_reaches_random_has_no_number():
    curves = make_curves({"random": [(0.1, 0.2, 0.9)], "margin": [(0.1, 0.1, 0.1)]})
    summary = summarize_curves(pd.DataFrame(curves)).set_index("strategy")
    assert np.isnan(summary.loc["margin", "labels_to_random"])
    assert np.isnan(summary.loc["margin", "low"])


def test_the_gain_by_automatic_labels_is_to_the_same_strategy():
    better = {name: np.array(curves) + 0.1 for name, curves in VALUES.items()}
    rows = make_curves(VALUES) + make_curves(better, automatic=True)
    summary = summarize_curves(pd.DataFrame(rows))
    assert summary.loc[summary["automatic"], "gain"].tolist() == pytest.approx([0.1, 0.1])
    assert summary.loc[~summary["automatic"], "gain"].isna().all()


def test_a_seed_that_asked_everything_earlier_keeps_its_last_value():
    rows = make_curves({"random": [(0.2, 0.4, 0.6), (0.0, 0.2, 0.4)]})[:-1]
    average = average_curve(pd.DataFrame(rows))
    assert average["value"].tolist() == pytest.approx([0.1, 0.3, 0.4])
