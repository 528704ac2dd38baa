"""Windows and settings from which folds are planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import TargetError
from bids_dl.training.folds.people import Codes


@dataclass(frozen=True, slots=True)
class FoldRequest:
    """Windows that may be used, and settings of the folds.

    Parameters
    ----------
    table
        Rows of the store's table that may be used: with a target, and meeting the conditions.
    rows
        Rows of the store, ascending (n_windows,).
    classes
        Class index of each window (n_windows,), or None if the target has no classes.
    config
        Folds, gap, column to stratify by, patience and seed.
    window_seconds
        Length of a window in s.
    store_name
        Name of the store, for messages.
    """

    table: pd.DataFrame
    rows: Codes
    classes: Codes | None
    config: TrainConfig
    window_seconds: float
    store_name: str

    def require_columns(self, columns: Sequence[str], option: str) -> None:
        """Raise `TargetError` if the table lacks a column that an option needs."""
        missing = [column for column in columns if column not in self.table.columns]
        if missing:
            raise TargetError(
                f"{self.store_name}: {option} needs the column {missing[0]!r}, which the store "
                "does not have; train with --folds loso, or convert again"
            )

    def with_gap(self, seconds: float) -> FoldRequest:
        """Return the request with another gap."""
        return replace(self, config=replace(self.config, gap=seconds))

    def class_name(self, index: int) -> str:
        """Return the name of a class, as the column of the target has it."""
        column = self.config.target[0]
        if self.classes is None or column not in self.table.columns:
            return f"number {index}"
        row = int(np.argmax(self.classes == index))
        return str(self.table[column].iloc[row])


def make_request(
    table: pd.DataFrame,
    config: TrainConfig,
    *,
    known: npt.NDArray[np.bool_],
    classes_of: Codes | None,
    window_seconds: float,
    store_name: str,
) -> FoldRequest:
    """Select the windows that may be used.

    Parameters
    ----------
    table
        Table of the whole store.
    known
        True for windows with a target that meet the conditions (n_windows,).
    classes_of
        Class index of each window of the store (n_windows,), -1 without a class.

    Raises
    ------
    TargetError
        No window may be used.
    """
    rows = np.flatnonzero(known).astype(np.int64)
    if not len(rows):
        raise TargetError(f"{store_name}: no window has a target and meets --where")
    classes = None if classes_of is None else np.asarray(classes_of)[rows].astype(np.int64)
    usable = table if len(rows) == len(table) else table.iloc[rows]
    return FoldRequest(usable, rows, classes, config, window_seconds, store_name)
