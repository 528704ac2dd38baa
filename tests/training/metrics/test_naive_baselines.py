from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom, entropy
from sklearn.dummy import DummyClassifier
from tested_windows import AGE, KINDS, LABELS, SHARES, STAGES, TWO_CLASSES, draw_windows

from bids_dl.training.metrics.naive_baselines import naive_baselines, training_mean
from bids_dl.training.metrics.tested import read_values


def baselines(table, spec, vote_by="block"):
    means = {}
    for fold in table["fold"].unique():
        training = table[table["fold"] != fold]
        means[fold] = training_mean(spec, read_values(training, spec))
    return naive_baselines(table, spec, vote_by=vote_by, training_means=means)


@pytest.mark.parametrize("spec", KINDS)
def test_baselines_are_json_and_do_not_depend_on_the_predictions(spec):
    table = draw_windows(spec)
    values = baselines(table, spec)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    columns = [name for name in table if name.startswith("p_") or name == "predicted"]
    shuffled = table.copy()
    shuffled[columns] = table[columns].to_numpy()[::-1]
    assert baselines(shuffled, spec) == values


def test_the_largest_class_is_that_of_scikit_learns_dummy():
    table = draw_windows(STAGES)
    dummy = DummyClassifier().fit(table[["window"]], table["stage"])
    largest = baselines(table, STAGES)["largest_class"]
    assert largest["windows"] == dummy.score(table[["window"]], table["stage"])
    assert largest["class"] == dummy.predict(table[["window"]])[0]
    blocks = table.drop_duplicates("block")
    assert largest["votes"] == blocks["stage"].value_counts(normalize=True).max()


@pytest.mark.parametrize("spec", [TWO_CLASSES, STAGES])
def test_guessing_exceeds_the_limit_in_at_most_5_percent(spec):
    chance = baselines(draw_windows(spec), spec)["chance"]
    rate = 1 / spec.n_outputs
    assert chance["windows"] == chance["votes"] == rate
    limit = round(chance["votes_limit"] * 30)
    assert binom.sf(limit, 30, rate) <= 0.05 < binom.sf(limit - 1, 30, rate)


def test_the_mean_age_of_the_other_persons_is_predicted():
    table = draw_windows(AGE, n_persons=3)
    errors = []
    for fold in range(3):
        is_tested = table["fold"] == fold
        mean = table.loc[~is_tested, "age"].mean()
        errors += (table.loc[is_tested, "age"] - mean).abs().tolist()
    windows = baselines(table, AGE)["training_mean"]["windows"]
    assert windows["mae"] == pytest.approx(np.mean(errors))
    assert windows["r"] is None
    assert windows["r2"] < 0


def test_the_mean_shares_of_the_other_persons_are_predicted():
    table = draw_windows(SHARES, n_persons=2)
    columns = list(SHARES.columns)
    divergences = []
    for fold in (0, 1):
        mean = table.loc[table["fold"] != fold, columns].mean().to_numpy()
        tested = table.loc[table["fold"] == fold, columns].to_numpy()
        divergences += entropy(tested, mean[None], axis=1).tolist()
    windows = baselines(table, SHARES)["training_mean"]["windows"]
    assert windows["kl"] == pytest.approx(np.mean(divergences))


def test_the_more_frequent_value_of_each_label_is_predicted():
    table = draw_windows(LABELS)
    table.loc[0, "l_x"] = np.nan
    values = baselines(table, LABELS)
    means = table[["l_x", "l_y"]].mean()
    expected = np.maximum(means, 1 - means).mean()
    assert values["largest_class"]["windows"] == pytest.approx(expected)


def test_a_mean_over_training_windows_leaves_out_missing_labels():
    mean = training_mean(LABELS, np.array([[1.0, np.nan], [0.0, np.nan], [np.nan, 1.0]]))
    assert mean.tolist() == [0.5, 1.0]
    assert training_mean(STAGES, np.array([2, 2, 0, 2])).tolist() == [0.25, 0, 0.75]
