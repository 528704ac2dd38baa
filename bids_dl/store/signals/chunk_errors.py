"""Errors of chunks, which name the chunk, its windows and their recordings."""

from __future__ import annotations

from dataclasses import dataclass

from bids_dl.errors import BidsDlError
from bids_dl.remote.byte_range import Bytes
from bids_dl.remote.checksum import stored_crc32c
from bids_dl.store.read_errors import ReadErrors, Rows
from bids_dl.store.signals.stored_chunk import StoredChunk


@dataclass(frozen=True)
class ChunkErrors:
    """Creates the errors of the chunks of a store.

    Parameters
    ----------
    store
        Errors of the store.
    n_windows, windows_per_chunk
        Size of the array.
    """

    store: ReadErrors
    n_windows: int
    windows_per_chunk: int

    def from_failure(self, failure: Exception, stored: StoredChunk) -> BidsDlError:
        """Create the error for a chunk that could not be read."""
        return self.store.from_failure(failure, str(stored), self.rows(stored.number))

    def damaged(self, problem: str, chunk: int) -> BidsDlError:
        """Create the error for a chunk that differs from the one written."""
        return self.store.damaged(problem, self.rows(chunk))

    def mismatch(self, stored: StoredChunk) -> BidsDlError:
        """Create the error for bytes that differ from those verified, or from their checksum."""
        return self.damaged(f"{stored} does not match its checksum", stored.number)

    def check(self, stored: StoredChunk, checksum: int, trailer: Bytes) -> None:
        """Compare the checksum of a chunk with its trailer, and with that of the chunk expected.

        Raises
        ------
        DamagedStoreError
            They differ.
        StoreError
            The store was replaced.
        """
        stated = stored_crc32c(trailer)
        if checksum != stated:
            raise self.mismatch(stored)
        expected = stored.byte_range.crc32c
        if expected is not None and stated != expected:
            raise self.store.misplaced(str(stored), self.rows(stored.number))

    def rows(self, chunk: int) -> Rows:
        """Return the rows of the window table that a chunk holds."""
        start = min(chunk * self.windows_per_chunk, self.n_windows)
        return start, min(start + self.windows_per_chunk, self.n_windows)
