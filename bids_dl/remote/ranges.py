"""Byte ranges of a store's objects: from disk into given memory, from anywhere else many at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from io import FileIO

import numpy as np
import numpy.typing as npt

from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.location import Location
from bids_dl.remote.retry import backoff_delays, has_expired, is_beyond, is_transient

Bytes = npt.NDArray[np.uint8]
NO_RANGES = (
    "the server sends whole objects where a part was asked for (python -m http.server does), so the store cannot be streamed from there; "
    "take a server that knows range requests (nginx, Apache, Caddy, a bucket), or copy the store"
)


def fetch(location: Location, requests: Sequence[ByteRange]) -> list[Bytes | Exception]:
    """Content of each request, or why it failed; an object that is too short gives EOFError.

    Requests to a server are under way together; what fails in passing is asked for again, later each time. What comes too short is asked
    for once more: a proxy may have lost the rest.
    """
    if not requests:
        return []
    if location.is_local:
        return [_read(location, request) for request in requests]
    used, contents = location.client(), _ask(location, requests)
    for number, wait in enumerate(backoff_delays(location.patience)):
        failed = {
            i: content for i, content in enumerate(contents) if isinstance(content, Exception)
        }
        again = [
            i
            for i, failure in failed.items()
            if is_transient(failure) and (number == 0 or not isinstance(failure, EOFError))
        ]
        if not again:
            break
        if any(has_expired(failed[i]) for i in again):
            location.renew(used)
        time.sleep(wait)
        used = location.client()
        for i, content in zip(again, _ask(location, [requests[i] for i in again]), strict=True):
            contents[i] = content
    return contents


def open_local(location: Location, request: ByteRange) -> FileIO:
    """The object on disk, at the first byte of the request."""
    file = FileIO(location.path(request.name))
    try:
        file.seek(
            request.start
            if request.start >= 0
            else max(0, file.seek(0, os.SEEK_END) + request.start)
        )
    except OSError:
        file.close()
        raise
    return file


def fill(file: FileIO, content: Bytes) -> None:
    """Fill an array with the bytes that come next; EOFError where the file ends before."""
    while len(content):
        count = file.readinto(content.data)
        if not count:
            raise EOFError("ends early")
        content = content[count:]


def _read(location: Location, request: ByteRange) -> Bytes | Exception:
    content = np.empty(request.size, np.uint8)
    try:
        with open_local(location, request) as file:
            fill(file, content)
    except (OSError, EOFError) as failure:
        return failure
    return content


def _ask(location: Location, requests: Sequence[ByteRange]) -> list[Bytes | Exception]:
    found = location.bucket.ask(requests) if location.bucket is not None else [None] * len(requests)
    rest = [request for request, content in zip(requests, found, strict=True) if content is None]
    paths = [location.path(request.name) for request in rest]
    starts, ends = [request.start for request in rest], [request.end for request in rest]
    answers = iter(
        location.filesystem.cat_ranges(paths, starts, ends, on_error="return") if rest else []
    )
    contents = [next(answers) if content is None else content for content in found]
    return [
        _checked(content, request.size) for content, request in zip(contents, requests, strict=True)
    ]


def _checked(answer: bytes | Bytes | Exception, size: int) -> Bytes | Exception:
    if isinstance(answer, Exception):
        return EOFError("ends before") if is_beyond(answer) else answer
    if len(answer) > size:
        return StoreError(NO_RANGES)
    if len(answer) != size:
        return EOFError(f"{len(answer)} bytes came where {size} were asked for")
    return answer if isinstance(answer, np.ndarray) else np.frombuffer(answer, np.uint8)
