"""Stores of different montages and rates with the same planted effect at the back of the head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column
from bids_dl.testing import PlantedEffect
from bids_dl.testing.planting import draw_log_power, draw_person, plant_signals

EFFECT = PlantedEffect(d=3, between=0.5, within=1, unit="block", window=1.0)
BACK_SHARE = 0.25  # of the electrodes that have the effect: those at the back


def montage_of(template: str, n_chans: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Return names and positions (n_chans, 3) in m of evenly chosen electrodes of a template."""
    montage = mne.channels.make_standard_montage(template)
    info = mne.create_info(montage.ch_names, 1.0, "eeg", verbose="error")
    info.set_montage(montage, verbose="error")
    positions = np.array([channel["loc"][:3] for channel in info["chs"]])
    chosen = np.linspace(0, len(positions) - 1, n_chans).round().astype(int)
    return tuple(np.array(montage.ch_names)[chosen].tolist()), positions[chosen]


def write_planted_montage(
    folder: Path,
    template: str,
    n_chans: int,
    *,
    n_persons: int = 12,
    n_windows: int = 12,
    seed: int = 0,
) -> str:
    """Write a store at 128 Hz with the effect `EFFECT`, half of whose persons are in test.

    Returns
    -------
    str
        Path of the store.
    """
    names, positions = montage_of(template, n_chans)
    is_back = positions[:, 1] <= np.quantile(positions[:, 1], BACK_SHARE)
    effect = replace(EFFECT, electrodes=tuple(np.array(names)[is_back].tolist()))
    blocks = np.arange(n_windows) * 2 // n_windows
    tables, recordings = [], []
    for person in range(n_persons):
        drawn = draw_person(effect, seed, person)
        log_power = draw_log_power(effect, drawn, blocks, (seed, person, 0))
        channels = list(plant_signals(effect, log_power, names, 128.0, (seed, person, 0)))
        shape = (n_chans, n_windows, -1)
        recordings.append(np.reshape(channels, shape).swapaxes(0, 1).astype(np.float32))
        columns = {
            "label": np.array(["low", "high"], dtype=object)[blocks],
            "dataset": template,
            "subject": f"{person:02}",
            "recording": f"sub-{person:02}",
            "split": "test" if person >= n_persons // 2 else "train",
            "block": 2 * person + blocks,
            "onset": np.arange(n_windows) * effect.window,
        }
        tables.append(pd.DataFrame(columns))
    _write(folder, pd.concat(tables, ignore_index=True), recordings, names, positions)
    return str(folder)


def _write(folder, table, recordings, names, positions) -> None:
    store = writer.StoreWriter.create(Location(str(folder)), "montages")
    shape = (len(table), *recordings[0].shape[1:])
    writer.write_signals(store, shape, iter(recordings), StoreConfig(), on_progress=lambda _: None)
    columns = [Column(str(name), values.to_numpy()) for name, values in table.items()]
    columns += [
        make_column("channel", np.array(names, dtype=object)),
        make_column("channel_type", np.array(["eeg"] * len(names), dtype=object)),
        make_column("channel_position", positions),
        make_column("recording_mean", np.stack([r.mean((0, 2), dtype=float) for r in recordings])),
        make_column("recording_std", np.stack([r.std((0, 2), dtype=float) for r in recordings])),
        make_column("recording_windows", np.array([len(r) for r in recordings])),
    ]
    writer.write_columns(store, columns)
    attributes = {"sfreq": 128.0, "classes": {"label": ["low", "high"]}, "plan": "abc"}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
