"""Objects of a Zarr copy on a web server, as a read-only store of zarr-python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
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


class CopyObjects(Store):
    """The objects of a Zarr copy, of which the metadata is known already.

    Parameters
    ----------
    location
        Address of the copy.
    version
        Query that is added to each address, so that no cache answers with an older copy.
    documents
        Text of the ``zarr.json`` objects by name.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = False

    def __init__(self, location: Location, version: str, documents: Mapping[str, str]) -> None:
        super().__init__(read_only=True)
        self._location = location
        self._version = version
        self._documents = documents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CopyObjects) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str]:
        return self._location.url, self._version

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read an object or a part of one, None for metadata that the copy does not have.

        Raises
        ------
        FileNotFoundError
            A chunk does not exist. It is damage, because zeros in its place would be no signal.
        """
        if key.endswith("zarr.json"):
            text = self._documents.get(key)
            return None if text is None else prototype.buffer.from_bytes(text.encode())
        start, stop = _limits(byte_range)
        name = f"{key}?v={self._version}"
        content = await asyncio.to_thread(self._location.read, name, start, stop)
        return prototype.buffer.from_bytes(content)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Read several byte ranges concurrently."""
        requests = [self.get(key, prototype, byte_range) for key, byte_range in key_ranges]
        return list(await asyncio.gather(*requests))

    async def exists(self, key: str) -> bool:
        """Return whether metadata of this name is known."""
        return key in self._documents

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse to write an object."""
        raise NotImplementedError(f"{key}: a copy on a server cannot be written to")

    async def delete(self, key: str) -> None:
        """Refuse to delete an object."""
        raise NotImplementedError(f"{key}: a copy on a server cannot be changed")

    async def list(self) -> AsyncIterator[str]:
        """Yield the names of the metadata, because the server lists nothing."""
        for name in self._documents:
            yield name

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names of the metadata that begin with a prefix."""
        for name in self._documents:
            if name.startswith(prefix):
                yield name

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield the names of the metadata below a folder."""
        async for name in self.list_prefix(prefix):
            yield name


def _limits(byte_range: ByteRequest | None) -> tuple[int | None, int | None]:
    """Return start and stop of a byte range, as `Location.read` takes them."""
    if isinstance(byte_range, RangeByteRequest):
        return byte_range.start, byte_range.end
    if isinstance(byte_range, OffsetByteRequest):
        return byte_range.offset, None
    if isinstance(byte_range, SuffixByteRequest):
        return -byte_range.suffix, None
    return None, None
