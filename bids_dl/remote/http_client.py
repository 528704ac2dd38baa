"""HTTP requests that never read more than was asked for: whole files, byte ranges, documents.

One client serves all threads of a process. It runs on an event loop of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp

from bids_dl.remote.http_answers import (
    PARTIAL_STATUS,
    ExpectedRange,
    RateCheck,
    WrongContentError,
    check_range,
    check_status,
)
from bids_dl.remote.retry import (
    RETRY_TIMEOUT_SECONDS,
    backoff_delays,
    is_transient,
    is_wrong_address,
)

T = TypeVar("T")

CONNECT_SECONDS = 20.0
STALL_SECONDS = 30.0  # without a byte
SLOW_SECONDS = 60.0  # period over which a download must reach its lowest rate
MAX_REDIRECTS = 10
MAX_CONNECTIONS_PER_HOST = 16
MAX_RETRY_AFTER_SECONDS = 120.0  # a server that asks for more is not waited for
MIN_PROGRESS_BYTES = 1 << 16  # after which the tries of a download are counted anew
READ_BYTES = 1 << 18  # at a time
REDIRECT_STATUS = {301, 302, 303, 307, 308}

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
    _answering_hosts: set[str] = field(default_factory=set, init=False, repr=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)
    _session: Any = field(default=None, init=False, repr=False)  # aiohttp.ClientSession
    _start_lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancel all requests and close all connections. The client cannot be used again."""
        self._closed.set()
        with self._start_lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._shut_down(), loop).result()
            loop.call_soon_threadsafe(loop.stop)

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
        up soon.
        """
        start = time.monotonic()
        delays = backoff_delays(self.retry_timeout)
        known = received()
        while True:
            try:
                return self._run(request())
            except Exception as error:
                if not is_transient(error):
                    raise
                if received() >= known + MIN_PROGRESS_BYTES:
                    delays = backoff_delays(self.retry_timeout)
                    known = received()
                delay = next(delays, None)
                wait = max(delay or 0.0, getattr(error, "retry_after", 0.0))
                if delay is None or wait > MAX_RETRY_AFTER_SECONDS:
                    raise
                seconds = time.monotonic() - start + wait
                is_known = urlsplit(url).netloc in self._answering_hosts
                if not is_known and is_wrong_address(error, seconds):
                    raise
            if self._closed.wait(wait):
                raise ConnectionAbortedError("the client is closed")

    def _run(self, request: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop of this client, and wait for its result."""
        with self._start_lock:
            if self._closed.is_set():
                request.close()
                raise ConnectionAbortedError("the client is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run_loop, args=(self._loop,), daemon=True).start()
            # under the lock, so that `close` cancels it
            future = asyncio.run_coroutine_threadsafe(request, self._loop)
        try:
            return future.result()
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            raise ConnectionAbortedError("the client is closed") from None
        except BaseException:
            future.cancel()
            raise

    async def _shut_down(self) -> None:
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit_per_host=MAX_CONNECTIONS_PER_HOST),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=self.stall_seconds
                ),
                trust_env=True,
                auto_decompress=False,
                headers={
                    "User-Agent": f"bids-dl/{version('bids_dl')}",
                    "Accept-Encoding": "identity",
                },
            )
        session: aiohttp.ClientSession = self._session
        return session

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        body: bytes | None = None,
    ) -> T:
        """Make a request, follow redirects, and return what ``use`` makes of the answer.

        Redirects are followed here, because tokens must not reach another host.
        """
        session = await self._open_session()
        for _ in range(MAX_REDIRECTS):
            parts = urlsplit(url)
            host_headers = self.headers_by_host.get(parts.netloc, {})
            async with session.request(
                method,
                url,
                headers={**headers, **host_headers},
                data=body,
                allow_redirects=False,
            ) as response:
                self._answering_hosts.add(parts.netloc)
                if response.status not in REDIRECT_STATUS or "Location" not in response.headers:
                    return await use(response)
                url = urljoin(url, response.headers["Location"])
                if urlsplit(url).scheme not in ("http", "https"):
                    raise WrongContentError(f"a redirect leads to {urlsplit(url).scheme}:")
        raise WrongContentError(f"more than {MAX_REDIRECTS} redirects")

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
            return await self._read_at_most(response, max_bytes)

        return await self._request(method, url, headers, read, body)

    async def _range(self, url: str, expected: ExpectedRange) -> bytes:
        async def read(response: aiohttp.ClientResponse) -> bytes:
            await check_status(response)
            check_range(response, expected)
            size = (expected.stop or 0) - expected.start
            content = await self._read_at_most(response, size)
            if len(content) < size:
                raise ConnectionResetError(f"{len(content)} of {size} bytes arrived")
            return content

        stop = expected.stop or 0
        headers = {"Range": f"bytes={expected.start}-{stop - 1}"}
        return await self._request("GET", url, headers, read)

    async def _read_at_most(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        """Read a body, and no further than one byte more than is accepted."""
        pieces = []
        n_bytes = 0
        clock = RateCheck(self.slow_seconds)
        while piece := await response.content.read(min(READ_BYTES, max_bytes + 1 - n_bytes)):
            pieces.append(piece)
            n_bytes += len(piece)
            clock.add(len(piece))
            if n_bytes > max_bytes:
                raise WrongContentError(f"the answer has more than {max_bytes} bytes")
        return b"".join(pieces)

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
        await self._request("GET", url, headers, receive)

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


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


def _ignore(_: int) -> None:
    """Report nothing."""
