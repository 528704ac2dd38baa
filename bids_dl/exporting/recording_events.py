"""Windows of a store as events on the clock of their recordings, in a TSV file as of BIDS."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.errors import StoreError
from bids_dl.exporting.window_choice import Rows
from bids_dl.store import Store

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("label", "dataset", "subject", "session", "task", "run", "recording", "split")
"""Columns of a store that the file has, as far as the store has them."""

MISSING = "n/a"  # as in BIDS
SEPARATORS = r"[\t\r\n]+"  # of a TSV file, in texts


def write_recording_events(
    store: Store, file: Path, rows: Rows, predictions: pd.DataFrame | None = None
) -> None:
    """Write windows as rows with onset and duration in s, sorted by recording and onset.

    The onset is that of the first sample of the window, on the clock of the recording. ``window``
    is the row of the store. Missing values are n/a, numbers have all their digits.

    Parameters
    ----------
    store
        Store to read.
    file
        File to write.
    rows
        Rows of the store.
    predictions
        More columns, with one row for each window of the store.

    Raises
    ------
    StoreError
        The store does not tell the onsets of its windows.
    """
    table = store.table
    if "onset" not in table or "recording" not in table:
        raise StoreError(
            f"{store.url}: has no columns onset and recording, which events of recordings need"
        )
    chosen = table.iloc[rows]
    events = chosen[["onset"]].assign(duration=store.shape[2] / store.sfreq)
    for name in COLUMNS:
        if name in chosen:
            events[name] = chosen[name]
    events["window"] = rows
    if predictions is not None:
        new = [name for name in predictions if name not in events]
        events = events.join(predictions[new].iloc[rows])
    for column in events.select_dtypes(exclude="number"):
        texts = events[column].astype(str).str.replace(SEPARATORS, " ", regex=True)
        events[column] = texts.replace("", MISSING)
    keys = [name for name in ("dataset", "recording", "onset") if name in events]
    ordered = events.sort_values(keys, kind="stable")
    text = ordered.to_csv(None, sep="\t", index=False, na_rep=MISSING, quoting=csv.QUOTE_NONE)
    file.write_text(text, encoding="utf-8", newline="\n")
