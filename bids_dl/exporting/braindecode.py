"""Export to datasets of windows of braindecode, one per recording."""

from __future__ import annotations

from typing import Any

from bids_dl.exporting.epochs import make_epochs
from bids_dl.models.adapters.packages import import_optional
from bids_dl.store import Store

KEYS = ("dataset", "subject", "session", "run", "task", "recording", "split")
"""Columns that describe a recording, as far as the store has them."""


def make_datasets(store: Store) -> Any:
    """Return the windows of a store as a ``BaseConcatDataset`` of braindecode.

    Each recording is one ``WindowsDataset``, described by its entities and its split. A window is
    float32 in V, as MNE holds it. Its target is the number of its class, from 0 in the order of the
    classes of the store, or 0 if the store has no classes.

    Parameters
    ----------
    store
        Store to read. All windows are held in memory.

    Raises
    ------
    StoreError
        The store has no window.
    ModelError
        braindecode is not installed.
    """
    import mne

    base = import_optional("braindecode.datasets", "braindecode")
    epochs = make_epochs(store)
    table = epochs.metadata
    n_times = len(epochs.times)
    with mne.utils.use_log_level("error"):  # MNE tells on stdout that it replaces a table
        epochs.metadata = table.assign(
            target=epochs.events[:, 2] - 1,
            i_window_in_trial=0,
            i_start_in_trial=0,
            i_stop_in_trial=n_times,
        )
    keys = [key for key in KEYS if key in table]
    datasets = []
    for _, rows in table.groupby(["dataset", "recording"], sort=False):
        description = rows[keys].iloc[0].to_dict()
        windows = epochs[rows.index.to_numpy()]
        datasets.append(base.WindowsDataset(windows, description=description))
    return base.BaseConcatDataset(datasets)
