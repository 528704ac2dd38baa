"""A series of patients whose patterns differ in frequency, channels, shape and size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import writer
from bids_dl.store.format import Column, make_column

N_CHANS = 12
SFREQ = 128.0
WINDOW_SECONDS = 1.0
LABELS = ["background", "spike"]
NOISE_UV = 10.0
FREQUENCIES = (6.0, 9.0, 14.0, 20.0, 32.0)  # Hz, in bands of their own


def write_patients(
    folder: Path,
    *,
    n_patients: int = 8,
    n_windows: int = 400,
    share: float = 0.08,
    amplitude: float = 2.2,
    seed: int = 0,
) -> str:
    """Write a store of one recording per patient, of windows of 1 s, with planted bursts.

    A patient has a frequency, a channel and a shape, which the class ``spike`` has. As many
    windows of the background have bursts too, of another frequency on another channel. Therefore
    the windows of other patients tell what a burst is, but not which bursts count.

    Parameters
    ----------
    folder
        Folder for the store ``patients.zarr``.
    n_patients, n_windows
        Patients, and windows of each.
    share
        Share of the windows with a burst of the class, and of those with another burst.
    amplitude
        Mean peak of a burst, in standard deviations of the noise.
    seed
        Seed of noise, patterns and windows.

    Returns
    -------
    str
        Path of the store.
    """
    signals = []
    labels = []
    for patient in range(n_patients):
        windows, is_spike = _make_patient(patient, n_windows, (share, amplitude), seed)
        signals.append(windows)
        labels.append(np.array(LABELS, object)[is_spike.astype(int)])
    number = np.arange(n_patients * n_windows)
    patient = number // n_windows
    table = pd.DataFrame(
        {
            "label": np.concatenate(labels),
            "dataset": "ds1",
            "subject": [f"{each:02}" for each in patient],
            "recording": [f"sub-{each:02}" for each in patient],
            "split": "train",
            "block": number,
            "onset": (number % n_windows) * WINDOW_SECONDS,
        }
    )
    return _write(folder / "patients.zarr", np.concatenate(signals), table, n_windows)


def _make_patient(
    patient: int, n_windows: int, design: tuple[float, float], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the signals of the windows of a patient, and which have the pattern of the class."""
    share, amplitude = design
    rng = np.random.default_rng([seed, patient])
    n_times = round(WINDOW_SECONDS * SFREQ)
    signals = rng.standard_normal((n_windows, N_CHANS, n_times))
    frequencies = rng.choice(FREQUENCIES, 2, replace=False)
    channels = rng.choice(N_CHANS, 2, replace=False)
    chosen = rng.choice(n_windows, 2 * round(share * n_windows), replace=False).reshape(2, -1)
    sizes = amplitude * rng.uniform(0.8, 1.25, 2)
    times = np.arange(n_times) / SFREQ
    for frequency, channel, rows, size in zip(frequencies, channels, chosen, sizes, strict=True):
        width = rng.uniform(0.08, 0.15)  # s
        for row in rows:
            peak = rng.uniform(0.3, WINDOW_SECONDS - 0.3)
            phase = 2 * np.pi * (frequency * (times - peak) + rng.uniform())
            burst = size * np.exp(-0.5 * ((times - peak) / width) ** 2) * np.cos(phase)
            signals[row, channel] += burst
            signals[row, (channel + 1) % N_CHANS] += 0.6 * burst
    return (NOISE_UV * signals).astype(np.float32), np.isin(np.arange(n_windows), chosen[0])


def _write(folder: Path, signals: np.ndarray, table: pd.DataFrame, per_recording: int) -> str:
    """Write a store whose recordings have equally many windows."""
    store = writer.StoreWriter.create(Location(str(folder)), "patients")
    writer.write_signals(
        store, signals.shape, iter([signals]), StoreConfig(), on_progress=lambda _: None
    )
    recordings = signals.reshape(-1, per_recording, *signals.shape[1:]).astype(float)
    columns = [Column(str(name), values.to_numpy()) for name, values in table.items()]
    columns += [
        make_column("channel", np.array([f"C{i}" for i in range(N_CHANS)], object)),
        make_column("recording_mean", recordings.mean(axis=(1, 3))),
        make_column("recording_std", recordings.std(axis=(1, 3))),
        make_column("recording_windows", np.full(len(recordings), per_recording)),
    ]
    writer.write_columns(store, columns)
    attributes = {"sfreq": SFREQ, "classes": {"label": LABELS}, "plan": "abc"}
    writer.finish(store, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)
