"""Errors of reading chunks, which name the windows and recordings that are affected."""

from __future__ import annotations

import numpy as np
import zarr

from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store.zarr_store import LocationStore
from bids_dl.wording import join_names

MISSING_OBJECT_ERRORS = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
MAX_LISTED_RECORDINGS = 5

Rows = tuple[int, int]
"""First row of the window table and the first after the last."""


class ReadErrors:
    """Creates the errors of one store."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def from_failure(self, failure: Exception, subject: str, rows: Rows) -> BidsDlError:
        """Create the error for a read that failed.

        Parameters
        ----------
        subject
            What was read, as in "chunk 3 of signals (in signals/c/0/0/0)".
        rows
            Rows of the window table that it holds.

        Returns
        -------
        BidsDlError
            `DamagedStoreError` if the bytes are wrong, `StoreError` if they cannot be reached.
        """
        if isinstance(failure, MISSING_OBJECT_ERRORS):
            return self.damaged(f"{subject} is missing", rows)
        if isinstance(failure, EOFError):
            return self.damaged(f"{subject} is cut short", rows)
        if isinstance(failure, ValueError | RuntimeError):
            return self.damaged(f"{subject} cannot be decoded", rows)
        if isinstance(failure, StoreError):
            return StoreError(f"{self._location.url}: {failure}")
        return StoreError(
            f"{self._location.url}: {subject} cannot be read ({type(failure).__name__}); "
            "check that the store can be reached"
        )

    def damaged(self, problem: str, rows: Rows) -> DamagedStoreError:
        """Create the error for bytes that are missing or differ from those written."""
        windows = f"it holds windows {rows[0]} to {rows[1] - 1}"
        recordings = self._recordings(rows)
        if recordings:
            windows += f", of {join_names(recordings, limit=MAX_LISTED_RECORDINGS)}"
        return DamagedStoreError(
            f"{self._location.url}: {problem}; {windows}. Fetch or convert the store again"
        )

    def _recordings(self, rows: Rows) -> list[str]:
        """Return the recordings of some windows, or None if this column is damaged too."""
        try:
            column = zarr.open_array(LocationStore(self._location.child("recording")), mode="r")
            names = np.asarray(column[slice(*rows)])
        except (OSError, ValueError, KeyError, RuntimeError, StoreError):
            return []
        return list(dict.fromkeys(map(str, names)))
