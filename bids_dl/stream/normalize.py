"""Scaling of batches for a network: by their own windows, by their recording or by the training persons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.errors import ConfigError, NoMatchError, StoreError
from bids_dl.store import Store
from bids_dl.stream.select import column

if TYPE_CHECKING:
    from bids_dl.stream.stores import Columns

Signals = npt.NDArray[np.float32]
Statistics = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
Scaling = Callable[[Signals, npt.NDArray[np.int64]], None]
"""Scales signals (batch, n_chans, n_times) in place, given their rows in the whole table."""

MODES = ("window", "recording", "training")
FLAT = 1e-6  # a channel whose standard deviation is below this share of its mean is constant but for rounding


def scaling(
    stores: Sequence[Store], table: pd.DataFrame | Columns, normalize: str | Statistics | None
) -> Scaling | None:
    """How to scale batches: z-scores of each channel; a constant channel becomes 0.

    Parameters
    ----------
    table
        All windows of all stores.
    normalize
        ``"window"`` (mean and standard deviation of the window itself), ``"recording"`` (of all windows of its recording),
        ``"training"`` (of all windows of the split "train") or (mean, standard deviation), each (n_chans,) in µV.

    Raises
    ------
    ConfigError
        Any other value.
    StoreError
        A store without statistics.
    """
    if normalize is None:
        return None
    if isinstance(normalize, str):
        if normalize not in MODES:
            raise ConfigError(
                f"normalize {normalize!r}: use one of {', '.join(MODES)}, or (mean, standard deviation) in µV"
            )
        if normalize == "window":
            return scale_windows
        if normalize == "recording":
            return ZScore(*recording_statistics(stores)[:2], recording_numbers(stores))
    mean, std = training_statistics(stores, table) if isinstance(normalize, str) else normalize
    mean, std = (np.asarray(values, np.float64) for values in (mean, std))
    if mean.shape != (n_chans := len(stores[0].channels),) or std.shape != mean.shape:
        raise ConfigError(
            f"normalize needs a mean and a standard deviation for each of {n_chans} channels, got {mean.shape} and {std.shape}"
        )
    return ZScore(mean[None], std[None], np.zeros(len(table), np.int64))


@dataclass(frozen=True, slots=True)
class ZScore:
    """Z-score each channel by a mean and standard deviation (n, n_chans) in µV; ``which`` of the n holds for each row of the table."""

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    which: npt.NDArray[np.int64]

    def __call__(self, signals: Signals, rows: npt.NDArray[np.int64]) -> None:
        mean, std = (values[self.which[rows], :, None] for values in (self.mean, self.std))
        signals -= mean.astype(np.float32)
        signals *= _inverse(mean, std).astype(np.float32)


def scale_windows(signals: Signals, _rows: npt.NDArray[np.int64] | None = None) -> None:
    """Z-score each channel of each window over its own samples, in place."""
    mean = signals.mean(axis=2, keepdims=True)
    signals -= mean
    std = np.sqrt(
        np.einsum("bct,bct->bc", signals, signals)[:, :, None] / np.float32(signals.shape[2])
    )
    signals *= _inverse(mean, std)


def training_statistics(
    stores: Sequence[Store],
    table: pd.DataFrame | Columns,
    mask: npt.NDArray[np.bool_] | None = None,
) -> Statistics:
    """Mean and standard deviation (n_chans,) in µV over all windows of the recordings that ``mask`` touches.

    Without a mask: of the split "train", whatever of it a stream takes, so that all streams of a store scale alike.
    """
    if mask is None:
        mask = np.asarray(column(table, "split") == "train", bool)
    means, stds, counts = recording_statistics(stores)
    taken = np.unique(recording_numbers(stores)[mask])
    if not len(taken):
        raise NoMatchError(
            'normalize="training" needs windows of the split "train"; there are none'
        )
    weights = counts[taken] / counts[taken].sum()
    mean = weights @ means[taken]
    return mean, np.sqrt(weights @ (stds[taken] ** 2 + (means[taken] - mean) ** 2))


def recording_statistics(
    stores: Sequence[Store],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Mean and standard deviation (n_recordings, n_chans) in µV, and windows (n_recordings,), of all stores in turn."""
    names = ("recording_mean", "recording_std", "recording_windows")
    for store in stores:
        if absent := [
            name for name in names if name not in store.root["consolidated_metadata"]["metadata"]
        ]:
            raise StoreError(
                f"{store.url}: has no {absent[0]}; convert it again with this version, or scale by window"
            )
    mean, std, count = (np.concatenate([store.read(name) for store in stores]) for name in names)
    return mean, std, count


def recording_numbers(stores: Sequence[Store]) -> npt.NDArray[np.int64]:
    """Index of each window's recording in `recording_statistics`: recordings count by first appearance."""
    numbers: list[npt.NDArray[np.int64]] = []
    first = 0
    for store in stores:
        names = pd.DataFrame({name: store.read(name) for name in ("dataset", "recording")})
        number = (
            names.groupby(["dataset", "recording"], sort=False).ngroup().to_numpy().astype(np.int64)
        )
        numbers.append(number + first)
        first += int(number.max(initial=-1)) + 1
    return np.concatenate(numbers)


def _inverse(
    mean: npt.NDArray[np.floating], std: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """1 / std, and 0 where the channel is constant."""
    varies = std > FLAT * np.abs(mean)
    inverse: npt.NDArray[np.floating] = np.divide(1, std, out=np.zeros_like(std), where=varies)
    return inverse
