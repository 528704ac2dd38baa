"""Positions of the channels of stores with any montages."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.errors import StoreError
from bids_dl.remote.cancellation import request_threads
from bids_dl.store import Store
from bids_dl.wording import count, join_names

POSITIONS = "channel_position"
FETCH_THREADS = 16  # stores at once, because each costs a round trip


@dataclass(frozen=True, slots=True)
class StoreMontage:
    """Channels of a store that have a position.

    Parameters
    ----------
    channels
        Names of the channels, in the order of the store.
    indices
        (n_positioned,): index of each of them among the channels of the store.
    positions
        float32 (n_positioned, 3) in m.
    """

    channels: tuple[str, ...]
    indices: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float32]


def read_montages(stores: Sequence[Store]) -> list[StoreMontage]:
    """Read the montage of each store.

    A warning in one line names the channels without a position, which are left out.

    Raises
    ------
    StoreError
        A store has no channel with a position.
    """
    with request_threads(FETCH_THREADS) as threads:
        montages = list(threads.map(_read_montage, stores))
    for store, montage in zip(stores, montages, strict=True):
        missing = [name for name in store.channels if name not in montage.channels]
        if missing:
            warnings.warn(
                f"{store.url}: {count(len(missing), 'channel')} of {len(store.channels)} without "
                f"a position left out: {join_names(missing, limit=5)}",
                stacklevel=2,
            )
    return montages


def _read_montage(store: Store) -> StoreMontage:
    positions = np.full((len(store.channels), 3), np.nan)
    if POSITIONS in store.arrays:
        positions = np.asarray(store.read(POSITIONS), np.float64)
    indices = np.flatnonzero(np.isfinite(positions).all(axis=1))
    if not len(indices):
        raise StoreError(
            f'{store.url}: no channel has a position, which montage="any" needs; convert it with '
            "channel names of the 10-05 system (steps rename or interpolate of a recipe)"
        )
    return StoreMontage(
        channels=tuple(store.channels[i] for i in indices.tolist()),
        indices=indices,
        positions=positions[indices].astype(np.float32),
    )
