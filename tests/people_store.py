"""Small stores with known signals, for what real recordings cannot show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column


def people(
    n_persons: int, *, splits: tuple[str, ...] = ("train",), n_windows: int = 8
) -> pd.DataFrame:
    """A window table: ``n_windows`` of each class for each person, one recording a person, splits taken in turn."""
    rows = [
        {
            "label": label,
            "dataset": "ds1",
            "subject": f"{person:02}",
            "recording": f"sub-{person:02}",
            "split": splits[person % len(splits)],
        }
        for person in range(n_persons)
        for label in ("rest", "move")
        for _ in range(n_windows)
    ]
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
    """Write a store whose windows of the second class are four times as strong as the others; its path."""
    rng = np.random.default_rng(0)
    classes = list(dict.fromkeys(table["label"]))
    strength = np.array([10.0 if label == classes[0] else 40.0 for label in table["label"]])
    signals = (
        rng.standard_normal((len(table), n_chans, n_times)) * strength[:, None, None]
    ).astype(np.float32)
    location = Location(str(folder))
    draft = writer.begin(location, "test")
    writer.write_signals(draft, signals.shape, iter([signals]), StoreConfig(), say=lambda _: None)
    names = channels or tuple(f"C{i}" for i in range(n_chans))
    groups = list(table.groupby(["dataset", "recording"], sort=False).indices.values())
    mean = np.stack([signals[rows].mean(axis=(0, 2), dtype=float) for rows in groups])
    std = np.stack([signals[rows].std(axis=(0, 2), dtype=float) for rows in groups])
    columns = [
        *(Column(str(name), values.to_numpy()) for name, values in table.items()),
        Column("channel", np.array(names, dtype=object), ("channel",)),
        Column("recording_mean", mean, ("recording_index", "channel")),
        Column("recording_std", std, ("recording_index", "channel")),
        Column("recording_windows", np.array([len(rows) for rows in groups]), ("recording_index",)),
    ]
    writer.write_columns(draft, columns)
    attributes = {"sfreq": sfreq, "classes": {"label": classes}, "plan": "abc"}
    writer.finish(draft, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)
