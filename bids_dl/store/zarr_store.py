"""A location as zarr-python takes it: every request is tried again where it fails in passing, nothing is listed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)

from bids_dl.remote.location import Location

if TYPE_CHECKING:
    from zarr.core.buffer import Buffer, BufferPrototype

Note = Callable[[str, bytes], None]


class LocationStore(Store):
    """The objects of a location.

    Parameters
    ----------
    location
        Of a group or an array.
    note
        Called with name and bytes of each object that is written; None makes it read-only.
    known
        Objects that need not be read any more, by name.
    """

    supports_writes = True
    supports_deletes = False
    supports_listing = False

    def __init__(
        self, location: Location, note: Note | None = None, known: Mapping[str, bytes] | None = None
    ) -> None:
        super().__init__(read_only=note is None)
        self.location = location
        self._note, self._known = note, known or {}

    def with_read_only(self, read_only: bool = False) -> LocationStore:
        return LocationStore(self.location, None if read_only else self._note, self._known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocationStore) and (self.location, self._note) == (
            other.location,
            other._note,
        )

    def __hash__(self) -> int:
        return hash(self.location.url)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """An object's bytes; None where there is no such array. A chunk that is not there is damage: every one was written."""
        if not self.read_only:
            return None  # an array is written once, into a place that was cleared: nothing is there before
        if key in self._known and byte_range is None:
            return prototype.buffer.from_bytes(self._known[key])
        try:
            content = await asyncio.to_thread(self.location.read, key, *_limits(byte_range))
        except FileNotFoundError:
            if "c" in key.split("/"):
                raise FileNotFoundError(f"{key} is missing") from None
            return None
        return prototype.buffer.from_bytes(content)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return list(
            await asyncio.gather(*(self.get(key, prototype, wanted) for key, wanted in key_ranges))
        )

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self.location.exists, key)

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        content = value.to_bytes()
        await asyncio.to_thread(self.location.write, key, content)
        if self._note:
            await asyncio.to_thread(self._note, key, content)

    async def delete(self, key: str) -> None:
        raise NotImplementedError(f"{key}: nothing is deleted through Zarr")

    async def list(self) -> AsyncIterator[str]:
        for name in await asyncio.to_thread(self.location.list):
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for name in await asyncio.to_thread(self.location.list):
            if name.startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        names = await asyncio.to_thread(self.location.list)
        for name in sorted(
            {name.removeprefix(start).partition("/")[0] for name in names if name.startswith(start)}
        ):
            yield name


def _limits(wanted: ByteRequest | None) -> tuple[int | None, int | None]:
    if isinstance(wanted, RangeByteRequest):
        return wanted.start, wanted.end
    if isinstance(wanted, OffsetByteRequest):
        return wanted.offset, None
    if isinstance(wanted, SuffixByteRequest):
        return -wanted.suffix, None
    return None, None
