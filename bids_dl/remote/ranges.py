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
from bids_dl.input import open_regular
from bids_dl.remote.buckets import bucket_objects
from bids_dl.remote.buckets.obstore_ranges import ObstoreClient, connect
from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.caching.cache import Cache
from bids_dl.remote.cancellation import sleep
from bids_dl.remote.http import web_objects
from bids_dl.remote.http.http_answers import NoRangesError, StalledError, WrongContentError
from bids_dl.remote.location import Location
from bids_dl.remote.retry import (
    backoff_delays,
    describe_failure,
    has_expired,
    has_stalled_too_long,
    is_out_of_range,
    is_transient,
)

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
        start = time.monotonic()
        contents = self._request(ranges)
        for attempt, delay in enumerate(backoff_delays(self.location.retry_timeout)):
            to_retry = []
            seconds = time.monotonic() - start
            for i, content in enumerate(contents):
                if _should_retry(content, seconds, is_first_retry=attempt == 0):
                    to_retry.append(i)
            if not to_retry:
                break
            if any(_has_expired(contents[i]) for i in to_retry):
                self.location.renew_credentials(client)
            sleep(delay)
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
            answers = self._request_by_file_system([ranges[i] for i in rest])
            for i, answer in zip(rest, answers, strict=True):
                contents[i] = answer
        pairs = zip(contents, ranges, strict=True)
        return [_check_size(content, byte_range.size) for content, byte_range in pairs]

    def _request_by_file_system(self, ranges: Sequence[ByteRange]) -> Sequence[Any]:
        """Request ranges once, without obstore."""
        location = self.location
        requests = [(location.path(item.name), item.start, item.end) for item in ranges]
        if location.is_web:
            return web_objects.read_ranges(location.web_options, requests)
        if location.is_s3:
            return bucket_objects.read_ranges(location.filesystem, requests)
        paths, starts, ends = (list(values) for values in zip(*requests, strict=True))
        answers: list[Any] = location.filesystem.cat_ranges(paths, starts, ends, on_error="return")
        return answers

    @cached_property
    def _obstore(self) -> ObstoreClient | None:
        """Faster client for buckets, or None if obstore is missing or cannot be used."""
        location = self.location
        if not location.is_s3:
            return None
        return connect(location.filesystem, location.root, location.storage_options)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_obstore", None)  # because its threads belong to this process
        return state


def open_local(location: Location, byte_range: ByteRange, *, is_regular: bool = False) -> FileIO:
    """Open an object on disk at the first byte of a range.

    Parameters
    ----------
    is_regular
        Whether the object is known to be a regular file, because a part of it was read before.
        Asking the system again takes nearly as long as opening it.
    """
    path = location.path(byte_range.name)
    file = FileIO(path) if is_regular else open_regular(path)
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


def _should_retry(content: Bytes | Exception, seconds: float, *, is_first_retry: bool) -> bool:
    """Return whether a failed range is requested again, only once if it came too short."""
    if not isinstance(content, Exception) or not is_transient(content):
        return False
    if has_stalled_too_long(content, seconds):
        return False
    return is_first_retry or not isinstance(content, EOFError)


def _has_expired(content: Bytes | Exception) -> bool:
    return isinstance(content, Exception) and has_expired(content)


def _check_size(answer: bytes | bytearray | Bytes | Exception, size: int) -> Bytes | Exception:
    """Return an answer that has the requested size, else the exception that describes it."""
    if isinstance(answer, NoRangesError):
        return StoreError(NO_RANGES)
    if isinstance(answer, WrongContentError | StalledError):
        return StoreError(describe_failure(answer))
    if isinstance(answer, Exception):
        return EOFError("ends before") if is_out_of_range(answer) else answer
    if len(answer) > size:
        return StoreError(NO_RANGES)
    if len(answer) != size:
        return EOFError(f"got {len(answer)} of {size} requested bytes")
    return answer if isinstance(answer, np.ndarray) else np.frombuffer(answer, np.uint8)
