"""Connections to http servers: bounded answers, limits of time, redirects without credentials.

They run on an event loop in a thread of their own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import weakref
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

from bids_dl.remote.cancellation import wait_for
from bids_dl.remote.http.http_answers import (
    SLOW_SECONDS,
    STALL_SECONDS,
    RateCheck,
    StalledError,
    WrongContentError,
)

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

CONNECT_SECONDS = 20.0
MAX_REDIRECTS = 10
MAX_CONNECTIONS_PER_HOST = 16
CLOSE_SECONDS = 1.0  # until a thread that closes connections is left alone
REDIRECT_STATUS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Redirect:
    """An answer that leads to another address, which may be signed."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass
class HttpConnections:
    """Connections of one process, for all of its threads.

    Proxies and certificates are taken from the usual environment variables (``HTTPS_PROXY``,
    ``NO_PROXY``, ``SSL_CERT_FILE``). No body is decompressed, so that sizes are those of the file.

    Parameters
    ----------
    headers_by_host
        Headers that are sent to one host only, such as tokens, by ``host`` or ``host:port``. They
        are not sent to the host of a redirect.
    stall_seconds
        Seconds without a byte until a request fails.
    slow_seconds
        Period in s over which a body must arrive at `http_answers.MIN_BYTES_PER_SECOND`.
    max_per_host
        Requests to one host at the same time.
    trust_environment
        Use proxies of the environment and passwords of ``.netrc``. Both are looked up for each
        request, which costs as much as the request of a chunk.
    request_options
        Further arguments of aiohttp's ``request``, such as ``ssl``.

    Examples
    --------
    >>> connections = HttpConnections()
    >>> connections.run(asyncio.sleep(0, "done"))
    'done'
    >>> connections.close()
    """

    headers_by_host: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    stall_seconds: float = STALL_SECONDS
    slow_seconds: float = SLOW_SECONDS
    max_per_host: int = MAX_CONNECTIONS_PER_HOST
    trust_environment: bool = True
    request_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    answering_hosts: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        self.is_closed = threading.Event()
        self._start_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sessions: list[aiohttp.ClientSession] = []  # none, or the one of the loop
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(self.max_per_host)
        )

    def close(self) -> None:
        """Cancel all requests and close all connections. They cannot be used again."""
        self.is_closed.set()
        with self._start_lock:
            if self._loop is not None and self._thread is not None:
                _stop(self._loop, os.getpid())
                self._thread.join(CLOSE_SECONDS)
            self._loop = None

    def run(self, request: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop of these connections, and wait for its result.

        Raises
        ------
        ConnectionAbortedError
            The connections are closed.
        CancelledError
            The `RequestGroup` of this thread was cancelled.
        """
        with self._start_lock:
            if self.is_closed.is_set():
                request.close()
                raise ConnectionAbortedError("the client is closed")
            # under the lock, so that `close` cancels it
            future = asyncio.run_coroutine_threadsafe(request, self._running_loop())
        try:
            return wait_for(future)
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            if self.is_closed.is_set():
                raise ConnectionAbortedError("the client is closed") from None
            raise

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_run_loop, args=(self._loop, self._sessions), daemon=True
            )
            self._thread.start()
            weakref.finalize(self, _stop, self._loop, os.getpid())
        return self._loop

    def _session(self) -> aiohttp.ClientSession:
        import aiohttp  # here, because local stores need none

        if not self._sessions:
            self._sessions.append(
                aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(limit=0),  # `_slots` limit them
                    timeout=aiohttp.ClientTimeout(
                        total=None, sock_connect=CONNECT_SECONDS, sock_read=self.stall_seconds
                    ),
                    trust_env=self.trust_environment,
                    auto_decompress=False,
                    headers={
                        "User-Agent": f"bids-dl/{version('bids_dl')}",
                        "Accept-Encoding": "identity",
                    },
                )
            )
        return self._sessions[0]

    async def request(
        self,
        method: str,
        url: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> T:
        """Make a request, follow redirects, and return what ``use`` makes of the answer.

        Redirects are followed here, because tokens must not reach another host.

        Raises
        ------
        WrongContentError
            The redirects lead to another scheme or do not end.
        StalledError
            The server does not answer.
        OSError, aiohttp.ClientError
            The server cannot be reached.
        """
        for _ in range(MAX_REDIRECTS):
            answer = await self._request_once(method, url, use, headers, body)
            if not isinstance(answer, Redirect):
                return answer
            url = answer.url
        raise WrongContentError(f"more than {MAX_REDIRECTS} redirects")

    async def request_on_host(
        self,
        method: str,
        url: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> T | Redirect:
        """Make a request, and follow redirects on the same host only. Errors are as for `request`.

        Returns
        -------
        object
            What ``use`` makes of the answer, or the redirect to another host.
        """
        host = urlsplit(url).netloc
        for _ in range(MAX_REDIRECTS):
            answer = await self._request_once(method, url, use, headers, None)
            if not isinstance(answer, Redirect) or urlsplit(answer.url).netloc != host:
                return answer
            url = answer.url
        raise WrongContentError(f"more than {MAX_REDIRECTS} redirects")

    async def _request_once(
        self,
        method: str,
        url: str,
        use: Callable[[aiohttp.ClientResponse], Awaitable[T]],
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> T | Redirect:
        """Make a request, and return what ``use`` makes of the answer, unless it is a redirect."""
        host = urlsplit(url).netloc
        all_headers = {**(headers or {}), **self.headers_by_host.get(host, {})}
        async with self._slots[host]:
            response = await self._answer(method, url, all_headers, body)
            async with response:
                self.answering_hosts.add(host)
                if response.status not in REDIRECT_STATUS or "Location" not in response.headers:
                    return await use(response)
                target = urljoin(url, response.headers["Location"])
                if urlsplit(target).scheme not in ("http", "https"):
                    raise WrongContentError(f"a redirect leads to {urlsplit(target).scheme}:")
                return Redirect(target, response.headers.copy())

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> aiohttp.ClientResponse:
        """Make a request and wait for its headers, which may not arrive byte by byte for ever."""
        seconds = CONNECT_SECONDS + self.stall_seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._session().request(
                    method,
                    url,
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    **self.request_options,
                )
        except TimeoutError:
            if limit.expired():
                raise StalledError(f"no answer within {seconds:.0f} s") from None
            raise

    async def read_at_most(self, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        """Read a body, and no further than what has arrived when it exceeds ``max_bytes``.

        Raises
        ------
        WrongContentError
            The body is larger than ``max_bytes``.
        StalledError
            The body arrives too slowly.
        """
        if (response.content_length or 0) > max_bytes:
            raise WrongContentError(f"the answer has more than {max_bytes} bytes")
        pieces = []
        n_bytes = 0
        clock = RateCheck(self.slow_seconds)
        while piece := await response.content.readany():
            pieces.append(piece)
            n_bytes += len(piece)
            if n_bytes > max_bytes:
                raise WrongContentError(f"the answer has more than {max_bytes} bytes")
            clock.add(len(piece))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _run_loop(loop: asyncio.AbstractEventLoop, sessions: list[aiohttp.ClientSession]) -> None:
    """Run a loop until it is stopped, then cancel its tasks and close its connections."""
    asyncio.set_event_loop(loop)
    loop.run_forever()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    for session in sessions:
        loop.run_until_complete(session.close())
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop, process: int) -> None:
    """Stop a loop, unless this process is a fork of the one that runs it."""
    if process == os.getpid() and not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
