"""Small stores whose every window says which one it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column

N_CHANS, N_TIMES = 3, 20
WINDOW_BYTES = 4 * N_CHANS * N_TIMES


@dataclass(frozen=True)
class Small:
    """``n_subjects`` people with two recordings of ``per_recording`` windows each; the first 60 % of the people train."""

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
        return 2 * self.n_subjects * self.per_recording

    @property
    def recording(self) -> np.ndarray:
        return np.arange(self.n_windows) // self.per_recording

    @property
    def signals(self) -> np.ndarray:
        noise = np.random.default_rng(self.seed).standard_normal(
            (self.n_windows, len(self.channels), N_TIMES)
        )
        return (
            noise * (1 + self.recording[:, None, None]) + np.arange(self.n_windows)[:, None, None]
        ).astype(np.float32)


def write(
    url: Path | str, small: Small, *, step: float | None = None, storage_options=None, **attributes
) -> np.ndarray:
    """Write a store, with ``step`` as int16; its signals."""
    location, signals, number = (
        Location(str(url), storage_options or {}),
        small.signals,
        small.recording,
    )
    config = StoreConfig(
        chunk_bytes=small.per_chunk * WINDOW_BYTES,
        shard_bytes=small.per_chunk * small.chunks_per_shard * WINDOW_BYTES,
    )
    draft = writer.begin(location, "a plan")
    numbers = signals if step is None else np.round(signals / step).astype(np.int16)
    writer.write_signals(
        draft, signals.shape, iter([numbers]), config, step=step, say=lambda _: None
    )
    signals = signals if step is None else numbers * np.float32(step)
    by_recording = signals.reshape(-1, small.per_recording, *signals.shape[1:]).astype(np.float64)
    others = [
        Column("channel", writer.text(small.channels), ("channel",)),
        Column("recording_mean", by_recording.mean(axis=(1, 3)), ("recording_index", "channel")),
        Column("recording_std", by_recording.std(axis=(1, 3)), ("recording_index", "channel")),
        Column("recording_windows", np.bincount(number).astype(np.int64), ("recording_index",)),
        *columns(small),
    ]
    writer.write_columns(draft, others)
    attributes = {"sfreq": small.sfreq, "classes": {"label": ["open", "closed"]}} | attributes
    writer.finish(draft, attributes, ["signals", *(column.name for column in others)], {})
    return signals


def columns(small: Small) -> list[Column]:
    number, subject = small.recording, small.recording // 2
    texts = {
        "label": [("open", "closed")[i % 2] for i in number],
        "dataset": [small.dataset] * small.n_windows,
        "subject": [f"{i:03}" for i in subject],
        "recording": [f"sub-{i // 2:03}/eeg/sub-{i // 2:03}_run-{i % 2 + 1}" for i in number],
        "split": ["train" if i < 0.6 * small.n_subjects else "test" for i in subject],
        "sex": [("f", "m", "n/a")[i % 3] for i in subject],
    }
    age = np.where(subject == 1, np.nan, 20.0 + subject)
    numbers = {
        "onset": np.arange(small.n_windows) * 2.0,
        "age": age,
        "row": np.arange(small.n_windows),
        "votes": subject / 10,
    }
    return [Column(name, writer.text(values)) for name, values in texts.items()] + [
        Column(n, v) for n, v in numbers.items()
    ]
