"""Contents of the record of a training: what its page, tables and figures show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bids_dl.models.target import TargetSpec


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A finished training.

    Parameters
    ----------
    spec
        Target of the models.
    metrics
        Content of ``metrics.json``.
    predictions
        One row per tested window: content of ``predictions.csv``.
    votes
        One row per vote, with the columns of ``predictions`` that a vote has.
    history
        One row per epoch: content of ``history.csv``. Empty for a probe.
    config
        Content of ``config.json``: ``command``, ``settings`` and ``store``.
    environment
        Content of ``environment.json``: versions and the device.
    folds
        Content of ``folds.json``.
    """

    spec: TargetSpec
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    votes: pd.DataFrame
    history: pd.DataFrame
    config: dict[str, Any]
    environment: dict[str, Any]
    folds: list[dict[str, Any]]

    @property
    def window_seconds(self) -> float:
        """Length of a window in s."""
        store = self.config["store"]
        return float(store["shape"][2] / store["sfreq"])

    def of_first_seed(self, table: pd.DataFrame) -> pd.DataFrame:
        """Select the rows of the first seed from predictions or votes."""
        if "seed" not in table or not len(table):
            return table
        rows: pd.DataFrame = table[table["seed"] == table["seed"].min()]
        return rows
