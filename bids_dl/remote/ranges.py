"""Byte ranges of the objects of a location: from disk, from a server, or from a disk cache."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cached_property
from io import FileIO
from typing import Any

import numpy as np

from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.cache import Cache
from bids_dl.remote.location import Location
from bids_dl.remote.obstore_ranges import ObstoreClient, connect
from bids_dl.remote.retry import backoff_delays, has_expired, is_out_of_range, is_transient

NO_RANGES = (
    "the server ignores byte ranges and sends whole objects (python -m http.server does), so the "
    "store cannot be streamed from it; use a server that supports range requests (nginx, Apache, "
    "Caddy, a bucket), or copy the store"
)


class RangeReader:
    """Reads byte ranges of the objects of one location. Any thread may use it.

    A process opens its own connections: a copy that was sent to another process connects again.

    Parameters
    ----------
    cache
        Cache of ranges that were read; None for a local location.
    """

    def __init__(self, location: Location, cache: Cache | None = None) -> None:
        self.location = location
        self.cache = cache

    def read(self, ranges: Sequence[ByteRange]) -> list[Bytes | Exception]:
        """Read byte ranges through the cache, and cache those that were missing.

        Ranges of a server are requested concurrently. Transient failures are retried with backoff.
        A range that comes too short is requested once more, because a proxy may have lost the rest.

        Returns
        -------
        list
            The bytes of each range, or the exception it failed with: `EOFError` if the object ends
            before the range does.
        """
        if self.cache is None:
            return self._read_uncached(ranges)
        contents: list[Bytes | Exception | None] = [
            self.cache.load(byte_range) for byte_range in ranges
        ]
        missing = [i for i, content in enumerate(contents) if content is None]
        answers = self._read_uncached([ranges[i] for i in missing])
        for i, answer in zip(missing, answers, strict=True):
            contents[i] = answer
            if not isinstance(answer, Exception):
                self.cache.save(ranges[i], answer)
        return contents  # type: ignore[return-value]  # no None is left

    def _read_uncached(self, ranges: Sequence[ByteRange]) -> list[Bytes | Exception]:
        if self.location.is_local:
            return [read_local(self.location, byte_range) for byte_range in ranges]
        if not ranges:
            return []
        client = self.location.s3_client()
        contents = self._request(ranges)
        for attempt, delay in enumerate(backoff_delays(self.location.retry_timeout)):
            to_retry = []
            for i, content in enumerate(contents):
                if _should_retry(content, is_first_retry=attempt == 0):
                    to_retry.append(i)
            if not to_retry:
                break
            if any(_has_expired(contents[i]) for i in to_retry):
                self.location.renew_credentials(client)
            time.sleep(delay)
            client = self.location.s3_client()
            answers = self._request([ranges[i] for i in to_retry])
            for i, answer in zip(to_retry, answers, strict=True):
                contents[i] = answer
        return contents

    def _request(self, ranges: Sequence[ByteRange]) -> list[Bytes | Exception]:
        """Request ranges once: with obstore if it is available, and through fsspec otherwise."""
        contents: list[Any] = [None] * len(ranges)
        if self._obstore is not None:
            contents = list(self._obstore.read(ranges))
        rest = [i for i, content in enumerate(contents) if content is None]
        if rest:
            answers = self.location.filesystem.cat_ranges(
                [self.location.path(ranges[i].name) for i in rest],
                [ranges[i].start for i in rest],
                [ranges[i].end for i in rest],
                on_error="return",
            )
            for i, answer in zip(rest, answers, strict=True):
                contents[i] = answer
        pairs = zip(contents, ranges, strict=True)
        return [_check_size(content, byte_range.size) for content, byte_range in pairs]

    @cached_property
    def _obstore(self) -> ObstoreClient | None:
        """Faster client for buckets, or None if obstore is missing or cannot be used."""
        location = self.location
        return connect(location.filesystem, location.root, location.storage_options)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_obstore", None)  # because its threads belong to this process
        return state


def open_local(location: Location, byte_range: ByteRange) -> FileIO:
    """Open an object on disk at the first byte of a range."""
    file = FileIO(location.path(byte_range.name))
    try:
        start = byte_range.start
        if start < 0:
            start = max(0, file.seek(0, os.SEEK_END) + start)
        file.seek(start)
    except OSError:
        file.close()
        raise
    return file


def fill(file: FileIO, content: Bytes) -> None:
    """Fill an array with the next bytes of a file.

    Raises
    ------
    EOFError
        The file ends before.
    """
    while len(content):
        count = file.readinto(content.data)
        if not count:
            raise EOFError("ends early")
        content = content[count:]


def read_local(location: Location, byte_range: ByteRange) -> Bytes | Exception:
    """Read a range of an object on disk, or return the exception it fails with."""
    content = np.empty(byte_range.size, np.uint8)
    try:
        with open_local(location, byte_range) as file:
            fill(file, content)
    except (OSError, EOFError) as error:
        return error
    return content


def _should_retry(content: Bytes | Exception, *, is_first_retry: bool) -> bool:
    """Return whether a failed range is requested again, only once if it came too short."""
    if not isinstance(content, Exception) or not is_transient(content):
        return False
    return is_first_retry or not isinstance(content, EOFError)


def _has_expired(content: Bytes | Exception) -> bool:
    return isinstance(content, Exception) and has_expired(content)


def _check_size(answer: bytes | Bytes | Exception, size: int) -> Bytes | Exception:
    """Return an answer that has the requested size, else the exception that describes it."""
    if isinstance(answer, Exception):
        return EOFError("ends before") if is_out_of_range(answer) else answer
    if len(answer) > size:
        return StoreError(NO_RANGES)
    if len(answer) != size:
        return EOFError(f"got {len(answer)} of {size} requested bytes")
    return answer if isinstance(answer, np.ndarray) else np.frombuffer(answer, np.uint8)
