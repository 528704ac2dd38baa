"""Byte ranges of the objects of a location: from disk, from a server, or from a disk cache."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bids_dl.errors import StoreError
from bids_dl.remote.buckets import bucket_objects
from bids_dl.remote.buckets.obstore_ranges import ObstoreClient, connect
from bids_dl.remote.buckets.presigned import presigned_ranges
from bids_dl.remote.byte_range import Array, ByteRange, Bytes, gather, scatter
from bids_dl.remote.caching.cache import Cache
from bids_dl.remote.cancellation import sleep
from bids_dl.remote.http.http_answers import (
    HttpStatusError,
    NoRangesError,
    StalledError,
    WrongContentError,
)
from bids_dl.remote.http.open_ranges import OpenRanges
from bids_dl.remote.http.plain_answer import UnusualAnswerError
from bids_dl.remote.http.plain_ranges import PlainRanges
from bids_dl.remote.local_ranges import read_local
from bids_dl.remote.location import Location
from bids_dl.remote.retry import (
    TOO_MANY_STATUS,
    describe_failure,
    has_expired,
    has_stalled_too_long,
    is_out_of_range,
    is_transient,
)
from bids_dl.remote.waits import Waits, backoff_delays

FAILURE_SECONDS = 30.0  # in which a server is expected to fail again
NO_RANGES = (
    "the server ignores byte ranges and sends whole objects (python -m http.server does), so the "
    "store cannot be streamed from it; use a server that supports range requests (nginx, Apache, "
    "Caddy, a bucket), or copy the store"
)


@dataclass(frozen=True, slots=True)
class RequestedRanges:
    """Ranges that were requested, to be received by any thread, or closed.

    Attributes
    ----------
    ranges
        Ranges in order.
    opened
        Their requests. None leaves them to the general client.
    client
        Client whose credentials they use. None for other servers than S3.
    """

    ranges: tuple[ByteRange, ...]
    opened: OpenRanges | None
    client: Any

    def close(self) -> None:
        """Give up the ranges that were not received."""
        if self.opened is not None:
            self.opened.close()


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
        self._failure_time = -math.inf  # of the monotonic clock

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
        contents = [np.empty(byte_range.size, np.uint8) for byte_range in ranges]
        failures = self.fill(ranges, [[content] for content in contents])
        pairs = zip(contents, failures, strict=True)
        return [content if failure is None else failure for content, failure in pairs]

    def fill(
        self, ranges: Sequence[ByteRange], arrays: Sequence[Sequence[Array]]
    ) -> Generator[Exception | None, None, None]:
        """Read as `read` does, each range into arrays. Yield None or the failure of each, in order.

        Neighbouring ranges of an object that follow each other are one request. Close the iterator
        if it is not used to its end.

        Parameters
        ----------
        arrays
            Contiguous arrays for each range, of its size together. They are filled when their turn
            comes, so that ranges may have the same arrays.
        """
        if self.cache is None:
            yield from self._fill_uncached(ranges, arrays)
            return
        cached = [self.cache.load(byte_range) for byte_range in ranges]
        missing = [i for i, content in enumerate(cached) if content is None]
        read = self._fill_uncached([ranges[i] for i in missing], [arrays[i] for i in missing])
        with closing(read) as failures:
            for byte_range, parts, content in zip(ranges, arrays, cached, strict=True):
                if content is not None:
                    scatter(content, parts)
                    yield None
                    continue
                failure = next(failures)
                if failure is None:
                    self.cache.save(byte_range, gather(parts))
                yield failure

    @property
    def can_request(self) -> bool:
        """True if ranges may be requested much before they are received.

        It becomes false if answers are unusual; while the server closes connections, because little
        is sent over a new one before it is received; and for some time after a failure, because
        requests that are repeated should wait beside each other, in several threads.
        """
        if self.cache is not None or self.location.is_local or self._plain is None:
            return False
        if time.monotonic() < self._failure_time + FAILURE_SECONDS:
            return False
        return self._plain.is_usable and self._plain.keeps_connections

    def request(self, ranges: Sequence[ByteRange]) -> RequestedRanges:
        """Request ranges, without waiting for the answers, which may be received much later.

        They belong to the current `RequestGroup`. Close them if they are not received.

        Raises
        ------
        RequestCancelledError
            The group was cancelled.
        """
        requested = self._prepare(ranges, is_limited=False)
        if requested.opened is not None:
            try:
                requested.opened.send()
            except BaseException:
                requested.close()
                raise
        return requested

    def _prepare(self, ranges: Sequence[ByteRange], *, is_limited: bool) -> RequestedRanges:
        """Prepare requests, which are sent when they are received, or before."""
        client = self.location.s3_client()
        opened = None
        if self._plain is not None and ranges:
            opened = self._plain.open(ranges, self.location.path, is_limited=is_limited)
        return RequestedRanges(tuple(ranges), opened, client)

    def _fill_uncached(
        self, ranges: Sequence[ByteRange], arrays: Sequence[Sequence[Array]]
    ) -> Generator[Exception | None, None, None]:
        if self.location.is_local:
            contents = (read_local(self.location, byte_range) for byte_range in ranges)
            yield from map(_placed, contents, arrays)
        elif ranges:
            yield from self.receive(self._prepare(ranges, is_limited=True), arrays)

    def receive(
        self, requested: RequestedRanges, arrays: Sequence[Sequence[Array]]
    ) -> Generator[Exception | None, None, None]:
        """Receive ranges that were requested. All else is as in `fill`."""
        ranges, opened, client = requested.ranges, requested.opened, requested.client
        start = time.monotonic()
        if opened is None:
            answers = self._retry(ranges, self._request(ranges), start, client)
            yield from map(_placed, answers, arrays)
            return
        with opened:
            for i, parts in enumerate(arrays):
                failure = opened.receive(parts)
                if failure is None:
                    yield None
                    continue
                # the others are received before any of them is requested again
                rest = ranges[i:]
                first_tries = [failure, *_receive_all(opened, rest[1:])]
                break
            else:
                return
        self._failure_time = time.monotonic()
        answers = self._retry(rest, self._complete(rest, first_tries), start, client)
        yield from map(_placed, answers, arrays[i:])

    def _complete(
        self, ranges: Sequence[ByteRange], contents: Sequence[Bytes | Exception]
    ) -> list[Bytes | Exception]:
        """Request ranges with unusual answers by the general client, and describe the failures."""
        unusual = []
        for i, content in enumerate(contents):
            if isinstance(content, UnusualAnswerError):
                unusual.append(i)
        answers = dict(zip(unusual, self._request([ranges[i] for i in unusual]), strict=True))
        completed: list[Bytes | Exception] = []
        for i, byte_range in enumerate(ranges):
            completed.append(answers.get(i, _check_size(contents[i], byte_range.size)))
        return completed

    def _retry(
        self,
        ranges: Sequence[ByteRange],
        contents: list[Bytes | Exception],
        start: float,
        client: Any,
    ) -> list[Bytes | Exception]:
        """Request ranges again that failed for a transient reason.

        Parameters
        ----------
        contents
            Bytes or failure of each range.
        start
            Time of the first try, in s of the monotonic clock.
        client
            Client whose credentials the first try used. None for other servers than S3.
        """
        waits = Waits(backoff_delays(self.location.retry_timeout), place=self.location.url)
        is_first = True
        while True:
            to_retry = []
            seconds = time.monotonic() - start - waits.requested
            for i, content in enumerate(contents):
                if _should_retry(content, seconds, is_first_retry=is_first):
                    to_retry.append(i)
            delay = waits.next([contents[i] for i in to_retry])
            if delay is None:
                return [_describe_busy(content) for content in contents]
            if any(_has_expired(contents[i]) for i in to_retry):
                self.location.renew_credentials(client)
            sleep(delay)
            is_first = False
            client = self.location.s3_client()
            answers = self._request([ranges[i] for i in to_retry])
            for i, answer in zip(to_retry, answers, strict=True):
                contents[i] = answer

    def _request(self, ranges: Sequence[ByteRange]) -> list[Bytes | Exception]:
        """Request ranges once: with obstore if it is available, and through fsspec otherwise."""
        if not ranges:
            return []
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
        if location.served is not None:
            return location.served.read_ranges(requests)
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

    @cached_property
    def _plain(self) -> PlainRanges | None:
        """Fastest client, or None if the location is not one that it can read."""
        location = self.location
        if location.served is not None:
            plain = location.served.plain_ranges()
        elif location.is_s3:
            plain = presigned_ranges(location.filesystem, location.storage_options)
        else:
            plain = None
        return plain

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_plain", None)
        state.pop("_obstore", None)  # because its threads belong to this process
        return state


def _should_retry(content: Bytes | Exception, seconds: float, *, is_first_retry: bool) -> bool:
    """Return whether a failed range is requested again, only once if it came too short."""
    if not isinstance(content, Exception) or not is_transient(content):
        return False
    if has_stalled_too_long(content, seconds):
        return False
    return is_first_retry or not isinstance(content, EOFError)


def _describe_busy(content: Bytes | Exception) -> Bytes | Exception:
    """Describe the last failure if it is that the server allows no more requests."""
    if isinstance(content, HttpStatusError) and content.status == TOO_MANY_STATUS:
        return StoreError(describe_failure(content))
    return content


def _has_expired(content: Bytes | Exception) -> bool:
    return isinstance(content, Exception) and has_expired(content)


def _receive_all(opened: OpenRanges, ranges: Sequence[ByteRange]) -> list[Bytes | Exception]:
    """Receive ranges into new memory. Return the bytes or the failure of each."""
    contents: list[Bytes | Exception] = []
    for byte_range in ranges:
        content = np.empty(byte_range.size, np.uint8)
        contents.append(opened.receive([content]) or content)
    return contents


def _placed(content: Bytes | Exception, arrays: Sequence[Array]) -> Exception | None:
    """Copy bytes into arrays, or return the failure."""
    if isinstance(content, Exception):
        return content
    scatter(content, arrays)
    return None


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
