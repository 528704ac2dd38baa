"""Small stores with their own channels, positions and rates, whose windows have the same length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column

SECONDS = 0.5  # of a window
PER_RECORDING = 6  # windows
LABELS = ("rest", "move")
TRAIN_SHARE = 0.5  # of the windows, the first ones


@dataclass(frozen=True)
class MontageStore:
    """Content of a store of noise."""

    n_chans: int
    sfreq: float = 128.0
    n_windows: int = 30
    per_chunk: int = 4
    seed: int = 0
    n_unknown: int = 0  # channels at the start of the list that have no position

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(f"C{i}" for i in range(self.n_chans))

    @property
    def n_times(self) -> int:
        """Samples of a window."""
        return round(SECONDS * self.sfreq)

    @property
    def positions(self) -> np.ndarray:
        """(n_chans, 3) in m, NaN for those that have none."""
        directions = np.random.default_rng([self.seed, 1]).standard_normal((self.n_chans, 3))
        positions = 0.09 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
        positions[: self.n_unknown] = np.nan
        return positions

    @property
    def signals(self) -> np.ndarray:
        """float32 (n_windows, n_chans, n_times) in µV, in multiples of 1/8."""
        shape = (self.n_windows, self.n_chans, self.n_times)
        noise = np.random.default_rng([self.seed, 2]).integers(-400, 401, shape)
        return (noise / 8 + np.arange(self.n_windows)[:, None, None]).astype(np.float32)


def write(
    url: Path | str,
    content: MontageStore,
    *,
    order: Iterable[int] | None = None,
    resolution: float | None = None,
    storage_options: Mapping[str, Any] | None = None,
    without: Iterable[str] = (),
) -> str:
    """Write a store.

    Parameters
    ----------
    url
        Path or URL.
    content
        Windows and channels.
    order
        Permutation of the channels.
    resolution
        µV of one integer, for int16.
    storage_options
        Options of the file system.
    without
        Names of arrays that are left out.

    Returns
    -------
    str
        The path or URL.
    """
    channels = np.arange(content.n_chans) if order is None else np.array(list(order))
    signals = content.signals[:, channels]
    chunk_bytes = content.per_chunk * signals[0].nbytes
    store = writer.StoreWriter.create(Location(str(url), storage_options or {}), "a plan")
    writer.write_signals(
        store,
        signals.shape,
        iter([signals if resolution is None else (signals / resolution).astype(np.int16)]),
        StoreConfig(chunk_bytes=chunk_bytes, shard_bytes=3 * chunk_bytes),
        resolution=resolution,
        on_progress=lambda _: None,
    )
    columns = [*_columns(content), *_channel_columns(content, channels, signals)]
    columns = [column for column in columns if column.name not in without]
    writer.write_columns(store, columns)
    attributes = {"sfreq": content.sfreq, "classes": {"label": list(LABELS)}}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(url)


def _columns(content: MontageStore) -> list[Column]:
    number = np.arange(content.n_windows)
    recording = number // PER_RECORDING
    n_train = TRAIN_SHARE * content.n_windows
    texts = {
        "label": [LABELS[i % 2] for i in number],
        "dataset": [f"ds{content.n_chans}"] * content.n_windows,
        "subject": [f"{i:02}" for i in recording],
        "recording": [f"sub-{i:02}" for i in recording],
        "split": ["train" if i < n_train else "test" for i in number],
    }
    columns = [make_column(name, writer.text_array(values)) for name, values in texts.items()]
    return [*columns, Column("age", 20.0 + recording)]


def _channel_columns(
    content: MontageStore, channels: np.ndarray, signals: np.ndarray
) -> list[Column]:
    starts = range(0, content.n_windows, PER_RECORDING)
    recordings = [signals[i : i + PER_RECORDING].astype(float) for i in starts]
    return [
        make_column("channel", writer.text_array([content.channels[i] for i in channels])),
        make_column("channel_position", content.positions[channels]),
        make_column("recording_mean", np.stack([part.mean(axis=(0, 2)) for part in recordings])),
        make_column("recording_std", np.stack([part.std(axis=(0, 2)) for part in recordings])),
        make_column("recording_windows", np.array([len(part) for part in recordings])),
    ]
