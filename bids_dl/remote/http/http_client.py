"""HTTP requests that never read more than was asked for: whole files, byte ranges, documents.

One client serves all threads of a process. It runs on an event loop of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from bids_dl.remote.http.http_answers import (
    PARTIAL_STATUS,
    READ_BYTES,
    SLOW_SECONDS,
    STALL_SECONDS,
    ExpectedRange,
    RateCheck,
    WrongContentError,
    check_range,
    check_status,
)
from bids_dl.remote.http.http_connections import HttpConnections
from bids_dl.remote.retry import has_stalled_too_long, is_transient, is_wrong_address
from bids_dl.remote.waits import RETRY_TIMEOUT_SECONDS, backoff_delays

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

MAX_RETRY_AFTER_SECONDS = 120.0  # a server that asks for more is not waited for
MIN_PROGRESS_BYTES = 1 << 16  # after which the tries of a download are counted anew

OnBytes = Callable[[int], None]
"""Called with the number of bytes that were received since the last call."""


@dataclass
class HttpClient:
    """Requests over http and https, with retries.

    Proxies and certificates are taken from the usual environment variables (``HTTPS_PROXY``,
    ``NO_PROXY``, ``SSL_CERT_FILE``). No body is decompressed, so that sizes are those of the file.

    Parameters
    ----------
    headers_by_host
        Headers that are sent to one host only, such as tokens, by ``host`` or ``host:port``. They
        are not sent to the host of a redirect.
    retry_timeout
        Seconds to wait between the tries of a request, all waits together.
    stall_seconds
        Seconds without a byte until a request fails.
    slow_seconds
        Period in s over which a body must arrive at `http_answers.MIN_BYTES_PER_SECOND`.

    Examples
    --------
    >>> with HttpClient(retry_timeout=0) as client:
    ...     client.get("http://127.0.0.1:9/nothing", max_bytes=100)
    Traceback (most recent call last):
    ...
    aiohttp.client_exceptions.ClientConnectorError: ...
    """

    headers_by_host: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    retry_timeout: float = RETRY_TIMEOUT_SECONDS
    stall_seconds: float = STALL_SECONDS
    slow_seconds: float = SLOW_SECONDS

    def __post_init__(self) -> None:
        self._connections = HttpConnections(
            self.headers_by_host,
            stall_seconds=self.stall_seconds,
            slow_seconds=self.slow_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancel all requests and close all connections. The client cannot be used again."""
        self._connections.close()

    def get(self, url: str, *, max_bytes: int, headers: Mapping[str, str] | None = None) -> bytes:
        """Request a document.

        Parameters
        ----------
        max_bytes
            Size of the largest document that is accepted.

        Raises
        ------
        HttpStatusError
            The server reports a failure.
        WrongContentError
            The document is larger than ``max_bytes``.
        OSError, aiohttp.ClientError
            The server cannot be reached.
        """
        return self._retry(url, lambda: self._document("GET", url, max_bytes, headers or {}, None))

    def post_json(
        self, url: str, content: Any, *, max_bytes: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Send a JSON document and return the answer. Errors are those of `get`."""
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        body = json.dumps(content).encode()
        return self._retry(url, lambda: self._document("POST", url, max_bytes, all_headers, body))

    def read_range(self, url: str, start: int, stop: int, *, total: int | None = None) -> bytes:
        """Request the bytes of a file from ``start`` to ``stop``.

        Parameters
        ----------
        total
            Size of the whole file; None if it is not known.

        Raises
        ------
        WrongContentError
            The server sends other bytes: it ignores ranges, or the file has another size.
        HttpStatusError, OSError, aiohttp.ClientError
            As for `get`.
        """
        expected = ExpectedRange(start, stop, total)
        return self._retry(url, lambda: self._range(url, expected))

    def download(
        self, url: str, part: Path, *, size: int | None, on_bytes: OnBytes | None = None
    ) -> None:
        """Download a file, continuing after the bytes that ``part`` already has.

        Parameters
        ----------
        part
            File to append to.
        size
            Size of the whole file; None if it is not known.

        Raises
        ------
        WrongContentError
            The server sends more or fewer bytes than ``size``.
        HttpStatusError, OSError, aiohttp.ClientError
            As for `get`, or the file cannot be written.
        """
        report = on_bytes or _ignore
        self._retry(
            url, lambda: self._download(url, part, size, report), received=lambda: _size_of(part)
        )

    def _retry(
        self,
        url: str,
        request: Callable[[], Coroutine[Any, Any, T]],
        received: Callable[[], int] = lambda: 0,
    ) -> T:
        """Make a request, and retry transient failures with backoff.

        The tries are counted anew whenever ``received`` bytes grow by `MIN_PROGRESS_BYTES`, so
        that a large file needs no connection that lasts. A server that has never answered is given
        up soon, and one that stalls is given up after `retry.MAX_STALL_SECONDS`.
        """
        start = time.monotonic()
        progress = start
        delays = backoff_delays(self.retry_timeout)
        known = received()
        while True:
            try:
                return self._connections.run(request())
            except Exception as error:
                if not is_transient(error):
                    raise
                if received() >= known + MIN_PROGRESS_BYTES:
                    delays = backoff_delays(self.retry_timeout)
                    known = received()
                    progress = time.monotonic()
                if has_stalled_too_long(error, time.monotonic() - progress):
                    raise
                delay = next(delays, None)
                wait = max(delay or 0.0, getattr(error, "retry_after", 0.0))
                if delay is None or wait > MAX_RETRY_AFTER_SECONDS:
                    raise
                seconds = time.monotonic() - start + wait
                is_known = urlsplit(url).netloc in self._connections.answering_hosts
                if not is_known and is_wrong_address(error, seconds):
                    raise
            if self._connections.is_closed.wait(wait):
                raise ConnectionAbortedError("the client is closed")

    async def _document(
        self,
        method: str,
        url: str,
        max_bytes: int,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> bytes:
        async def read(response: aiohttp.ClientResponse) -> bytes:
            await check_status(response)
            return await self._connections.read_at_most(response, max_bytes)

        return await self._connections.request(method, url, read, headers=headers, body=body)

    async def _range(self, url: str, expected: ExpectedRange) -> bytes:
        async def read(response: aiohttp.ClientResponse) -> bytes:
            await check_status(response)
            check_range(response, expected)
            size = (expected.stop or 0) - expected.start
            content = await self._connections.read_at_most(response, size)
            if len(content) < size:
                raise ConnectionResetError(f"{len(content)} of {size} bytes arrived")
            return content

        stop = expected.stop or 0
        headers = {"Range": f"bytes={expected.start}-{stop - 1}"}
        return await self._connections.request("GET", url, read, headers=headers)

    async def _download(self, url: str, part: Path, size: int | None, on_bytes: OnBytes) -> None:
        start = _size_of(part)
        if size is not None and start >= size:
            return

        async def receive(response: aiohttp.ClientResponse) -> None:
            await check_status(response)
            position = start
            if response.status != PARTIAL_STATUS:
                position = 0  # the server sends the whole file
            else:
                check_range(response, ExpectedRange(start, None, size))
            length = response.content_length
            if size is not None and length is not None and position + length != size:
                raise WrongContentError(
                    f"the file has {size} bytes, the server has {position + length}"
                )
            await self._append(response, part, position, size, on_bytes)

        headers = {"Range": f"bytes={start}-"} if start else {}
        await self._connections.request("GET", url, receive, headers=headers)

    async def _append(
        self,
        response: aiohttp.ClientResponse,
        part: Path,
        position: int,
        size: int | None,
        on_bytes: OnBytes,
    ) -> None:
        """Write a body into a file from a position, and no byte beyond its size."""
        clock = RateCheck(self.slow_seconds)
        with part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(position)
            file.seek(position)
            async for piece in response.content.iter_chunked(READ_BYTES):
                position += len(piece)
                if size is not None and position > size:
                    raise WrongContentError(f"the answer has more than {size} bytes")
                file.write(piece)
                clock.add(len(piece))
                on_bytes(len(piece))
        if size is not None and position < size:
            raise ConnectionResetError(f"{position} of {size} bytes arrived")


def _size_of(file: Path) -> int:
    """Return the size of a file in bytes, 0 if it does not exist."""
    return file.stat().st_size if file.exists() else 0


def _ignore(_: int) -> None:
    """Report nothing."""
