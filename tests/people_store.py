"""Small stores of several persons with known signals, for training and prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import Column, make_column

LABELS = ("rest", "move")
FIRST_CLASS_UV = 10.0  # standard deviation of the signals
OTHER_CLASSES_UV = 40.0


def window_table(
    n_persons: int, *, splits: tuple[str, ...] = ("train",), n_windows: int = 8
) -> pd.DataFrame:
    """Build a window table with one recording of two blocks per person.

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
    table = pd.DataFrame(rows, dtype=object)
    number = np.arange(len(table))
    return table.assign(
        block=(table["label"] != LABELS[0]).astype(int),
        onset=(number % (len(LABELS) * n_windows)).astype(float),
    )


def write_store(
    folder: Path,
    table: pd.DataFrame,
    *,
    n_chans: int = 3,
    n_times: int = 64,
    sfreq: float = 64.0,
    channels: tuple[str, ...] | None = None,
    positions: np.ndarray | None = None,
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
    if positions is not None:
        columns.append(make_column("channel_position", positions))
    writer.write_columns(store, columns)
    attributes = {"sfreq": sfreq, "classes": {"label": classes}, "plan": "abc"}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)


def write_permuted(url: str, folder: Path, channels: tuple[str, ...]) -> str:
    """Write a store with channels of another one by name. A channel that it lacks is zero."""
    first = open_store(url)
    signals = first.read("signals")
    mean, std = first.read("recording_mean"), first.read("recording_std")
    table = first.table
    permuted = np.zeros((len(signals), len(channels), signals.shape[2]), np.float32)
    means = np.zeros((len(mean), len(channels)))
    stds = np.ones((len(mean), len(channels)))
    for i, name in enumerate(channels):
        if name in first.channels:
            index = first.channels.index(name)
            permuted[:, i] = signals[:, index]
            means[:, i] = mean[:, index]
            stds[:, i] = std[:, index]
    store = writer.StoreWriter.create(Location(str(folder)), "test")
    writer.write_signals(
        store, permuted.shape, iter([permuted]), StoreConfig(), on_progress=lambda _: None
    )
    columns = [Column(str(name), values.to_numpy()) for name, values in table.items()]
    columns += [
        make_column("channel", np.array(channels, dtype=object)),
        make_column("recording_mean", means),
        make_column("recording_std", stds),
        make_column("recording_windows", first.read("recording_windows")),
    ]
    writer.write_columns(store, columns)
    attributes = {name: first.attributes[name] for name in ("sfreq", "classes", "plan")}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)


def target_table(n_persons: int, *, n_windows: int = 8) -> pd.DataFrame:
    """Build a window table with several kinds of targets.

    Returns
    -------
    pandas.DataFrame
        As `window_table`, with ``age`` and ``sex`` of each person, two columns of votes, and two
        labels, of which ``jaw`` is missing for some windows.
    """
    table = window_table(n_persons, n_windows=n_windows)
    number = np.arange(len(table))
    is_move = (table["label"] == "move").to_numpy()
    person = table["subject"].astype(int).to_numpy()
    return table.assign(
        age=20.0 + 3 * person,
        sex=np.where(person % 2 == 0, "F", "M"),
        votes_rest=np.where(is_move, 1, 3) + number % 2,
        votes_move=np.where(is_move, 4, 0),
        blink=is_move.astype(float),
        jaw=np.where(number % 5 == 0, np.nan, number % 2).astype(float),
    )
