"""Windows of a pool, as items that experts are asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.answers.items import Item, make_item
from bids_dl.annotate.answers.lines import find_place_problem
from bids_dl.annotate.strategies.pool import Floats, Integers, Rows
from bids_dl.errors import ConfigError
from bids_dl.store import Store
from bids_dl.training.folds.people import find_people, first_rows, number_groups

RecordingKey: TypeAlias = tuple[str, str]
"""Name of the dataset, and BIDS path of the recording without suffix and extension."""

MIN_OVERLAP = 0.5  # of a window or of a mark, for the mark to be about the window
ROUNDING = 1e-6  # s; onsets are sums of lengths


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PoolWindows:
    """Windows of a pool, and their recordings and people.

    Attributes
    ----------
    window_seconds
        Length of a window in s.
    onset
        (n_windows,): start of each window in its recording, in s.
    recording
        (n_windows,): number of the recording of each window, an index of ``recordings``.
    person
        (n_windows,): number of the person of each window.
    recordings
        Recordings in the order of their first window.
    ids
        Id of the item of each window.
    is_test
        (n_windows,): True for windows whose purpose is ``"test"``.
    is_repeated
        (n_windows,): True for windows that have the item of an earlier one. They are never asked.
    """

    window_seconds: float
    onset: Floats
    recording: Integers
    person: Integers
    recordings: tuple[RecordingKey, ...]
    ids: tuple[str, ...]
    is_test: npt.NDArray[np.bool_]
    is_repeated: npt.NDArray[np.bool_]
    _rows: Mapping[str, int]
    _numbers: Mapping[RecordingKey, int]
    _ranges: Mapping[int, tuple[Rows, Floats]]

    def __repr__(self) -> str:
        return f"PoolWindows({len(self)} windows of {len(self.recordings)} recordings)"

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.ids)

    def item(self, row: int) -> Item:
        """Return the item of a window.

        Parameters
        ----------
        row
            Number of the window in the pool.
        """
        dataset, path = self.recordings[self.recording[row]]
        item = make_item(dataset, path, float(self.onset[row]), self.window_seconds)
        return replace(item, purpose="test" if self.is_test[row] else "train")

    def find_row(self, item: str) -> int | None:
        """Return the number of the window with this item id, or None.

        Parameters
        ----------
        item
            Id of an item.
        """
        return self._rows.get(item)

    def find_recording(self, key: RecordingKey) -> int | None:
        """Return the number of a recording, or None if the pool has no window of it.

        Parameters
        ----------
        key
            Dataset and path.
        """
        return self._numbers.get(key)

    def rows_of_recording(self, number: int) -> Rows:
        """Return the windows of a recording in the order of their onsets, without repeated ones.

        Parameters
        ----------
        number
            Number of the recording.
        """
        return self._ranges[number][0]

    def rows_within(
        self, key: RecordingKey, onset: float, duration: float, *, min_overlap: float = MIN_OVERLAP
    ) -> Rows:
        """Return the windows that an interval of a recording is about.

        Parameters
        ----------
        key
            Dataset and path. A recording that is not in the pool has no windows.
        onset, duration
            Interval in s. With a duration of 0, it is a moment.
        min_overlap
            Share of the window, or of the interval, that is in the other. With 0, any overlap
            counts; intervals that only touch have none.

        Returns
        -------
        numpy.ndarray
            (n_rows,) ascending, without repeated windows.
        """
        number = self._numbers.get(key)
        if number is None:
            return np.array([], np.int64)
        rows, onsets = self._ranges[number]
        first = np.searchsorted(onsets, onset - self.window_seconds - ROUNDING)
        last = np.searchsorted(onsets, onset + duration + ROUNDING, side="right")
        starts = onsets[first:last]
        shared = np.minimum(starts + self.window_seconds, onset + duration)
        shared = shared - np.maximum(starts, onset)
        shortest = min(self.window_seconds, duration)
        if duration <= ROUNDING:
            is_about = (starts <= onset) & (onset < starts + self.window_seconds)
        else:
            is_about = shared >= max(min_overlap * shortest - ROUNDING, ROUNDING)
        return np.sort(rows[first:last][is_about])

    def find_overlapping(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Find the windows that share samples with some windows, which are found too.

        Parameters
        ----------
        rows
            Numbers of the windows in the pool.

        Returns
        -------
        numpy.ndarray
            (n_windows,): only the windows themselves if the pool has no overlapping windows.
        """
        is_found = np.zeros(len(self), bool)
        is_found[rows] = True
        for row in rows.tolist():
            key = self.recordings[self.recording[row]]
            onset = float(self.onset[row])
            is_found[self.rows_within(key, onset, self.window_seconds, min_overlap=0.0)] = True
        return is_found

    def make_mark(
        self, key: RecordingKey, onset: float, duration: float, *, channels: Sequence[str] = ()
    ) -> Item:
        """Make the item of an interval that an expert marked.

        Its purpose is ``"test"`` if the interval overlaps any test window, so that no test window
        is trained on, also if the answers are exported. Otherwise the purpose is ``"train"``.

        Parameters
        ----------
        key
            Dataset and path of the recording.
        onset, duration
            Interval in s.
        channels
            Marked channels; all if empty.
        """
        item = make_item(*key, onset, duration, channels=channels)
        rows = self.rows_within(key, onset, duration, min_overlap=0.0)
        return replace(item, purpose="test" if self.is_test[rows].any() else "train")


def read_pool(store: Store) -> PoolWindows:
    """Read the windows of a store as items. No signals are read.

    Parameters
    ----------
    store
        The store.

    Returns
    -------
    PoolWindows
        All windows of the store, with its row numbers.

    Raises
    ------
    ConfigError
        The name of a recording or its onset cannot be in the log of answers.

    Examples
    --------
    >>> from bids_dl.store import open_store
    >>> windows = read_pool(open_store("eyes.zarr"))
    >>> len(windows), windows.recordings[0]
    (240, ('ds004362', 'sub-001/eeg/sub-001_task-motion_run-1'))
    >>> windows.find_row(windows.item(7).id)
    7
    """
    table = store.table
    onset = table["onset"].to_numpy(float)
    recording = number_groups(table, ("dataset", "recording"))
    keys: list[RecordingKey] = []
    for row in first_rows(recording):
        keys.append((str(table["dataset"].iloc[row]), str(table["recording"].iloc[row])))
    _check_keys(keys, onset, store.location.name)
    seconds = store.shape[2] / store.sfreq
    items = []
    for number, start in zip(recording.tolist(), onset.tolist(), strict=True):
        dataset, path = keys[number]
        items.append(make_item(dataset, path, start, seconds))
    ids = tuple(item.id for item in items)
    rows: dict[str, int] = {}
    for row, identifier in enumerate(ids):
        rows.setdefault(identifier, row)
    is_repeated = np.array([rows[identifier] != row for row, identifier in enumerate(ids)], bool)
    return PoolWindows(
        seconds,
        onset,
        recording,
        find_people(table).codes,
        tuple(keys),
        ids,
        np.array([item.purpose == "test" for item in items], bool),
        is_repeated,
        rows,
        {key: number for number, key in enumerate(keys)},
        _sort_recordings(recording, onset, is_repeated),
    )


def _sort_recordings(
    recording: Integers, onset: Floats, is_repeated: npt.NDArray[np.bool_]
) -> dict[int, tuple[Rows, Floats]]:
    """Return the windows of each recording and their onsets, in the order of the onsets."""
    order = np.lexsort((onset, recording))
    order = order[~is_repeated[order]]
    numbers, starts = np.unique(recording[order], return_index=True)
    parts = np.split(order, starts[1:])
    ranges = {}
    for number, rows in zip(numbers.tolist(), parts, strict=True):
        ranges[number] = (rows.astype(np.int64), onset[rows])
    return ranges


def _check_keys(keys: Sequence[RecordingKey], onset: Floats, name: str) -> None:
    """Refuse recordings and onsets that no line of the log accepts."""
    for key in keys:
        if problem := find_place_problem(*key):
            raise ConfigError(
                f"{name}: {problem}, so that answers about it cannot be kept; convert the "
                "recordings of a BIDS dataset"
            )
    if len(onset) and not onset.min() >= 0:
        raise ConfigError(f"{name}: a window begins at {onset.min()} s; expected 0 s or later")
