"""Errors of reading chunks, which name the windows and recordings that are affected."""

from __future__ import annotations

import numpy as np

from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.store.format import ROOT, ROOT_SHA256, UNFINISHED
from bids_dl.store.json_objects import read_json
from bids_dl.wording import join_names

MISSING_OBJECT_ERRORS = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
MAX_LISTED_RECORDINGS = 5

Rows = tuple[int, int]
"""First row of the window table and the first after the last."""


class ReadErrors:
    """Creates the errors of one store.

    Parameters
    ----------
    root_sha256
        SHA-256 of the root that was opened, by which a replaced store is recognized; None if it is
        unknown.
    """

    def __init__(self, location: Location, root_sha256: str | None = None) -> None:
        self._location = location
        self._root_sha256 = root_sha256

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
            `DamagedStoreError` if the bytes are wrong, `StoreError` if they cannot be reached or
            the store was replaced.
        """
        if isinstance(failure, MISSING_OBJECT_ERRORS):
            return self.damaged(f"{subject} is missing", rows)
        if isinstance(failure, EOFError):
            return self.damaged(f"{subject} is cut short", rows)
        if isinstance(failure, ValueError | RuntimeError):
            return self.damaged(f"{subject} cannot be decoded", rows)
        if isinstance(failure, StoreError):
            if str(failure).startswith(self._location.url):
                return failure
            return StoreError(f"{self._location.url}: {failure}")
        reason = getattr(failure, "strerror", None) or type(failure).__name__
        return StoreError(
            f"{self._location.url}: {subject} cannot be read ({reason}); "
            "check that the store can be reached"
        )

    def misplaced(self, subject: str, rows: Rows) -> BidsDlError:
        """Create the error for intact bytes that were written to another place or another store."""
        problem = f"{subject} is not the one written there, but of another place or another store"
        return self.damaged(problem, rows)

    def damaged(self, problem: str, rows: Rows) -> BidsDlError:
        """Create the error for bytes that are missing or differ from those written."""
        replacement = self.replaced()
        if replacement is not None:
            return replacement
        windows = f"it holds windows {rows[0]} to {rows[1] - 1}"
        recordings = self._recordings(rows)
        if recordings:
            windows += f", of {join_names(recordings, limit=MAX_LISTED_RECORDINGS)}"
        return DamagedStoreError(
            f"{self._location.url}: {problem}; {windows}. Fetch or convert the store again"
        )

    def damaged_array(self, name: str, problem: object) -> BidsDlError:
        """Create the error for an array that cannot be read."""
        return self.replaced() or DamagedStoreError(
            f"{self._location.url}: array {name!r} cannot be read ({problem}); "
            "fetch or convert the store again"
        )

    def replaced(self) -> StoreError | None:
        """Create the error for a store that was replaced while it was read, None if it was not."""
        replacement = describe_replacement(self._location, self._root_sha256)
        return StoreError(f"{self._location.url}: {replacement}") if replacement else None

    def _recordings(self, rows: Rows) -> list[str]:
        """Return the recordings of some windows, or None if this column is damaged too."""
        import zarr

        from bids_dl.store.zarr_store import LocationStore

        try:
            column = zarr.open_array(LocationStore(self._location.child("recording")), mode="r")
            names = np.asarray(column[slice(*rows)])
        except (OSError, ValueError, KeyError, RuntimeError, StoreError):
            return []
        return list(dict.fromkeys(map(str, names)))


def describe_replacement(location: Location, root_sha256: str | None) -> str:
    """Describe how a store was replaced after its root was opened, "" if it was not.

    Parameters
    ----------
    root_sha256
        SHA-256 of the root that was opened; None if it is unknown.
    """
    if root_sha256 is None:
        return ""
    try:
        current = read_json(location, ROOT)["attributes"][ROOT_SHA256]
    except FileNotFoundError:
        return _describe_missing_root(location)
    except (OSError, BidsDlError, KeyError, TypeError):
        return ""  # a damaged root, or a server that does not answer: nothing is known
    if current == root_sha256:
        return ""
    return "the store was replaced while it was read; open it again"


def _describe_missing_root(location: Location) -> str:
    try:
        is_unfinished = location.exists(UNFINISHED)
    except (OSError, StoreError):
        return ""
    if not is_unfinished:
        return ""
    return (
        "the store was replaced while it was read, and is not finished; "
        "wait for the conversion, then open it again"
    )
