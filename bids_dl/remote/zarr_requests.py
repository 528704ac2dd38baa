"""Byte ranges that zarr-python requests of a store."""

from __future__ import annotations

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest


def requested_limits(byte_range: ByteRequest | None) -> tuple[int | None, int | None]:
    """Return start and stop of a byte range, as `Location.read` takes them.

    Examples
    --------
    >>> requested_limits(RangeByteRequest(10, 30)), requested_limits(SuffixByteRequest(4))
    ((10, 30), (-4, None))
    """
    if isinstance(byte_range, RangeByteRequest):
        return byte_range.start, byte_range.end
    if isinstance(byte_range, OffsetByteRequest):
        return byte_range.offset, None
    if isinstance(byte_range, SuffixByteRequest):
        return -byte_range.suffix, None
    return None, None
