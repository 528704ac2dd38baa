"""Signals from the windows of a pool, joined on the clock of their recording."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.viewing.channel_groups import make_channels
from bids_dl.annotate.viewing.signals import SHOWN_TYPES, RecordingKey, Samples, SignalHeader
from bids_dl.errors import RecordingError
from bids_dl.store import Store
from bids_dl.store.json_objects import read_json


class StoreSignals:
    """Signals of recordings as far as a pool has windows of them, after its recipe.

    A window begins at the sample nearest to its onset. Windows that overlap are drawn over each
    other, the later on top. Which channels were bad is not known.

    Parameters
    ----------
    store
        The pool.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        _, _, self._window_times = store.shape

    def header(self, key: RecordingKey) -> SignalHeader:
        """Return rate, length and channels of a recording. The length is that of its file.

        Raises
        ------
        RecordingError
            The pool has no window of the recording.
        """
        starts, _ = self._windows(key)
        sfreq = self._store.sfreq
        n_times = int(starts.max()) + self._window_times
        seconds = self._documents.get("/".join(key), {}).get("duration") or 0.0
        return SignalHeader(sfreq, max(float(seconds), n_times / sfreq), self._channels)

    def read(self, key: RecordingKey, start: int, stop: int) -> Samples:
        """Read the samples ``start`` to ``stop`` of all channels of the header.

        Returns
        -------
        ndarray
            float64 (n_chans, stop - start) in µV. NaN where the pool has no window.

        Raises
        ------
        RecordingError
            The pool has no window of the recording.
        """
        starts, rows = self._windows(key)
        samples = np.full((len(self._channels), max(stop - start, 0)), np.nan)
        needed = np.flatnonzero((starts < stop) & (starts + self._window_times > start))
        if not len(needed):
            return samples
        windows = self._store[rows[needed]].signals[:, self._shown]
        for first, window in zip(starts[needed].tolist(), windows, strict=True):
            low, high = max(first, start), min(first + self._window_times, stop)
            samples[:, low - start : high - start] = window[:, low - first : high - first]
        return samples

    def close(self) -> None:
        """Close nothing, because a store has no open files."""

    def _windows(self, key: RecordingKey) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the first sample of each window of a recording, sorted, and its row."""
        windows = self._windows_by_key.get(key)
        if windows is None:
            raise RecordingError(
                "source", f"{'/'.join(key)}: the pool has no window of this recording"
            )
        return windows

    @cached_property
    def _windows_by_key(
        self,
    ) -> Mapping[RecordingKey, tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
        table = self._store.table
        starts = np.floor(table["onset"].to_numpy(float) * self._store.sfreq + 0.5).astype(int)
        windows = {}
        rows_by_key: dict[RecordingKey, list[int]] = {}
        for row, key in enumerate(zip(table["dataset"], table["recording"], strict=True)):
            rows_by_key.setdefault(key, []).append(row)
        for key, rows in rows_by_key.items():
            order = np.argsort(starts[rows], kind="stable")
            windows[key] = (starts[rows][order], np.array(rows)[order])
        return windows

    @cached_property
    def _documents(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            documents: Mapping[str, Any] = read_json(self._store.location, "recordings.json")
        except FileNotFoundError:
            return {}
        return documents

    @cached_property
    def _kinds(self) -> list[str]:
        return [str(kind) for kind in self._store.read("channel_type")]

    @cached_property
    def _channels(self) -> tuple[Any, ...]:
        return make_channels(self._store.channels, self._kinds)

    @cached_property
    def _shown(self) -> npt.NDArray[Any]:
        """Numbers of the channels that pages can show."""
        return np.flatnonzero([kind in SHOWN_TYPES for kind in self._kinds])
