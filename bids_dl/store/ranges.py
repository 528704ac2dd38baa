"""Byte ranges of a store's objects: from disk straight into memory, from anywhere else many at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.store.location import Location

Bytes = npt.NDArray[np.uint8]
WAITS = (0.1, 0.4, 1.6, 3.2)  # s before a failed request is issued again
FINAL = (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError, EOFError)  # another try would end the same


@dataclass(frozen=True, slots=True)
class Request:
    """One range of one object and the memory it goes to.

    Parameters
    ----------
    name
        The object, relative to the store.
    start
        First byte; negative counts from the object's end.
    parts
        One-dimensional arrays filled one after the other; together they are as long as the range.
    """

    name: str
    start: int
    parts: tuple[Bytes, ...]

    @property
    def size(self) -> int:
        return sum(len(part) for part in self.parts)

    @property
    def end(self) -> int | None:
        """First byte after the range, None where that is the object's end."""
        return self.start + self.size or None if self.start < 0 else self.start + self.size


def fetch(location: Location, requests: Sequence[Request]) -> Iterator[Exception | None]:
    """Fill the memory of all requests; use the iterator up.

    Requests to a server are under way together; what fails in passing is asked for again, later each time. From disk one comes after the
    other, so that a caller can check each while it is in the processor's cache.

    Yields
    ------
    Exception or None
        Why a request failed, for each in turn. An object that is too short gives EOFError.
    """
    return (_read(location, request) for request in requests) if location.is_local else iter(_request_all(location, requests))


def _request_all(location: Location, requests: Sequence[Request]) -> list[Exception | None]:
    failures = _request(location, requests)
    for wait in WAITS:
        again = [i for i, failure in enumerate(failures) if failure is not None and not isinstance(failure, FINAL)]
        if not again:
            break
        time.sleep(wait)
        for i, failure in zip(again, _request(location, [requests[i] for i in again]), strict=True):
            failures[i] = failure
    return failures


def _read(location: Location, request: Request) -> OSError | EOFError | None:
    try:
        with Path(location.path(request.name)).open("rb", buffering=0) as file:
            file.seek(request.start if request.start >= 0 else max(0, file.seek(0, os.SEEK_END) + request.start))
            for part in request.parts:
                _fill(file, part)
    except (OSError, EOFError) as failure:
        return failure
    return None


def _fill(file: Any, part: Bytes) -> None:
    done = 0
    while done < len(part):
        count = file.readinto(part.data[done:])
        if not count:
            raise EOFError(f"ends {len(part) - done} bytes early")
        done += count


def _request(location: Location, requests: Sequence[Request]) -> list[Exception | None]:
    paths = [location.path(request.name) for request in requests]
    starts, ends = [request.start for request in requests], [request.end for request in requests]
    answers = location.filesystem.cat_ranges(paths, starts, ends, on_error="return")
    return [answer if isinstance(answer, Exception) else _copy(answer, request) for answer, request in zip(answers, requests, strict=True)]


def _copy(answer: bytes, request: Request) -> EOFError | None:
    if len(answer) != request.size:
        return EOFError(f"{len(answer)} bytes came where {request.size} were asked for")
    start = 0
    for part in request.parts:
        part[:] = np.frombuffer(answer, np.uint8, len(part), start)
        start += len(part)
    return None
