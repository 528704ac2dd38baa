"""Copy windows of verified chunks from memory maps of their shards, when a batch needs them.

The batch is then written while it is in the processor's cache, and the system's page cache takes
the place of a pool of unfinished batches. Every window is compared with the one that was verified
by its checksum.

A process that reads a map dies (SIGBUS) if the file was cut short or the disk fails. So a chunk is
first read and verified by system calls, the size of a file is compared before each batch, and only
file systems on disks of the machine are mapped, where no other machine can change a file. A file
in memory (tmpfs) is not mapped, because a hole in it may need memory that is not left.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.errors import BidsDlError
from bids_dl.remote.checksum import extend_crc32c
from bids_dl.remote.location import Location
from bids_dl.remote.mounts import file_system_types
from bids_dl.remote.process_limits import has_limited_memory, max_open_files
from bids_dl.store.signals.chunk_errors import ChunkErrors
from bids_dl.store.signals.chunk_layout import ChunkLayout
from bids_dl.store.signals.local_bytes import OPEN_FLAGS, ShardFiles, WindowMemory, will_need
from bids_dl.store.signals.stored_chunk import StoredChunk
from bids_dl.store.signals.window_checksums import WindowChecksums

Indices = npt.NDArray[np.int64]
MAPPED_FILE_SYSTEMS = {"bcachefs", "ext2", "ext3", "ext4", "f2fs", "overlay", "xfs", "zfs"}
MAX_SHARE = 0.5  # of the file descriptors that a process may open, with all that it has opened
OPEN_FILES = Path("/proc/self/fd")


class MappedShard(NamedTuple):
    """A shard that is mapped into memory, until nothing refers to it."""

    memory: mmap.mmap
    content: memoryview  # of the same memory
    file: tuple[int, int]  # device and inode

    @classmethod
    def open(cls, path: str, file_systems: Mapping[int, str]) -> MappedShard:
        """Map a file.

        Parameters
        ----------
        file_systems
            Types by device.

        Raises
        ------
        OSError
            The file cannot be opened or mapped, or its file system is not one that is mapped.
        ValueError
            It is empty.
        """
        file = os.open(path, OPEN_FLAGS)
        try:
            status = os.fstat(file)
            if file_systems.get(status.st_dev) not in MAPPED_FILE_SYSTEMS:
                raise OSError(f"{path}: a file system that is not mapped")
            memory = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(file)
        return cls(memory, memoryview(memory), (status.st_dev, status.st_ino))

    def is_file(self, path: str) -> bool:
        """Return whether the file still has this path and its size."""
        status = Path(path).stat()
        is_same = (status.st_dev, status.st_ino) == self.file
        return is_same and status.st_size == len(self.content)

    def available(self) -> memoryview:
        """Return the bytes that the file has now."""
        size = self.memory.size()
        return self.content if size >= len(self.content) else self.content[:size]


class MappedShards:
    """Maps of the shards of a store, kept for later iterations. Any thread may use it.

    Parameters
    ----------
    location
        Location of the store, on disk.
    layout
        Layout of its chunks.
    """

    def __init__(self, location: Location, layout: ChunkLayout) -> None:
        self._location = location
        self._layout = layout
        self._kept: dict[int, MappedShard] = {}

    def map(self, shards: Sequence[int]) -> dict[int, MappedShard] | None:
        """Map shards, if all of them can be mapped. A shard that was replaced is mapped again.

        Returns
        -------
        dict or None
            None if a shard is missing or on a file system that is not mapped, or if few file
            descriptors or addresses are left.
        """
        kept = dict(self._kept)
        mapped: dict[int, MappedShard] = {}
        file_systems: Mapping[int, str] | None = None
        try:
            for shard in shards:
                path = self._location.path(self._layout.object_name(shard))
                if shard in kept and kept[shard].is_file(path):
                    mapped[shard] = kept[shard]
                    continue
                if file_systems is None:
                    _check_limits(len(set(shards) - kept.keys()))
                    file_systems = file_system_types()
                mapped[shard] = MappedShard.open(path, file_systems)
        except (OSError, ValueError):
            self._kept.clear()  # because others may need their descriptors and addresses
            return None
        self._kept.update(mapped)
        return mapped

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {}}


class MappedWindows:
    """Windows of chunks that this process has verified, in memory maps. Any thread may use it.

    Parameters
    ----------
    location
        Location of the store, on disk.
    layout
        Layout of its chunks.
    shards
        Their shards.
    verified
        Chunks that were verified.
    errors
        Errors of its chunks.
    """

    def __init__(
        self,
        location: Location,
        layout: ChunkLayout,
        shards: Mapping[int, MappedShard],
        verified: WindowChecksums,
        errors: ChunkErrors,
    ) -> None:
        self._location = location
        self._layout = layout
        self._shards = shards
        self._verified = verified
        self._errors = errors

    def read_ahead(self, chunks: Indices) -> None:
        """Ask the system to read chunks, in ascending order, that are not in its page cache.

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
            A window differs, or its shard was cut short.
        """
        layout = self._layout
        size = layout.window_bytes
        known = self._verified.lookup(chunks, rows, size)
        numbers = chunks.tolist()
        shards = (chunks // layout.chunks_per_shard).tolist()
        contents = {shard: self._shards[shard].available() for shard in set(shards)}
        source = zip(numbers, shards, known.starts, known.before, known.after, windows, strict=True)
        for chunk, shard, start, before, after, window in source:
            try:
                window.memory[:] = contents[shard][start : start + size]
            except ValueError:  # too few bytes
                raise self._error(EOFError("ends early"), chunk) from None
            if extend_crc32c(before, window.content) != after:
                raise self._errors.mismatch(StoredChunk.at_any_place(layout, chunk))
        return size * len(numbers)

    def _error(self, failure: Exception, chunk: int) -> BidsDlError:
        stored = StoredChunk.at_any_place(self._layout, chunk)
        return self._errors.from_failure(failure, stored)


def _check_limits(n_files: int) -> None:
    """Check that this process may map files, and that as many descriptors are left to others.

    Raises
    ------
    OSError
        It may not, its addresses are limited, or the system does not tell.
    """
    if has_limited_memory():
        raise OSError(errno.ENOMEM, "maps would take the addresses that others need")
    n_open = sum(1 for _ in OPEN_FILES.iterdir())
    if n_open + n_files > MAX_SHARE * max_open_files():
        raise OSError(errno.EMFILE, f"{n_files} more descriptors, of {max_open_files()}")
