"""Window tables of persons with sessions, runs and blocks, for tests of folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bids_dl.config.training_stage import TrainConfig
from bids_dl.training.folds.fold import FoldPlan
from bids_dl.training.folds.planning import plan_folds
from bids_dl.training.folds.request import FoldRequest, make_request

CLASSES = ("rest", "move")


def recording_table(
    runs: list[tuple[str, str, str]],
    *,
    n_blocks: int = 8,
    block_windows: int = 5,
    window_seconds: float = 2.0,
) -> pd.DataFrame:
    """Build a table of recordings with blocks of alternating class, one after the other.

    Parameters
    ----------
    runs
        (subject, session, run) of each recording.
    n_blocks, block_windows
        Blocks of a recording, and windows of a block.
    window_seconds
        Distance of the onsets of two windows in s.
    """
    rows = []
    for number, (subject, session, run) in enumerate(runs):
        for window in range(n_blocks * block_windows):
            block = window // block_windows
            rows.append(
                {
                    "label": CLASSES[block % 2],
                    "dataset": "ds1",
                    "subject": subject,
                    "session": session,
                    "run": run,
                    "recording": f"sub-{subject}/sub-{subject}_ses-{session}_run-{run}",
                    "onset": window * window_seconds,
                    "block": number * n_blocks + block,
                }
            )
    return pd.DataFrame(rows)


def class_codes(table: pd.DataFrame) -> np.ndarray:
    """Index of the class of each window."""
    return pd.Categorical(table["label"], categories=CLASSES).codes.astype(np.int64)


def plan(table: pd.DataFrame, *, window_seconds: float = 2.0, **settings: Any) -> FoldPlan:
    """Plan folds of all windows of a table, with the label as target."""
    return plan_folds(
        table,
        TrainConfig(**settings),
        known=np.ones(len(table), dtype=bool),
        classes_of=class_codes(table),
        window_seconds=window_seconds,
        store_name="a.zarr",
    )


def request_all(
    table: pd.DataFrame, *, window_seconds: float = 2.0, **settings: Any
) -> FoldRequest:
    """Request folds of all windows of a table, with the label as target."""
    return make_request(
        table,
        TrainConfig(**settings),
        known=np.ones(len(table), dtype=bool),
        classes_of=class_codes(table),
        window_seconds=window_seconds,
        store_name="a.zarr",
    )
