"""Small stores: the signals of each window tell which window it is."""

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

N_CHANS = 3
N_TIMES = 20
WINDOW_BYTES = 4 * N_CHANS * N_TIMES
LABELS = ("open", "closed")
SEXES = ("f", "m", "n/a")
TRAIN_SHARE = 0.6  # of the people, the first ones


@dataclass(frozen=True)
class SmallStore:
    """Content of a store: people with two recordings of ``per_recording`` windows each."""

    n_subjects: int = 5
    per_recording: int = 7
    per_chunk: int = 4
    chunks_per_shard: int = 3
    seed: int = 0
    sfreq: float = 100.0
    channels: tuple[str, ...] = ("Fz", "Cz", "Pz")
    dataset: str = "ds1"

    @property
    def n_windows(self) -> int:
        """Number of windows of all recordings."""
        return 2 * self.n_subjects * self.per_recording

    @property
    def recording(self) -> np.ndarray:
        """(n_windows,): number of the recording of each window."""
        return np.arange(self.n_windows) // self.per_recording

    @property
    def signals(self) -> np.ndarray:
        """(n_windows, n_chans, n_times): noise around the number of the window."""
        shape = (self.n_windows, len(self.channels), N_TIMES)
        noise = np.random.default_rng(self.seed).standard_normal(shape)
        scale = 1 + self.recording[:, None, None]
        return (noise * scale + np.arange(self.n_windows)[:, None, None]).astype(np.float32)


def write(
    url: Path | str,
    small: SmallStore,
    *,
    resolution: float | None = None,
    storage_options: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> np.ndarray:
    """Write a store, as int16 if ``resolution`` (µV) is given, and return its signals in µV."""
    location = Location(str(url), storage_options or {})
    config = StoreConfig(
        chunk_bytes=small.per_chunk * WINDOW_BYTES,
        shard_bytes=small.per_chunk * small.chunks_per_shard * WINDOW_BYTES,
    )
    store = writer.StoreWriter.create(location, "a plan")
    signals = small.signals
    stored = signals
    if resolution is not None:
        stored = np.round(signals / resolution).astype(np.int16)
        signals = stored * np.float32(resolution)
    writer.write_signals(
        store,
        signals.shape,
        iter([stored]),
        config,
        resolution=resolution,
        on_progress=lambda _: None,
    )
    others = [
        make_column("channel", writer.text_array(small.channels)),
        *_statistics(signals, small),
        *columns(small),
    ]
    writer.write_columns(store, others)
    attributes = {"sfreq": small.sfreq, "classes": {"label": list(LABELS)}, **attributes}
    writer.finish(store, attributes, ["signals", *(column.name for column in others)], {})
    return signals


def _statistics(signals: np.ndarray, small: SmallStore) -> list[Column]:
    by_recording = signals.reshape(-1, small.per_recording, *signals.shape[1:]).astype(np.float64)
    return [
        make_column("recording_mean", by_recording.mean(axis=(1, 3))),
        make_column("recording_std", by_recording.std(axis=(1, 3))),
        make_column("recording_windows", np.bincount(small.recording).astype(np.int64)),
    ]


def columns(small: SmallStore) -> list[Column]:
    """Return the columns of the window table."""
    recordings = small.recording
    subjects = recordings // 2
    texts = {
        "label": [LABELS[i % 2] for i in recordings],
        "dataset": [small.dataset] * small.n_windows,
        "subject": [f"{i:03}" for i in subjects],
        "recording": [f"sub-{i // 2:03}/eeg/sub-{i // 2:03}_run-{i % 2 + 1}" for i in recordings],
        "split": ["train" if i < TRAIN_SHARE * small.n_subjects else "test" for i in subjects],
        "sex": [SEXES[i % 3] for i in subjects],
    }
    numbers = {
        "onset": np.arange(small.n_windows) * 2.0,
        "age": np.where(subjects == 1, np.nan, 20.0 + subjects),
        "row": np.arange(small.n_windows),
        "votes": subjects / 10,
    }
    arrays = {name: writer.text_array(values) for name, values in texts.items()}
    return [Column(name, values) for name, values in {**arrays, **numbers}.items()]


def recordings_of(small: SmallStore, rows: tuple[int, int]) -> tuple[str, ...]:
    """Return the keys of the recordings of the windows from ``rows[0]`` to ``rows[1]``."""
    [column] = [column for column in columns(small) if column.name == "recording"]
    names = column.values[slice(*rows)]
    return tuple(dict.fromkeys(f"{small.dataset}/{name}" for name in names))


def assert_every_window_once(batches: Iterable[Any], small: SmallStore) -> None:
    """Check that batches of a stream contain each window of a store once, with its signals."""
    rows: list[int] = []
    signals: list[np.ndarray] = []
    for batch in batches:
        rows += batch.index.tolist()
        signals += list(batch.signals.numpy())
    assert sorted(rows) == list(range(small.n_windows))
    np.testing.assert_array_equal(np.stack(signals)[np.argsort(rows)], small.signals)
