"""Normalize batches: z-scores by window, by recording or by the training split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.config.arguments import wrong_type
from bids_dl.errors import ConfigError, NoMatchError, StoreError
from bids_dl.store import Store
from bids_dl.stream.columns import JoinedColumns
from bids_dl.stream.select import get_column

if TYPE_CHECKING:
    import pandas as pd

Signals = npt.NDArray[np.float32]
Statistics = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Mean and standard deviation of each channel, (n_chans,) each, in µV."""
Normalizer = Callable[[Signals, npt.NDArray[np.int64]], None]
"""Normalizes signals (batch, n_chans, n_times) in place, given their rows in the joined table."""

NORMALIZATIONS = ("window", "recording", "training")
SERIAL_SAMPLES = 32_767  # PyTorch uses several threads from 32,768 (at::internal::GRAIN_SIZE)
MIN_RELATIVE_STD = 1e-6  # of the mean; a channel below it is constant except for rounding


def make_normalizer(
    stores: Sequence[Store], table: pd.DataFrame | JoinedColumns, normalize: str | Statistics | None
) -> Normalizer | None:
    """Return a function that z-scores each channel of a batch. A constant channel becomes 0.

    Parameters
    ----------
    stores
        Stores whose windows are the rows of the table.
    table
        All windows of all stores.
    normalize
        ``"window"`` uses mean and standard deviation of the window itself, ``"recording"`` those
        of all windows of its recording, ``"training"`` those of all windows of the split "train".
        A pair (mean, standard deviation), each (n_chans,) in µV, is used as it is. None returns
        None.

    Raises
    ------
    ConfigError
        ``normalize`` has another value, or statistics of another number of channels.
    NoMatchError
        There is no window of the split "train", with ``"training"``.
    StoreError
        A store has no statistics.
    """
    if normalize is None:
        return None
    if isinstance(normalize, str):
        if normalize == "window":
            return normalize_windows
        if normalize == "recording":
            mean, std, _ = recording_statistics(stores)
            return ZScore(mean, std, recording_indices(stores))
        if normalize != "training":
            raise ConfigError(
                f"normalize {normalize!r}: use one of {', '.join(NORMALIZATIONS)}, "
                "(mean, standard deviation) in µV, or None"
            )
        normalize = training_statistics(stores, table)
    mean, std = _as_statistics(normalize)
    n_chans = len(stores[0].channels)
    if mean.shape != (n_chans,) or std.shape != (n_chans,):
        raise ConfigError(
            f"normalize needs a mean and a standard deviation for each of {n_chans} channels, "
            f"got {mean.shape} and {std.shape}"
        )
    return ZScore(mean[None], std[None], np.zeros(len(table), np.int64))


def _as_statistics(normalize: Any) -> list[npt.NDArray[np.float64]]:
    """Return mean and standard deviation as arrays."""
    expected = f"one of {', '.join(NORMALIZATIONS)}, (mean, standard deviation) in µV, or None"
    if isinstance(normalize, Mapping | bytes) or not hasattr(normalize, "__len__"):
        raise wrong_type("normalize", expected, normalize)
    if len(normalize) != 2:
        raise wrong_type("normalize", expected, normalize)
    try:
        return [np.asarray(values, np.float64) for values in normalize]
    except (TypeError, ValueError):
        raise wrong_type("normalize", expected, normalize) from None


@dataclass(frozen=True, slots=True)
class ZScore:
    """Normalizer that uses stored statistics.

    Parameters
    ----------
    mean, std
        (n_statistics, n_chans) in µV.
    statistics_index
        (n_windows,): index of the statistics of each row of the joined table.
    """

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    statistics_index: npt.NDArray[np.int64]
    shift: Signals = field(init=False, repr=False)  # (n_statistics, n_chans, 1)
    factor: Signals = field(init=False, repr=False)

    def __post_init__(self) -> None:
        factor = _inverse(self.mean, self.std)
        object.__setattr__(self, "shift", self.mean[:, :, None].astype(np.float32))
        object.__setattr__(self, "factor", factor[:, :, None].astype(np.float32))

    def __call__(self, signals: Signals, rows: npt.NDArray[np.int64]) -> None:
        index = self.statistics_index[rows]
        terms = (self.shift.take(index, axis=0), self.factor.take(index, axis=0))
        tensors = map(torch.from_numpy, (signals, *terms))
        for part, shift, factor in serial_parts(*tensors):
            part.sub_(shift).mul_(factor)


def serial_parts(signals: torch.Tensor, *terms: torch.Tensor) -> Iterable[tuple[torch.Tensor, ...]]:
    """Return parts of signals that PyTorch works on with one thread, and the terms of each part.

    PyTorch would divide larger parts among threads, which spin while they wait for each other and
    take the cores from the training.

    Parameters
    ----------
    signals
        (n_windows, n_chans, n_times).
    terms
        (n_windows, n_chans, 1).
    """
    tensors = (signals, *terms)
    if torch.get_num_threads() == 1 or signals.numel() <= SERIAL_SAMPLES:
        return [tensors]
    _, n_chans, n_times = signals.shape
    windows_at_once = max(1, SERIAL_SAMPLES // (n_chans * n_times))
    parts = _split(tensors, windows_at_once, 0)
    if n_chans * n_times <= SERIAL_SAMPLES:
        return parts
    channels_at_once = max(1, SERIAL_SAMPLES // n_times)
    return (piece for part in parts for piece in _split(part, channels_at_once, 1))


def _split(
    tensors: tuple[torch.Tensor, ...], size: int, dim: int
) -> Iterator[tuple[torch.Tensor, ...]]:
    parts = (torch.split(tensor, size, dim) for tensor in tensors)
    return zip(*parts, strict=True)


def normalize_windows(signals: Signals, _rows: npt.NDArray[np.int64] | None = None) -> None:
    """Normalize each channel of each window by its own samples, in place.

    Parameters
    ----------
    signals
        (batch, n_chans, n_times).
    """
    mean = signals.mean(axis=2, keepdims=True)
    signals -= mean
    sum_of_squares = np.einsum("bct,bct->bc", signals, signals)[:, :, None]
    std = np.sqrt(sum_of_squares / np.float32(signals.shape[2]))
    signals *= _inverse(mean, std)


def training_statistics(
    stores: Sequence[Store],
    table: pd.DataFrame | JoinedColumns,
    mask: npt.NDArray[np.bool_] | None = None,
) -> Statistics:
    """Return mean and standard deviation of each channel over the training recordings.

    Parameters
    ----------
    stores
        Stores whose windows are the rows of the table.
    table
        All windows of all stores.
    mask
        (n_windows,): training windows. All windows of a recording count if the mask contains one
        of them. None takes the split "train", independent of the windows that a stream selects, so
        that all streams of a store are normalized alike.

    Returns
    -------
    mean, std
        (n_chans,) each, in µV.

    Raises
    ------
    NoMatchError
        There is no training window.
    StoreError
        A store has no statistics.
    """
    if mask is None:
        mask = get_column(table, "split").matches(["train"])
    means, stds, counts = recording_statistics(stores)
    recordings = np.unique(recording_indices(stores)[mask])
    if not len(recordings):
        raise NoMatchError(
            'normalize="training" needs windows of the split "train"; there are none'
        )
    weights = counts[recordings] / counts[recordings].sum()
    mean = weights @ means[recordings]
    variance = weights @ (stds[recordings] ** 2 + (means[recordings] - mean) ** 2)
    return mean, np.sqrt(variance)


def recording_statistics(
    stores: Sequence[Store],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the statistics of the recordings of all stores, one store after the other.

    Returns
    -------
    mean, std
        (n_recordings, n_chans) each, in µV.
    n_windows
        (n_recordings,).

    Raises
    ------
    StoreError
        A store has no statistics.
    """
    names = ("recording_mean", "recording_std", "recording_windows")
    for store in stores:
        arrays = store.root["consolidated_metadata"]["metadata"]
        missing = [name for name in names if name not in arrays]
        if missing:
            raise StoreError(
                f"{store.url}: has no {missing[0]}; convert it again with this version, "
                "or normalize by window"
            )
    mean, std, n_windows = (
        np.concatenate([store.read(name) for store in stores]) for name in names
    )
    return mean, std, n_windows


def recording_indices(stores: Sequence[Store]) -> npt.NDArray[np.int64]:
    """Return the index (n_windows,) of each window's recording in `recording_statistics`.

    Recordings of a store are numbered in order of appearance.
    """
    indices: list[npt.NDArray[np.int64]] = []
    n_recordings = 0
    for store in stores:
        dataset = store.read_codes("dataset")
        recording = store.read_codes("recording")
        keys = dataset.codes.astype(np.int64) * len(recording.texts) + recording.codes
        index = _number_by_appearance(keys, len(dataset.texts) * len(recording.texts))
        indices.append(index + n_recordings)
        n_recordings += int(index.max(initial=-1)) + 1
    return np.concatenate(indices)


def _number_by_appearance(keys: npt.NDArray[np.int64], n_keys: int) -> npt.NDArray[np.int64]:
    """Return the number of each of ``n_keys`` keys, in order of their first appearance."""
    first = np.full(n_keys, len(keys))
    first[keys[::-1]] = np.arange(len(keys))[::-1]  # the last assignment is the first appearance
    number = np.empty(n_keys, np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(n_keys)
    return number[keys]


def _inverse(
    mean: npt.NDArray[np.floating], std: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """Return 1 / std, or 0 if the channel is constant."""
    varies = std > MIN_RELATIVE_STD * np.abs(mean)
    inverse: npt.NDArray[np.floating] = np.divide(1, std, out=np.zeros_like(std), where=varies)
    return inverse
