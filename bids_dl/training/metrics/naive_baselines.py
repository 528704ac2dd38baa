"""Baselines that need no model: chance, the largest class and the mean of the training windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binom

from bids_dl.config.training_options import VoteUnit
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics.evaluation import measure
from bids_dl.training.metrics.person_statistics import Floats, mean_of_defined
from bids_dl.training.metrics.tested import TestedRows, read_tested
from bids_dl.training.metrics.votes import cast_votes

CHANCE_QUANTILE = 0.95  # guessing is more accurate with a probability of at most 5 %


def training_mean(spec: TargetSpec, values: npt.NDArray[Any]) -> Floats:
    """Average the true values of training windows, for `naive_baselines`.

    Parameters
    ----------
    spec
        Target.
    values
        True values of the training windows, as in `TestedRows`.

    Returns
    -------
    mean
        The share of each class or label, the mean of a number in its own unit, or the mean shares
        (n_outputs,).

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> training_mean(spec, np.array([0, 0, 0, 1])).tolist()
    [0.75, 0.25]
    """
    if spec.kind == "classes":
        return np.bincount(values, minlength=spec.n_outputs) / len(values)
    return mean_of_defined(values.reshape(len(values), -1), axis=0)


def naive_baselines(
    predictions: pd.DataFrame,
    spec: TargetSpec,
    *,
    vote_by: VoteUnit,
    training_means: Mapping[int, Floats],
) -> dict[str, Any]:
    """Compute the results that need no model, on the same windows and votes.

    Parameters
    ----------
    predictions
        Tested windows of one seed, as for `evaluate`, with ``fold``.
    spec
        Target.
    vote_by
        Unit of vote.
    training_means
        Result of `training_mean` for each fold. Classes and labels do not need it.

    Returns
    -------
    baselines
        ``chance`` and ``largest_class`` of classes and labels: accuracies of ``windows`` and
        ``votes``. ``votes_limit`` is the accuracy of votes of classes that guessing exceeds with a
        probability of at most 5 %. ``training_mean`` of a number and of shares: metrics of
        ``windows`` and ``votes`` if the mean over the training windows is always predicted.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> table = pd.DataFrame({"fold": [0, 1], "dataset": "ds", "subject": ["a", "b"]})
    >>> table = table.assign(age=[30.0, 40.0], predicted=0.0)
    >>> means = {0: np.array([40.0]), 1: np.array([30.0])}
    >>> baselines = naive_baselines(table, spec, vote_by="subject", training_means=means)
    >>> baselines["training_mean"]["windows"]["mae"]
    10.0
    """
    if spec.kind in ("number", "shares"):
        constant = _predict_means(predictions, spec, training_means)
        return {"training_mean": _measure_constant(constant, spec, vote_by)}
    windows = read_tested(predictions, spec)
    votes = read_tested(cast_votes(predictions, spec, vote_by), spec)
    if spec.kind == "labels":
        largest = {"windows": _largest_values(windows), "votes": _largest_values(votes)}
        return {"chance": {"windows": 0.5, "votes": 0.5}, "largest_class": largest}
    n_votes = len(votes.values)
    rate = 1 / spec.n_outputs
    limit = float(binom.ppf(CHANCE_QUANTILE, n_votes, rate) / n_votes)
    counts = np.bincount(windows.values, minlength=spec.n_outputs)
    vote_counts = np.bincount(votes.values, minlength=spec.n_outputs)
    return {
        "chance": {"windows": rate, "votes": rate, "votes_limit": limit},
        "largest_class": {
            "class": spec.outputs[int(counts.argmax())],
            "windows": float(counts.max() / counts.sum()),
            "votes": float(vote_counts.max() / n_votes),
        },
    }


def _predict_means(
    predictions: pd.DataFrame, spec: TargetSpec, training_means: Mapping[int, Floats]
) -> pd.DataFrame:
    """Replace the predictions by the means over the training windows of their folds."""
    columns = ["predicted"] if spec.kind == "number" else [f"p_{name}" for name in spec.outputs]
    folds = predictions["fold"].to_numpy()
    means = np.empty((len(predictions), len(columns)))
    for fold in np.unique(folds):
        means[folds == fold] = training_means[int(fold)]
    replaced = predictions.copy()
    replaced[columns] = means
    return replaced


def _measure_constant(
    predictions: pd.DataFrame, spec: TargetSpec, vote_by: VoteUnit
) -> dict[str, dict[str, float | None]]:
    """Return the metrics of windows and votes of predictions that are constant in each fold."""
    results: dict[str, dict[str, float | None]] = {}
    votes = cast_votes(predictions, spec, vote_by)
    for unit, table in (("windows", predictions), ("votes", votes)):
        results[unit] = measure(read_tested(table, spec))
        if "r" in results[unit]:
            # The means of folds differ because a held-out person lowers or raises them. This
            # alone makes r negative, -1 if each person is held out once.
            results[unit]["r"] = None
    return results


def _largest_values(rows: TestedRows) -> float | None:
    """Return the mean over labels of the share of the more frequent value."""
    shares = mean_of_defined(rows.values, axis=0)
    mean = float(mean_of_defined(np.maximum(shares, 1 - shares)))
    return None if np.isnan(mean) else mean
