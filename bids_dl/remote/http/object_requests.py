"""Requests for one object behind http: the whole of it, or a byte range, and no more than that."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from bids_dl.remote.http.http_answers import (
    PARTIAL_STATUS,
    HttpStatusError,
    NoRangesError,
    WrongContentError,
    check_available_range,
    check_status,
)
from bids_dl.remote.http.http_connections import HttpConnections

if TYPE_CHECKING:
    import aiohttp

MAX_OBJECT_BYTES = 256_000_000  # of an object that is read whole
MAX_UNANNOUNCED_BYTES = 32_000_000  # of one whose size the server does not state
MISSING_STATUS = {404, 410}


async def read_whole(
    connections: HttpConnections, url: str, max_bytes: int, *, name: str = ""
) -> bytes:
    """Read a whole object.

    Parameters
    ----------
    max_bytes
        Size of the largest object that is accepted.
    name
        Address of the object for errors, "" for the URL.

    Raises
    ------
    FileNotFoundError
        The object does not exist.
    OSError
        The object is larger than ``max_bytes`` (EFBIG), or the server cannot be reached.
    HttpStatusError, WrongContentError, aiohttp.ClientError
        The server refuses the request or answers with something else.
    """

    async def read(response: aiohttp.ClientResponse) -> bytes:
        await check_found(response, name or url)
        return await read_body(connections, response, max_bytes, name or url)

    return await connections.request("GET", url, read)


async def read_body(
    connections: HttpConnections, response: aiohttp.ClientResponse, max_bytes: int, name: str
) -> bytes:
    """Read the body of an answer that is a whole object. Errors are those of `read_whole`."""
    is_announced = response.content_length is not None
    limit = max_bytes if is_announced else min(max_bytes, MAX_UNANNOUNCED_BYTES)
    try:
        return await connections.read_at_most(response, limit)
    except WrongContentError:
        raise OSError(errno.EFBIG, f"has more than {limit} bytes", name) from None


async def read_range(
    connections: HttpConnections, url: str, start: int, stop: int | None, *, name: str = ""
) -> bytes:
    """Read the bytes of an object from ``start`` to ``stop``, as far as it has them.

    Parameters
    ----------
    start
        First byte. A negative number counts from the end.
    name
        Address of the object for errors, "" for the URL.

    Raises
    ------
    FileNotFoundError, OSError, HttpStatusError, WrongContentError, aiohttp.ClientError
        As for `read_whole`.
    """
    if start == stop:
        return b""
    to_request = stop_to_request(start, stop)

    async def read(response: aiohttp.ClientResponse) -> bytes:
        await check_found(response, name or url)
        return await read_part(connections, response, start, to_request)

    headers = range_header(start, to_request)
    content = await connections.request("GET", url, read, headers=headers)
    return cut(content, start, stop)


async def read_part(
    connections: HttpConnections, response: aiohttp.ClientResponse, start: int, stop: int | None
) -> bytes:
    """Read the body of an answer to a range. Errors are those of `read_range`."""
    size = _size_of_range(response, start, stop)
    content = await connections.read_at_most(response, size)
    if len(content) < size:
        raise ConnectionResetError(f"{len(content)} of {size} bytes arrived")
    return content


def stop_to_request(start: int, stop: int | None) -> int | None:
    """Return the stop of a range to request: a server counts from the end to the end only."""
    return None if start < 0 else stop


def range_header(start: int, stop: int | None) -> dict[str, str]:
    """Return the header that requests a range.

    Examples
    --------
    >>> range_header(2, 5), range_header(-8, None)
    ({'Range': 'bytes=2-4'}, {'Range': 'bytes=-8'})
    """
    if start < 0:
        return {"Range": f"bytes={start}"}
    return {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"}


def cut(content: bytes, start: int, stop: int | None) -> bytes:
    """Return the requested bytes of an answer that may go on to the end of the object."""
    if start < 0 and stop is not None:
        return content[: max(0, len(content) + stop)]
    return content


def _size_of_range(response: aiohttp.ClientResponse, start: int, stop: int | None) -> int:
    """Return the bytes of an answer to a range, which may also be a whole object of that size.

    Raises
    ------
    WrongContentError
        The answer holds other bytes.
    """
    if response.status == PARTIAL_STATUS:
        size = check_available_range(response.headers.get("Content-Range", ""), start, stop)
        if response.content_length not in (None, size):
            raise WrongContentError(f"{response.content_length} bytes for a range of {size} bytes")
        if stop is None and size > MAX_OBJECT_BYTES:
            raise WrongContentError(f"{size} bytes to the end of the file")
        return size
    size = response.content_length or 0
    is_whole_object = (start < 0 and size == -start) or (start == 0 and size == stop)
    if not is_whole_object or size == 0:
        raise NoRangesError("the server ignores byte ranges and sends the whole file")
    return size


async def check_found(response: aiohttp.ClientResponse, url: str) -> None:
    """Raise the error that the status of an answer reports."""
    if response.status in MISSING_STATUS:
        raise FileNotFoundError(errno.ENOENT, "does not exist", url)
    await check_status(response)
    if response.status not in (200, PARTIAL_STATUS):
        raise HttpStatusError(response.status)  # such as 204, which has no content
