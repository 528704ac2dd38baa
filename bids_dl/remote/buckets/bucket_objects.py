"""Objects of a bucket through s3fs: whole ones and byte ranges, and no more than that.

Each function makes one try; retries are up to the caller.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from typing import Any

from bids_dl.remote.cancellation import run_in_loop
from bids_dl.remote.http.http_answers import (
    READ_BYTES,
    SLOW_SECONDS,
    NoRangesError,
    RateCheck,
    WrongContentError,
    check_available_range,
)


def read_object(
    filesystem: Any, path: str, start: int | None, stop: int | None, max_bytes: int
) -> bytes:
    """Read an object, or its bytes from ``start`` to ``stop``, as far as it has them.

    Parameters
    ----------
    filesystem
        An s3fs file system.
    path
        Bucket and key.
    start
        First byte. A negative number counts from the end.
    max_bytes
        Size of the largest object that is accepted.

    Raises
    ------
    OSError
        The object does not exist, is larger than ``max_bytes`` (EFBIG), or cannot be read.
    Exception
        Errors of botocore and aiohttp; `WrongContentError` if the server sends other bytes.
    """
    return bytes(
        run_in_loop(filesystem.loop, _read(filesystem, path, start, stop, max_bytes=max_bytes))
    )


def read_ranges(
    filesystem: Any, ranges: Sequence[tuple[str, int, int | None]]
) -> list[bytearray | Exception]:
    """Read byte ranges concurrently: path, ``start`` and ``stop`` of each, as for `read_object`.

    Returns
    -------
    list
        The bytes of each range, as far as the object has them, or the exception it failed with.
    """

    async def read_all() -> list[bytearray | BaseException]:
        requests = [_read(filesystem, *byte_range) for byte_range in ranges]
        return await asyncio.gather(*requests, return_exceptions=True)

    contents: list[bytearray | Exception] = []
    for content in run_in_loop(filesystem.loop, read_all()):
        if isinstance(content, BaseException) and not isinstance(content, Exception):
            raise content
        contents.append(content)
    return contents


async def _read(
    filesystem: Any, path: str, start: int | None, stop: int | None, *, max_bytes: int | None = None
) -> bytearray:
    is_whole = start is None and stop is None
    first = start or 0
    if not is_whole and first == stop:
        return bytearray()
    # a server counts from the end to the end only
    to_request = None if first < 0 else stop
    bucket, key, version = filesystem.split_path(path)
    options = {} if version is None else {"VersionId": version}
    if not is_whole:
        last = "" if to_request is None else to_request - 1
        options["Range"] = f"bytes={first}" if first < 0 else f"bytes={first}-{last}"
    answer = await filesystem._call_s3("get_object", Bucket=bucket, Key=key, **options)
    try:
        size = answer.get("ContentLength")
        if not is_whole:
            size = _size_of_range(answer, first, to_request)
        elif size is None or (max_bytes is not None and size > max_bytes):
            raise OSError(errno.EFBIG, f"has more than {max_bytes} bytes", path)
        content = await _read_exactly(answer["Body"], size)
    finally:
        answer["Body"].close()
    if first < 0 and stop is not None:
        del content[max(0, len(content) + stop) :]
    return content


def _size_of_range(answer: dict[str, Any], start: int, stop: int | None) -> int:
    """Return the bytes of an answer to a range.

    Raises
    ------
    WrongContentError
        The answer holds other bytes.
    """
    if "ContentRange" not in answer:
        raise NoRangesError("the server ignores byte ranges and sends the whole object")
    size = check_available_range(answer["ContentRange"], start, stop)
    if answer.get("ContentLength") not in (None, size):
        raise WrongContentError(f"{answer['ContentLength']} bytes for a range of {size} bytes")
    return size


async def _read_exactly(body: Any, size: int) -> bytearray:
    """Read a body, and no further than one byte more than its size."""
    content = bytearray()
    clock = RateCheck(SLOW_SECONDS)
    while piece := await body.read(min(READ_BYTES, size + 1 - len(content))):
        content += piece
        clock.add(len(piece))
        if len(content) > size:
            raise WrongContentError(f"the answer has more than {size} bytes")
    if len(content) < size:
        raise ConnectionResetError(f"{len(content)} of {size} bytes arrived")
    return content
