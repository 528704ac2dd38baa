"""Small stores of several persons with known signals, for training and prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column

LABELS = ("rest", "move")
FIRST_CLASS_UV = 10.0  # standard deviation of the signals
OTHER_CLASSES_UV = 40.0


def window_table(
    n_persons: int, *, splits: tuple[str, ...] = ("train",), n_windows: int = 8
) -> pd.DataFrame:
    """Build a window table with one recording per person.

    Parameters
    ----------
    n_persons
        Number of persons of the dataset ds1.
    splits
        Splits, assigned to the persons in turn.
    n_windows
        Windows of each class per person.
    """
    rows = []
    for person in range(n_persons):
        for label in LABELS:
            row = {
                "label": label,
                "dataset": "ds1",
                "subject": f"{person:02}",
                "recording": f"sub-{person:02}",
                "split": splits[person % len(splits)],
            }
            rows += [row] * n_windows
    return pd.DataFrame(rows, dtype=object)


def write_store(
    folder: Path,
    table: pd.DataFrame,
    *,
    n_chans: int = 3,
    n_times: int = 64,
    sfreq: float = 64.0,
    channels: tuple[str, ...] | None = None,
) -> str:
    """Write a store of noise, four times as strong in the second class as in the first.

    Returns
    -------
    str
        Path of the store.
    """
    classes = list(dict.fromkeys(table["label"]))
    is_first = (table["label"] == classes[0]).to_numpy()
    strength = np.where(is_first, FIRST_CLASS_UV, OTHER_CLASSES_UV)
    noise = np.random.default_rng(0).standard_normal((len(table), n_chans, n_times))
    signals = (noise * strength[:, None, None]).astype(np.float32)
    store = writer.StoreWriter.create(Location(str(folder)), "test")
    writer.write_signals(
        store, signals.shape, iter([signals]), StoreConfig(), on_progress=lambda _: None
    )
    names = channels or tuple(f"C{i}" for i in range(n_chans))
    recordings = list(table.groupby(["dataset", "recording"], sort=False).indices.values())
    mean = [signals[rows].mean(axis=(0, 2), dtype=float) for rows in recordings]
    std = [signals[rows].std(axis=(0, 2), dtype=float) for rows in recordings]
    columns = [Column(str(name), values.to_numpy()) for name, values in table.items()]
    columns += [
        make_column("channel", np.array(names, dtype=object)),
        make_column("recording_mean", np.stack(mean)),
        make_column("recording_std", np.stack(std)),
        make_column("recording_windows", np.array([len(rows) for rows in recordings])),
    ]
    writer.write_columns(store, columns)
    attributes = {"sfreq": sfreq, "classes": {"label": classes}, "plan": "abc"}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)
