"""Windows of a store that its page shows: three examples of each label, and more for averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.reporting.formatting import format_value
from bids_dl.store import Store
from bids_dl.store.format import SIGNALS
from bids_dl.store.signals.chunks import ChunkReader
from bids_dl.store.signals.window_reader import WindowReader

Signals = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

N_EXAMPLES = 3  # of each label
MAX_LABELS = 24  # of a page; the page says how many labels it leaves out
MAX_AVERAGED = 32  # windows of a label, because each may cost a request
MAX_AVERAGED_OF_STORE = 256  # windows of all labels
MIN_AVERAGED = 8  # windows of a label, however many labels there are
SCALP_TYPES = ("eeg",)
NEURAL_TYPES = ("eeg", "seeg", "ecog", "dbs", "mag", "grad")


@dataclass(frozen=True, slots=True)
class ShownWindows:
    """Windows of one label.

    Attributes
    ----------
    examples
        Signals (n_examples, n_chans, n_times) in the unit of the store.
    titles
        Subject and time of each example.
    averaged
        Signals (n_windows, n_chans, n_times) of windows spread over those of the label.
    """

    label: str
    examples: Signals
    titles: tuple[str, ...]
    averaged: Signals


def read_shown_windows(store: Store) -> list[ShownWindows]:
    """Read the windows of a store that its page shows.

    Parameters
    ----------
    store
        An open store.

    Returns
    -------
    list of ShownWindows
        In the order of the labels, at most `MAX_LABELS`. A label without windows is left out.

    Raises
    ------
    DamagedStoreError
        A column or a chunk is damaged.
    """
    columns = ("label", "subject", "recording", "onset")
    table = {name: store.read(name) for name in columns if name in store.columns}
    labels = list(store.attributes["classes"]["label"])[:MAX_LABELS]
    n_averaged = max(MIN_AVERAGED, min(MAX_AVERAGED, MAX_AVERAGED_OF_STORE // len(labels)))
    chunks = ChunkReader(store.location, store.metadata(SIGNALS), identity=store.identity)
    reader = WindowReader(chunks)
    shown = []
    for label in labels:
        rows = np.flatnonzero(table["label"] == label)
        if not len(rows):
            continue
        examples = spread_rows(rows, N_EXAMPLES)
        signals = reader.read(np.concatenate([examples, spread_rows(rows, n_averaged)]))
        titles = tuple(_describe_window(table, row) for row in examples)
        n = len(examples)
        shown.append(ShownWindows(label, signals[:n], titles, signals[n:]))
    return shown


def spread_rows(rows: Rows, count: int) -> Rows:
    """Choose rows at equal distances, so that they are from many recordings.

    Parameters
    ----------
    rows
        (n_rows,): rows in the order of the store.
    count
        Number of rows to choose. All are chosen if there are not more.

    Examples
    --------
    >>> spread_rows(np.arange(12), 3).tolist()
    [2, 6, 10]
    """
    if len(rows) <= count:
        return rows
    positions = (np.arange(count) + 0.5) * len(rows) / count
    chosen: Rows = rows[positions.astype(int)]
    return chosen


def _describe_window(table: Mapping[str, npt.NDArray[np.object_]], row: np.int64) -> str:
    """Name the subject of a window and its time."""
    parts = []
    if "subject" in table:
        parts.append(f"subject {table['subject'][row]}")
    if "onset" in table:
        parts.append(f"at {format_value(round(float(table['onset'][row]), 2))} s")
    return ", ".join(parts) or f"window {row}"


def choose_channels(store: Store, types: tuple[str, ...] = NEURAL_TYPES) -> list[int]:
    """Return the positions of the channels of some types, all channels if none has one of them.

    Parameters
    ----------
    store
        An open store.
    types
        Names of channel types.
    """
    n_chans = store.shape[1]
    if "channel_type" not in store.arrays:
        return list(range(n_chans))
    channel_types = store.read("channel_type").tolist()
    chosen = [index for index, name in enumerate(channel_types) if name in types]
    return chosen or list(range(n_chans))
