"""A location as a store of zarr-python: requests are retried, and nothing is listed."""

from __future__ import annotations

import asyncio
import hashlib
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

WriteCallback = Callable[[str, bytes], None]


class LocationStore(Store):
    """The objects of a location.

    Parameters
    ----------
    location
        Location of a group or an array.
    on_write
        Called with name and bytes of each object that is written; None makes the store read-only.
    known
        Content of objects that need not be read, by name.
    sha256
        SHA-256 of objects that must be those written, by name. They are read whole.
    """

    supports_writes = True
    supports_deletes = False
    supports_listing = False

    def __init__(
        self,
        location: Location,
        on_write: WriteCallback | None = None,
        known: Mapping[str, bytes] | None = None,
        sha256: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(read_only=on_write is None)
        self.location = location
        self._on_write = on_write
        self._known = known or {}
        self._sha256 = sha256 or {}
        self._last_shard = "", b""  # name and content, because its chunks are read singly

    def with_read_only(self, read_only: bool = False) -> LocationStore:
        """Return a store of the same location that is read-only or not."""
        on_write = None if read_only else self._on_write
        return LocationStore(self.location, on_write, self._known, self._sha256)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, LocationStore)
            and self.location == other.location
            and self._on_write == other._on_write
        )

    def __hash__(self) -> int:
        return hash(self.location.url)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read an object, or None if there is no array of that name.

        Raises
        ------
        FileNotFoundError
            A chunk is missing, which is damage, because every chunk was written.
        ValueError
            An object differs from the one written.
        """
        if not self.read_only:
            return None  # arrays are written once into an empty location
        if key in self._known and byte_range is None:
            return prototype.buffer.from_bytes(self._known[key])
        start, stop = _limits(byte_range)
        try:
            if key in self._sha256:
                whole = await asyncio.to_thread(self._read_checked, key)
                if byte_range is not None:
                    self._last_shard = key, whole
                content = whole[start:stop]
            else:
                content = await asyncio.to_thread(self.location.read, key, start, stop)
        except FileNotFoundError:
            if "c" in key.split("/"):
                raise FileNotFoundError(f"{key} is missing") from None
            return None
        return prototype.buffer.from_bytes(content)

    def _read_checked(self, key: str) -> bytes:
        """Read a whole object and compare it with its SHA-256."""
        name, content = self._last_shard
        if name == key:
            return content
        content = self.location.read(key)
        if hashlib.sha256(content).hexdigest() != self._sha256[key]:
            raise ValueError(f"{key} is not the object written there (SHA-256 mismatch)")
        return content

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Read several byte ranges concurrently."""
        requests = [self.get(key, prototype, byte_range) for key, byte_range in key_ranges]
        return list(await asyncio.gather(*requests))

    async def exists(self, key: str) -> bool:
        """Return whether an object exists."""
        return await asyncio.to_thread(self.location.exists, key)

    async def set(self, key: str, value: Buffer) -> None:
        """Write an object."""
        self._check_writable()
        content = value.to_bytes()
        await asyncio.to_thread(self.location.write, key, content)
        if self._on_write:
            await asyncio.to_thread(self._on_write, key, content)

    async def delete(self, key: str) -> None:
        """Refuse to delete an object."""
        raise NotImplementedError(f"{key}: objects cannot be deleted through Zarr")

    async def list(self) -> AsyncIterator[str]:
        """Yield the names of all objects."""
        for name in await asyncio.to_thread(self.location.list):
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names of all objects that begin with a prefix."""
        for name in await asyncio.to_thread(self.location.list):
            if name.startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names of the objects and folders directly below a folder."""
        start = f"{prefix.rstrip('/')}/" if prefix else ""
        children = set()
        for name in await asyncio.to_thread(self.location.list):
            if name.startswith(start):
                children.add(name.removeprefix(start).partition("/")[0])
        for child in sorted(children):
            yield child


def _limits(byte_range: ByteRequest | None) -> tuple[int | None, int | None]:
    """Return start and stop of a byte range, as `Location.read` takes them."""
    if isinstance(byte_range, RangeByteRequest):
        return byte_range.start, byte_range.end
    if isinstance(byte_range, OffsetByteRequest):
        return byte_range.offset, None
    if isinstance(byte_range, SuffixByteRequest):
        return -byte_range.suffix, None
    return None, None
