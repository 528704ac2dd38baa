"""Stores of planted nights, whose stages last some minutes and come again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column
from bids_dl.testing.sleep import EPOCH_SECONDS, STAGES, simulate_sleep

MEAN_BOUT = 8  # epochs that a stage lasts
CHANNELS = ("Fpz", "Oz")


def draw_stages(n_epochs: int, rng: np.random.Generator) -> list[str]:
    """Draw the stages of a night: each lasts 4 to 12 epochs, and another one follows."""
    names = list(STAGES)
    stages: list[str] = []
    while len(stages) < n_epochs:
        others = [name for name in names if not stages or name != stages[-1]]
        length = int(rng.integers(MEAN_BOUT // 2, MEAN_BOUT * 3 // 2 + 1))
        stages += [str(rng.choice(others))] * length
    return stages[:n_epochs]


def write_nights(
    folder: Path,
    *,
    n_persons: int = 30,
    n_epochs: int = 80,
    sfreq: float = 64.0,
    n_test: int = 10,
    seed: int = 0,
) -> str:
    """Write a store with one night per person, in windows of 30 s.

    Returns
    -------
    str
        Path of the store. The last persons are in the split test, the others in train.
    """
    nights, tables = [], []
    for person in range(n_persons):
        stages = draw_stages(n_epochs, np.random.default_rng([seed, person]))
        channels = list(simulate_sleep(stages, len(CHANNELS), sfreq, (seed, person)))
        shape = (len(CHANNELS), n_epochs, -1)
        nights.append(np.reshape(channels, shape).swapaxes(0, 1).astype(np.float32))
        columns = {
            "label": np.array(stages, dtype=object),
            "dataset": "nights",
            "subject": f"{person:02}",
            "recording": f"sub-{person:02}",
            "split": "test" if person >= n_persons - n_test else "train",
            "block": np.arange(n_epochs),
            "onset": float(EPOCH_SECONDS) * np.arange(n_epochs),
        }
        tables.append(pd.DataFrame(columns))
    return write_recordings(folder, pd.concat(tables, ignore_index=True), nights, sfreq)


def write_recordings(
    folder: Path, table: pd.DataFrame, recordings: list[np.ndarray], sfreq: float
) -> str:
    """Write a store of recordings (n_windows, n_chans, n_times) of the channels `CHANNELS`."""
    store = writer.StoreWriter.create(Location(str(folder)), "nights")
    shape = (len(table), *recordings[0].shape[1:])
    writer.write_signals(store, shape, iter(recordings), StoreConfig(), on_progress=lambda _: None)
    columns = [Column(str(name), values.to_numpy()) for name, values in table.items()]
    columns += [
        make_column("channel", np.array(CHANNELS, dtype=object)),
        make_column("channel_type", np.array(["eeg"] * len(CHANNELS), dtype=object)),
        make_column("recording_mean", np.stack([r.mean((0, 2), dtype=float) for r in recordings])),
        make_column("recording_std", np.stack([r.std((0, 2), dtype=float) for r in recordings])),
        make_column("recording_windows", np.array([len(r) for r in recordings])),
    ]
    writer.write_columns(store, columns)
    attributes = {"sfreq": sfreq, "classes": {"label": list(STAGES)}, "plan": "abc"}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)
