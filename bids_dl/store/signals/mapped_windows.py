"""Copy windows of verified chunks from memory maps of their shards, when a batch needs them.

The batch is then written while it is in the processor's cache, and the system's page cache takes
the place of a pool of unfinished batches. Every window is compared with the one that was verified.

A process that reads a map dies (SIGBUS) if the file was cut short or the disk fails. So a chunk is
first read and verified by system calls, the size of a file is compared before each batch, and only
file systems of the machine itself are mapped, where no other machine can change a file.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.errors import BidsDlError
from bids_dl.remote.checksum import extend_crc32c
from bids_dl.remote.location import Location
from bids_dl.remote.mounts import file_system_type
from bids_dl.store.signals.chunk_errors import ChunkErrors
from bids_dl.store.signals.chunk_layout import ChunkLayout
from bids_dl.store.signals.local_bytes import OPEN_FLAGS, ShardFiles, WindowMemory, will_need
from bids_dl.store.signals.stored_chunk import StoredChunk
from bids_dl.store.signals.window_checksums import WindowChecksums

Indices = npt.NDArray[np.int64]
MAPPED_FILE_SYSTEMS = frozenset(
    {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
)
MAX_SHARDS = 128  # of the stores of a stream; each map holds a file descriptor


def can_map(location: Location) -> bool:
    """Return whether files of a store on disk can be mapped into memory."""
    return file_system_type(location.root) in MAPPED_FILE_SYSTEMS


class MappedShard(NamedTuple):
    """A shard that is mapped into memory."""

    memory: mmap.mmap
    content: memoryview  # of the same memory
    size: int  # in bytes
    file: tuple[int, int]  # device and inode

    @classmethod
    def open(cls, path: str) -> MappedShard:
        """Map a file.

        Raises
        ------
        OSError
            The file cannot be opened.
        EOFError
            It is empty.
        """
        file = os.open(path, OPEN_FLAGS)
        try:
            status = os.fstat(file)
            if not status.st_size:
                raise EOFError("is empty")
            memory = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(file)
        return cls(memory, memoryview(memory), len(memory), (status.st_dev, status.st_ino))


class MappedWindows:
    """Windows of the chunks that this process has verified, in memory maps.

    Any thread may use it.

    Parameters
    ----------
    location
        Location of the store, on disk.
    layout
        Layout of its chunks.
    verified
        Chunks that were verified.
    errors
        Errors of its chunks.

    Attributes
    ----------
    n_shards
        Number of files.
    """

    def __init__(
        self,
        location: Location,
        layout: ChunkLayout,
        verified: WindowChecksums,
        errors: ChunkErrors,
    ) -> None:
        self._location = location
        self._layout = layout
        self._verified = verified
        self._errors = errors
        self.n_shards = -(-verified.n_chunks // layout.chunks_per_shard)
        self._shards: dict[int, MappedShard] = {}

    def contain(self, chunks: Indices) -> bool:
        """Return whether all these chunks were verified, and their shards can be mapped.

        A shard cannot be mapped if it is missing, or if the system has too few file descriptors or
        addresses left.
        """
        if not self._verified.knows(chunks).all():
            return False
        try:
            for shard in np.unique(chunks // self._layout.chunks_per_shard).tolist():
                self._map(shard)
        except (OSError, EOFError):
            return False
        return True

    def read_ahead(self, chunks: Indices) -> None:
        """Ask the system to read chunks, in ascending order, that are not in its page cache.

        A shard that was replaced is mapped again, and no longer matches.

        Raises
        ------
        DamagedStoreError
            A shard is missing.
        StoreError
            A shard cannot be opened.
        """
        layout = self._layout
        starts = self._verified.starts(chunks).tolist()
        opened = -1
        file = -1
        with ShardFiles(self._location) as files:
            for chunk, start in zip(chunks.tolist(), starts, strict=True):
                shard = chunk // layout.chunks_per_shard
                try:
                    if shard != opened:
                        file = files.open(layout.object_name(shard))
                        opened = shard
                        self._forget_replaced(shard, os.fstat(file))
                    will_need(file, start, layout.decoded_bytes)
                except OSError as failure:
                    raise self._error(failure, chunk) from None

    def copy(self, chunks: Indices, rows: Indices, windows: Sequence[WindowMemory]) -> int:
        """Copy windows into memory, and compare each with the one that was verified.

        Parameters
        ----------
        chunks, rows
            (n_windows,): chunk of each window, and its position in the chunk.
        windows
            (n_windows,): memory for each window, which is filled with float32 in µV.

        Returns
        -------
        int
            Bytes that were read.

        Raises
        ------
        DamagedStoreError
            A window differs, or its shard is missing or cut short.
        StoreError
            A shard cannot be opened.
        """
        layout = self._layout
        size = layout.window_bytes
        known = self._verified.lookup(chunks, rows, size)
        numbers = chunks.tolist()
        shards = (chunks // layout.chunks_per_shard).tolist()
        contents = {
            shard: self._content(shard, numbers[shards.index(shard)]) for shard in set(shards)
        }
        source = zip(numbers, shards, known.starts, known.before, known.after, windows, strict=True)
        for chunk, shard, start, before, after, window in source:
            try:
                window.memory[:] = contents[shard][start : start + size]
            except ValueError:  # too few bytes
                raise self._error(EOFError("ends early"), chunk) from None
            if extend_crc32c(before, window.content) != after:
                raise self._errors.mismatch(StoredChunk.at_any_place(layout, chunk))
        return size * len(numbers)

    def _content(self, shard: int, chunk: int) -> memoryview:
        """Return the bytes of a shard, all of which exist now."""
        try:
            mapped = self._map(shard)
            if mapped.memory.size() < mapped.size:
                raise EOFError("ends early")
        except (OSError, EOFError) as failure:
            raise self._error(failure, chunk) from None
        return mapped.content

    def _map(self, shard: int) -> MappedShard:
        """Return the map of a shard.

        Raises
        ------
        OSError
            The file cannot be opened or mapped.
        EOFError
            It is empty.
        """
        mapped = self._shards.get(shard)
        if mapped is None:
            path = self._location.path(self._layout.object_name(shard))
            mapped = self._shards[shard] = MappedShard.open(path)
        return mapped

    def _forget_replaced(self, shard: int, status: os.stat_result) -> None:
        """Forget the map of a shard if another file has its name now."""
        mapped = self._shards.get(shard)
        if mapped is not None and mapped.file != (status.st_dev, status.st_ino):
            self._shards.pop(shard, None)

    def _error(self, failure: Exception, chunk: int) -> BidsDlError:
        stored = StoredChunk.at_any_place(self._layout, chunk)
        return self._errors.from_failure(failure, stored)
