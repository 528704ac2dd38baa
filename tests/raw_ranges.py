"""Byte ranges that a reader requests from a server that sends raw bytes."""

from __future__ import annotations

from raw_server import CONTENT

from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader

RANGES = [ByteRange("a", 0, 100), ByteRange("a", 100, 100), ByteRange("b", 500, 1000)]  # 2 requests
N_REQUESTS = 2
EXPECTED = [CONTENT[item.start : item.end] for item in RANGES]


def open_reader(url: str, *, timeout: float = 60.0) -> RangeReader:
    """Open a reader that waits so many seconds for a byte, and tries once."""
    return RangeReader(Location(url, {"retry_timeout": 0, "client_kwargs": {"timeout": timeout}}))


def contents(reader: RangeReader) -> list[object]:
    """Return the bytes or the failure of each of `RANGES`."""
    answers = reader.read(RANGES)
    return [item if isinstance(item, Exception) else item.tobytes() for item in answers]
