"""Accuracy on unseen people, by window and by vote, with 95 % confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

LEVEL, RESAMPLES = 0.95, 2000
DEFINITIONS = {
    "windows": f"each window counts; intervals: {RESAMPLES} bootstrap samples of persons, as windows of one person are not independent",
    "votes": "majority vote over the windows of one person with the same true class, so a person with two true classes casts two votes; "
    "a tie goes to the class with the larger mean probability; intervals: Wilson, for the balanced accuracy combined over classes by MOVER",
    "balanced_accuracy": "mean over the true classes of the share that is right",
}


def evaluate(
    predictions: pd.DataFrame, target: str, classes: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return per-window and per-person accuracy and balanced accuracy, with intervals, ready for JSON.

    Per window, the 95 % interval is a seeded percentile bootstrap over persons, windows of one person not being independent;
    with one person there is none, and with few it is coarse. Per person, the unit is a vote: the majority over the windows of
    one person with the same true class. Its accuracy has a Wilson interval, its balanced accuracy the Wilson intervals of the
    classes combined by MOVER (Zou & Donner 2008, doi:10.1002/sim.3095); both take votes as independent, so they are narrower
    than they should be where persons cast several.

    Parameters
    ----------
    predictions
        Columns dataset, subject, the target's, ``predicted`` and ``p_<class>``; one row per window.
    """
    votes = vote(predictions, target, classes)
    windows = _confusions(predictions, target, classes)
    ballots = _confusions(votes, target, classes).sum(axis=0)
    return {
        "target": target,
        "classes": list(classes),
        "n_persons": len(windows),
        "windows": {
            "n": len(predictions),
            **_bootstrapped(windows, seed),
            "confusion": windows.sum(axis=0).tolist(),
        },
        "votes": {
            "n": len(votes),
            "ties": int(votes["tie"].sum()),
            **_wilson(ballots),
            "confusion": ballots.tolist(),
        },
        "largest_class": float(windows.sum(axis=(0, 2)).max() / len(predictions)),
        "definitions": DEFINITIONS,
    }


def vote(predictions: pd.DataFrame, target: str, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row per person and true class: what most of their windows were taken for, and whether it took a tie-break."""
    keys = ["dataset", "subject", target]
    taken = pd.DataFrame({name: predictions["predicted"] == name for name in classes})
    counts = taken.groupby([predictions[key] for key in keys], sort=True)
    n = counts.sum().to_numpy()
    means = (
        predictions.groupby(keys, sort=True)[[f"p_{name}" for name in classes]].mean().to_numpy()
    )
    most = n == n.max(axis=1, keepdims=True)
    winner = np.where(most, means, -1.0).argmax(axis=1)
    table = counts.size().rename("n_windows").reset_index()
    return table.assign(
        predicted=np.asarray(classes, dtype=object)[winner], tie=most.sum(axis=1) > 1
    )


def by_person(predictions: pd.DataFrame, target: str) -> list[dict[str, Any]]:
    """Return the window accuracy of each person, sorted, ready for JSON."""
    right = (predictions["predicted"] == predictions[target]).groupby(
        [predictions["dataset"], predictions["subject"]], sort=True
    )
    means, sizes = right.mean(), right.size()
    return [
        {"dataset": d, "subject": s, "n_windows": int(sizes[d, s]), "accuracy": float(means[d, s])}
        for d, s in means.index
    ]


def by_fold(predictions: pd.DataFrame, history: pd.DataFrame, target: str) -> list[dict[str, Any]]:
    """Return the window accuracy and the epochs trained of each fold, ready for JSON."""
    right = (predictions["predicted"] == predictions[target]).groupby(
        predictions["fold"], sort=True
    )
    table = pd.DataFrame(
        {
            "n_windows": right.size(),
            "accuracy": right.mean(),
            "epochs": history.groupby("fold")["epoch"].max(),
        }
    )
    rows: list[dict[str, Any]] = table.reset_index(names="fold").to_dict(orient="records")  # type: ignore[assignment]
    return rows


def rates(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return accuracy and balanced accuracy (..., 2) of confusion matrices (..., true, predicted).

    A class that nobody has does not count in the balanced accuracy.
    """
    right, there = np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1)
    recall = np.divide(right, there, out=np.full(there.shape, np.nan), where=there > 0)
    return np.stack([right.sum(axis=-1) / there.sum(axis=-1), np.nanmean(recall, axis=-1)], axis=-1)


def _confusions(table: pd.DataFrame, target: str, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return one confusion matrix per person: (person, true, predicted)."""
    groups = table.groupby(["dataset", "subject"], sort=True)
    return np.stack(
        [
            confusion_matrix(group[target], group["predicted"], labels=list(classes))
            for _, group in groups
        ]
    )


def _bootstrapped(
    confusions: npt.NDArray[np.int64], seed: int
) -> dict[str, dict[str, float | None]]:
    """Return both accuracies of all persons together, with percentiles over resampled persons."""
    values = rates(confusions.sum(axis=0))
    low: Sequence[float | None] = (None, None)
    high: Sequence[float | None] = (None, None)
    if len(confusions) > 1:
        drawn = np.random.default_rng(seed).integers(
            len(confusions), size=(RESAMPLES, len(confusions))
        )
        times = np.stack([np.bincount(row, minlength=len(confusions)) for row in drawn])
        resampled = rates(np.tensordot(times, confusions, axes=1))
        low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).tolist()
    names = ("accuracy", "balanced_accuracy")
    return {
        name: {"value": float(values[i]), "low": low[i], "high": high[i]}
        for i, name in enumerate(names)
    }


def _wilson(confusion: npt.NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return both accuracies of independent votes, with score intervals."""
    accuracy, balanced = (float(value) for value in rates(confusion))
    there = confusion.sum(axis=1) > 0
    recall = confusion.diagonal()[there] / confusion.sum(axis=1)[there]
    bounds = np.array(
        [_interval(confusion[i, i], confusion[i].sum()) for i in np.flatnonzero(there)]
    )
    low, high = np.sqrt(np.square(bounds - recall[:, None]).sum(axis=0)) / len(recall)
    overall = _interval(np.trace(confusion), confusion.sum())
    return {
        "accuracy": {"value": accuracy, "low": overall[0], "high": overall[1]},
        "balanced_accuracy": {
            "value": balanced,
            "low": float(balanced - low),
            "high": float(balanced + high),
        },
    }


def _interval(right: np.int64, n: np.int64) -> tuple[float, float]:
    interval = binomtest(int(right), int(n)).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)
