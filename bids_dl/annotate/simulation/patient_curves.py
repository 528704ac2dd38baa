"""Learning curves of new patients: paired differences to random, with intervals over patients."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bids_dl.annotate.simulation.curves import estimate_mean
from bids_dl.annotate.strategies.registry import RANDOM

GROUP = ["model", "strategy", "n_labels"]
CURVE_COLUMNS = ("model", "strategy", "patient", "seed", "n_labels", "value")
"""Columns of the table of curves: one row per learner, strategy, patient, seed and number of
answers. Columns ``labels_CLASS`` follow, the number of answers of each class."""


def summarize_patients(curves: pd.DataFrame) -> pd.DataFrame:
    """Return one row per learner, strategy and number of answers: results and paired differences.

    Differences are paired by patient and seed, and averaged over the seeds of a patient. The
    interval is that of the mean of the patients by Student's t distribution, because seeds of one
    patient share their windows and are not independent.

    Parameters
    ----------
    curves
        Table with `CURVE_COLUMNS`, of which random is a strategy.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``strategy``, ``n_labels``, ``value``, ``difference`` to random with ``low`` and
        ``high``, ``n_patients``, ``n_better`` (patients with a difference above 0), and the mean
        number of answers of each class, ``labels_CLASS``.
    """
    keys = ["model", "n_labels", "patient", "seed"]
    random = curves[curves["strategy"] == RANDOM].set_index(keys)["value"]
    rows = []
    for key, group in curves.groupby(GROUP, sort=False):
        paired = group.set_index(keys)["value"]
        difference = (paired - random.reindex(paired.index)).groupby("patient").mean()
        mean, low, high = estimate_mean(difference.to_numpy(float))
        row: dict[str, Any] = dict(zip(GROUP, key, strict=True))
        row["value"] = float(group.groupby("patient")["value"].mean().mean())
        row |= {"difference": mean, "low": low, "high": high}
        row |= {"n_patients": len(difference), "n_better": int((difference > 0).sum())}
        counts = [str(name) for name in group if str(name).startswith("labels_")]
        rows.append(row | {name: float(group[name].mean()) for name in counts})
    return pd.DataFrame(rows)


def average_seeds(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the curves of patients, each the mean over seeds, as the picture takes them.

    The column ``seed`` holds the number of the patient, so that intervals are those of patients.
    """
    keys = ["model", "strategy", "patient", "n_labels"]
    table = curves.groupby(keys, sort=False)["value"].mean().reset_index()
    return table.assign(automatic=False, seed=pd.factorize(table["patient"])[0])
