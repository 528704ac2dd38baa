"""Chunks that were requested from a server, and not received yet."""

from __future__ import annotations

from typing import NamedTuple

from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.ranges import RequestedRanges


class RequestedChunks(NamedTuple):
    """Chunks of a store in its order, to be read by any thread, or closed.

    Attributes
    ----------
    ranges
        Byte range of each chunk, None if it is all fill value and not stored.
    stored
        Requests of those that are stored.
    """

    ranges: list[ByteRange | None]
    stored: RequestedRanges

    def close(self) -> None:
        """Give up the chunks that were not read."""
        self.stored.close()
