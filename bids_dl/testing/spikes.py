"""Copies of stores with spikes at known times: rare events, each person's own shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from bids_dl.config.stages import STRICT, StoreConfig
from bids_dl.config.validation import explain
from bids_dl.errors import ConfigError
from bids_dl.remote.location import Location
from bids_dl.store import Store, open_store, writer
from bids_dl.store.format import ARRAYS, SIGNALS, Column, make_column
from bids_dl.testing.noise import Array

SPIKE_LABELS = ("background", "spike")
CHANNEL_ARRAYS = ("channel", "channel_type", "channel_position")
PERSON_STREAM, WINDOW_STREAM = 10**6 + 6, 10**6 + 7  # beside those of `bids_dl.testing.planting`
EXTENT = 0.5  # of the radius of the head: standard deviation of the field around its focus
EDGE_SECONDS = 0.25  # of a window without the peak of a spike, so that the spike is in one window
MIN_SECONDS = 0.6  # of a window, so that peaks have room between its edges
BATCH_WINDOWS = 1000  # copied at once
DEFAULT_RADIUS = 0.1  # m, of the head, if all positions are equal


@checked_dataclass(frozen=True, config=STRICT)
class SpikeDesign:
    """Number and size of planted spikes.

    Parameters
    ----------
    share
        Share of the windows of each person that have a spike, one each.
    amplitude
        Mean peak at the focus, in standard deviations of the person's signal. That is the median
        over windows and channels, so that artifacts do not count.
    seed
        Seed of shapes, windows and times.
    """

    share: float = Field(default=0.0275, ge=0, le=1)
    amplitude: float = Field(default=14.0, gt=0)
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class SpikeShape:
    """Shape of the spikes of a person: a sharp wave, and a slow wave of opposite sign.

    Attributes
    ----------
    width, slow_width
        Standard deviations of both waves in s.
    slow_delay, slow_gain
        Delay of the slow wave in s, and its amplitude relative to the sharp one.
    sign
        1 or -1: polarity of the sharp wave.
    focus
        Number of the channel with the largest amplitude.
    gain
        Size of the person's spikes relative to those of others.
    """

    width: float
    slow_width: float
    slow_delay: float
    slow_gain: float
    sign: int
    focus: int
    gain: float

    def compute(self, times: Array) -> Array:
        """Return the shape (n_times,) at times in s after its peak, which is about 1."""
        sharp = np.exp(-0.5 * (times / self.width) ** 2)
        slow = np.exp(-0.5 * ((times - self.slow_delay) / self.slow_width) ** 2)
        return np.asarray(self.sign * (sharp - self.slow_gain * slow), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SpikeStore:
    """Content of a store that `plant_spikes` wrote.

    Attributes
    ----------
    url
        Path of the store.
    table
        One row per window: the columns of the store.
    shapes
        Shape of the spikes of each person, by (dataset, subject).
    """

    url: str
    table: pd.DataFrame
    shapes: dict[tuple[str, str], SpikeShape]


def plant_spikes(source: str | Path, path: str | Path, **design: Any) -> SpikeStore:
    """Copy a store, and add spikes to the signals of some of its windows.

    The column ``label`` is ``spike`` or ``background``, ``spike_time`` the peak in s after the
    onset of the window, NaN without a spike. Each window is an event and a block of its own,
    because windows of a block have one label. Other columns of windows and channels are copied.

    Parameters
    ----------
    source
        Store of windows of at least 0.6 s.
    path
        Folder of the copy; it must not exist or be empty.
    **design
        Any parameter of `SpikeDesign`, such as ``share=0.05``. Equal parameters write equal arrays.

    Raises
    ------
    ConfigError
        A parameter is unknown or out of range, or the windows are too short. Nothing was written.
    StoreError
        There is no finished store, or the folder holds something else.

    Examples
    --------
    >>> spikes = plant_spikes("eyes.zarr", "spikes.zarr", share=0.1)
    >>> spikes.table["label"].value_counts().to_dict()
    {'background': 216, 'spike': 24}
    """
    settings = _make_design(design)
    store = open_store(str(source))
    seconds = store.shape[2] / store.sfreq
    if seconds < MIN_SECONDS:
        raise ConfigError(
            f"planted spikes: windows of {seconds:g} s are too short; use {MIN_SECONDS:g} s or more"
        )
    planted = _draw_spikes(store, settings)
    moments: list[Array] = []
    table = store.table
    by_recording = table.groupby(["dataset", "recording"], sort=False)
    table = table.assign(
        label=np.array(SPIKE_LABELS, object)[np.isfinite(planted.peaks).astype(int)],
        spike_time=planted.peaks,
        event_onset=table["onset"],
        row=by_recording.cumcount(),
        block=np.arange(len(table)),
    )
    _write_store(store, Path(path), table, _iterate_changed(store, planted, moments), moments)
    return SpikeStore(str(path), table, dict(zip(planted.names, planted.shapes, strict=True)))


def draw_shape(seed: int, person: int, n_chans: int) -> SpikeShape:
    """Draw the shape of the spikes of a person, counted from 0."""
    rng = np.random.default_rng([seed, person, PERSON_STREAM])
    return SpikeShape(
        width=float(rng.uniform(0.010, 0.020)),  # half of the height for 24 to 47 ms
        slow_width=float(rng.uniform(0.03, 0.06)),
        slow_delay=float(rng.uniform(0.09, 0.15)),
        slow_gain=float(rng.uniform(0.3, 0.7)),
        sign=int(rng.choice([-1, 1])),
        focus=int(rng.integers(n_chans)),
        gain=float(rng.uniform(0.7, 1.4)),
    )


def _make_design(parameters: dict[str, Any]) -> SpikeDesign:
    """Validate the parameters of planted spikes."""
    try:
        return SpikeDesign(**parameters)
    except ValidationError as error:
        raise ConfigError(f"planted spikes: {explain(error, as_flag=False)}") from error


@dataclass(frozen=True, slots=True, eq=False)
class _PlantedSpikes:
    """Spikes of the windows of a store.

    ``names`` and ``shapes`` are those of the persons, ``people`` (n_windows,) their numbers,
    ``peaks`` (n_windows,) in s, NaN without a spike, and ``amplitudes`` (n_windows,) in µV.
    """

    names: tuple[tuple[str, str], ...]
    shapes: tuple[SpikeShape, ...]
    people: NDArray[np.int64]
    peaks: Array
    amplitudes: Array


def _draw_spikes(store: Store, design: SpikeDesign) -> _PlantedSpikes:
    """Draw shapes, windows, times and amplitudes."""
    n_windows, n_chans, n_times = store.shape
    by_person = store.table.groupby(["dataset", "subject"])
    codes: NDArray[np.int64] = by_person.ngroup().to_numpy().astype(np.int64)
    names = [(str(person[0]), str(person[1])) for person, _ in by_person]
    scales = _measure_scales(store)
    shapes: list[SpikeShape] = []
    peaks = np.full(n_windows, np.nan)
    amplitudes = np.zeros(n_windows)
    last_peak = n_times / store.sfreq - EDGE_SECONDS
    for person in range(len(names)):
        shape = draw_shape(design.seed, person, n_chans)
        shapes.append(shape)
        rows = np.flatnonzero(codes == person)
        rng = np.random.default_rng([design.seed, person, WINDOW_STREAM])
        chosen = rng.choice(rows, round(design.share * len(rows)), replace=False)
        peaks[chosen] = rng.uniform(EDGE_SECONDS, last_peak, len(chosen))
        size = design.amplitude * np.median(scales[rows]) * shape.gain
        amplitudes[chosen] = size * rng.uniform(0.8, 1.2, len(chosen))
    return _PlantedSpikes(tuple(names), tuple(shapes), codes, peaks, amplitudes)


def _iterate_changed(
    store: Store, planted: _PlantedSpikes, moments: list[Array]
) -> Iterator[NDArray[np.float32]]:
    """Yield the windows (n_windows, n_chans, n_times) with their spikes in µV.

    The means of samples and of their squares (n_windows, 2, n_chans) are appended to ``moments``.
    """
    fields = [_compute_field(store, shape) for shape in planted.shapes]
    times = np.arange(store.shape[2]) / store.sfreq
    for first, signals in _iterate_batches(store):
        changed = signals.astype(np.float64)
        has_spike = np.isfinite(planted.peaks[first : first + len(signals)])
        for i in np.flatnonzero(has_spike):
            row = first + int(i)
            person = int(planted.people[row])
            wave = planted.shapes[person].compute(times - planted.peaks[row])
            changed[i] += planted.amplitudes[row] * np.outer(fields[person], wave)
        moments.append(np.stack([changed.mean(-1), np.square(changed).mean(-1)], axis=1))
        yield changed.astype(np.float32)


def _compute_field(store: Store, shape: SpikeShape) -> Array:
    """Return the amplitude of each channel (n_chans,) relative to the focus.

    It falls with the distance to the focus. Without positions, it is 1 at the focus only.
    """
    n_chans = store.shape[1]
    field = np.zeros(n_chans)
    if "channel_position" in store.arrays:
        positions = np.asarray(store.read("channel_position"), float)
        radius = np.nanmedian(np.linalg.norm(positions, axis=1)) or DEFAULT_RADIUS
        distances = np.linalg.norm(positions - positions[shape.focus], axis=1)
        field = np.nan_to_num(np.exp(-0.5 * (distances / (EXTENT * radius)) ** 2))
    field[shape.focus] = 1
    return np.asarray(field, dtype=np.float64)


def _iterate_batches(store: Store) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the first row and the signals of consecutive windows."""
    for first in range(0, len(store), BATCH_WINDOWS):
        yield first, store[first : first + BATCH_WINDOWS].signals


def _measure_scales(store: Store) -> Array:
    """Return the median standard deviation of the channels of each window (n_windows,) in µV."""
    scales = np.zeros(len(store))
    for first, signals in _iterate_batches(store):
        scales[first : first + len(signals)] = np.median(signals.std(axis=-1), axis=1)
    return scales


def _write_store(
    source: Store,
    path: Path,
    table: pd.DataFrame,
    batches: Iterator[NDArray[np.float32]],
    moments: list[Array],
) -> None:
    """Write signals and columns as a finished store. ``moments`` is filled by the batches."""
    store = writer.StoreWriter.create(Location(str(path)), "planted spikes")
    writer.write_signals(store, source.shape, batches, StoreConfig(), on_progress=lambda _: None)
    columns = [make_column("time", np.arange(source.shape[2]) / source.sfreq)]
    for name in CHANNEL_ARRAYS:
        if name in source.arrays:
            columns.append(make_column(name, source.read(name)))
    for column in table.columns:
        name = str(column)
        array = table[column].to_numpy()
        columns.append(make_column(name, array) if name in ARRAYS else Column(name, array))
    columns += _recording_columns(table, np.concatenate(moments))
    writer.write_columns(store, columns)
    attributes = {"sfreq": source.sfreq, "classes": {"label": list(SPIKE_LABELS)}}
    writer.finish(store, attributes, [SIGNALS, *(column.name for column in columns)], {})


def _recording_columns(table: pd.DataFrame, moments: Array) -> Iterator[Column]:
    """Yield the statistics of each recording, in the order of the first windows.

    Parameters
    ----------
    moments
        (n_windows, 2, n_chans): mean and mean square of the samples of each window.
    """
    recording = table.groupby(["dataset", "recording"], sort=False).ngroup().to_numpy()
    sums = np.zeros((recording.max() + 1, *moments.shape[1:]))
    np.add.at(sums, recording, moments)
    n_windows = np.bincount(recording)
    mean, square = (sums / n_windows[:, None, None]).swapaxes(0, 1)
    yield make_column("recording_mean", mean)
    yield make_column("recording_std", np.sqrt(square - mean**2))
    yield make_column("recording_windows", n_windows.astype(np.int64))
