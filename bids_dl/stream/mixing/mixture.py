"""Windows of several shapes in one batch: groups of stores, and what is done with each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import exact_rate
from bids_dl.errors import ConfigError, NoMatchError
from bids_dl.store import Store
from bids_dl.stream.mixing.montage import StoreMontage, read_montages
from bids_dl.stream.mixing.resampling import Resampler, make_resampler, resampled_length
from bids_dl.stream.mixing.signal_request import SignalRequest
from bids_dl.stream.normalize import (
    Normalizer,
    Statistics,
    ZScore,
    make_normalizer,
    recording_indices,
    recording_statistics,
    training_statistics,
)
from bids_dl.stream.order import Indices
from bids_dl.stream.select import get_column
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.stream.columns import JoinedColumns


@dataclass(frozen=True, slots=True)
class StoreGroup:
    """Stores whose windows are finished alike.

    Parameters
    ----------
    stores
        Indices of the stores.
    shape
        (n_chans, n_times) of a stored window.
    resampler
        None keeps the rate.
    normalizer
        Normalizes resampled windows in place. None keeps µV.
    channels
        Indices of the channels that are delivered. None delivers all.
    """

    stores: tuple[int, ...]
    shape: tuple[int, int]
    resampler: Resampler | None
    normalizer: Normalizer | None
    channels: npt.NDArray[np.int64] | None

    def finish(self, signals: npt.NDArray[np.float32], rows: Indices) -> npt.NDArray[np.float32]:
        """Return resampled and normalized windows of rows of the joined table."""
        if self.resampler is not None:
            signals = self.resampler(signals)
        if self.normalizer is not None:
            self.normalizer(signals, rows)
        return signals if self.channels is None else signals[:, self.channels]


@dataclass(frozen=True, slots=True)
class Montages:
    """Channels with a position of each store.

    Parameters
    ----------
    channels
        Names of the channels of each store.
    positions
        float32 (n_stores, max_chans, 3) in m; 0 beyond the channels of a store.
    mask
        (n_stores, max_chans): True for the channels of a store.
    """

    channels: tuple[tuple[str, ...], ...]
    positions: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mixture:
    """Stores of several shapes, and the one shape of a delivered window.

    Parameters
    ----------
    group_of_store
        (n_stores,): index in ``groups``.
    groups
        Stores that are finished alike.
    first_rows
        (n_stores + 1,): first row of each store in the joined table, then its length.
    window_shape
        (n_chans, n_times) of a delivered window.
    sfreq
        Rate of a delivered window in Hz.
    montages
        Channels by store if the montage is "any", else None.
    """

    group_of_store: Indices
    groups: tuple[StoreGroup, ...]
    first_rows: Indices
    window_shape: tuple[int, int]
    sfreq: float
    montages: Montages | None = field(repr=False)

    def stores_of(self, rows: Indices) -> Indices:
        """Return the index of the store of each row of the joined table."""
        return np.searchsorted(self.first_rows, rows, side="right") - 1


def make_mixture(
    stores: Sequence[Store],
    table: JoinedColumns,
    request: SignalRequest,
    normalize: str | Statistics | None,
) -> Mixture:
    """Group stores that fit, as `check_fit` does, and prepare resampling and normalization.

    Raises
    ------
    ConfigError
        ``normalize`` is a pair although the channels of the stores differ, or has a wrong value.
    NoMatchError
        A store has no training window, with ``normalize="training"``.
    StoreError
        A store has no positions or no statistics.
    """
    montages = None if request.montage is None else read_montages(stores)
    members: dict[tuple[object, ...], list[int]] = {}
    for i, store in enumerate(stores):
        channels = None if montages is None else tuple(montages[i].indices.tolist())
        members.setdefault((store.shape[1:], store.sfreq, channels), []).append(i)
    grouped = list(members.values())
    normalizers = _make_normalizers(stores, grouped, table, request, normalize)
    groups = []
    group_of_store = np.zeros(len(stores), np.int64)
    for number, indices in enumerate(grouped):
        montage = None if montages is None else montages[indices[0]]
        group_of_store[indices] = number
        groups.append(_make_group(stores, indices, request, normalizers[number], montage))
    _, n_chans, n_times = stores[0].shape
    sfreq = stores[0].sfreq
    if request.sfreq is not None:
        n_times = int(resampled_length(n_times, sfreq, request.sfreq))
        sfreq = float(request.sfreq)
    joined = None if montages is None else _join_montages(montages)
    if joined is not None:
        n_chans = joined.mask.shape[1]
    first_rows = np.cumsum([0, *(len(store) for store in stores)])
    return Mixture(group_of_store, tuple(groups), first_rows, (n_chans, n_times), sfreq, joined)


def _make_group(
    stores: Sequence[Store],
    indices: list[int],
    request: SignalRequest,
    normalizer: Normalizer | None,
    montage: StoreMontage | None,
) -> StoreGroup:
    store = stores[indices[0]]
    _, n_chans, n_times = store.shape
    resampler = None
    if request.sfreq is not None and request.sfreq != store.sfreq:
        resampler = make_resampler(n_times, exact_rate(request.sfreq) / exact_rate(store.sfreq))
    channels = None
    if montage is not None and len(montage.indices) < n_chans:
        channels = montage.indices
    return StoreGroup(tuple(indices), (n_chans, n_times), resampler, normalizer, channels)


def _join_montages(montages: Sequence[StoreMontage]) -> Montages:
    n_chans = max(len(montage.channels) for montage in montages)
    positions = np.zeros((len(montages), n_chans, 3), np.float32)
    mask = np.zeros((len(montages), n_chans), bool)
    for i, montage in enumerate(montages):
        positions[i, : len(montage.channels)] = montage.positions
        mask[i, : len(montage.channels)] = True
    return Montages(tuple(montage.channels for montage in montages), positions, mask)


def _make_normalizers(
    stores: Sequence[Store],
    grouped: Sequence[list[int]],
    table: JoinedColumns,
    request: SignalRequest,
    normalize: str | Statistics | None,
) -> list[Normalizer | None]:
    """Return the normalizer of each group."""
    if normalize is None or request.montage is None or normalize == "window":
        return [make_normalizer(stores, table, normalize)] * len(grouped)
    if not isinstance(normalize, str):
        raise ConfigError(
            'normalize is a pair for the channels of one montage; with montage="any", use '
            '"window", "recording" or "training"'
        )
    if normalize == "training":
        return _training_normalizers(stores, grouped, table)
    if normalize != "recording":
        make_normalizer(stores[:1], table, normalize)  # raises the error that lists the values
    return _recording_normalizers(stores, grouped)


def _recording_normalizers(
    stores: Sequence[Store], grouped: Sequence[list[int]]
) -> list[Normalizer | None]:
    """Return normalizers by the statistics of each recording."""
    index_of_store: list[Indices] = [np.zeros(0, np.int64)] * len(stores)
    statistics = []
    for indices in grouped:
        mean, std, _ = recording_statistics([stores[i] for i in indices])
        statistics.append((mean, std))
        n_recordings = 0
        for i in indices:
            index_of_store[i] = recording_indices([stores[i]]) + n_recordings
            n_recordings += len(stores[i].read("recording_windows"))
    index = np.concatenate(index_of_store)
    return [ZScore(mean, std, index) for mean, std in statistics]


def _training_normalizers(
    stores: Sequence[Store], grouped: Sequence[list[int]], table: JoinedColumns
) -> list[Normalizer | None]:
    """Return normalizers by the training windows of each store."""
    is_training = get_column(table, "split").matches(["train"])
    first_rows = np.cumsum([0, *(len(store) for store in stores)])
    index = np.zeros(first_rows[-1], np.int64)
    normalizers: list[Normalizer | None] = []
    for indices in grouped:
        means = []
        stds = []
        for number, i in enumerate(indices):
            rows = slice(first_rows[i], first_rows[i + 1])
            index[rows] = number
            if not is_training[rows].any():
                raise NoMatchError(
                    f'{stores[i].url}: normalize="training" needs windows of the split "train" '
                    f"of each store; none of {count(len(stores[i]), 'window')} is"
                )
            mean, std = training_statistics([stores[i]], table, is_training[rows])
            means.append(mean)
            stds.append(std)
        normalizers.append(ZScore(np.stack(means), np.stack(stds), index))
    return normalizers
