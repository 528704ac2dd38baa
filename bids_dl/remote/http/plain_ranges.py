"""Requests for byte ranges over plain connections. Neighbouring ranges are one request.

Whatever is unusual, such as a redirect, is left to the general client. Each range has one try.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.http.connection_pool import ConnectionPool
from bids_dl.remote.http.object_requests import range_header, stop_to_request
from bids_dl.remote.http.open_ranges import OpenRanges, RangeRun
from bids_dl.remote.http.plain_answer import UnusualAnswerError
from bids_dl.remote.http.plain_connection import WebServer

MAX_RUN_BYTES = 8_000_000  # of one request, because its ranges are received one after the other
KNOWN_REQUESTS = 256  # objects
MAX_UNUSUAL = 8  # answers in a row, after which the general client makes all requests

PORTS = {"http": 80, "https": 443}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # characters that no header may contain
SAFE = "/%:@!$&'()*+,;=-._~"  # characters of a path that stay as they are
BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")  # that quotes no character


class ObjectRequest(NamedTuple):
    """Request of an object.

    Attributes
    ----------
    server
        Server.
    target
        Path and query of the object, quoted.
    headers
        Names and values.
    """

    server: WebServer
    target: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of_url(cls, url: str, headers: Mapping[str, str]) -> ObjectRequest | None:
        """Return the request of a URL, None if only the general client understands it.

        Parameters
        ----------
        headers
            Further headers.

        Examples
        --------
        >>> ObjectRequest.of_url("http://host/a b", {}).target
        '/a%20b'
        >>> ObjectRequest.of_url("http://user:password@host/a", {}) is None
        True
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or "@" in parts.netloc or not parts.hostname:
            return None
        all_headers = {"Host": parts.netloc, **_own_headers(), **headers}
        if not all(f"{name}{value}".isascii() for name, value in all_headers.items()):
            return None
        if any(CONTROL.search(f"{name}{value}") for name, value in all_headers.items()):
            return None
        try:
            port = parts.port or PORTS[parts.scheme]
        except ValueError:
            return None
        target = quote(parts.path or "/", safe=SAFE)
        if parts.query:
            target += f"?{quote(parts.query, safe=SAFE + '?')}"
        target = BARE_PERCENT.sub("%25", target)
        return cls(
            WebServer(parts.scheme, parts.hostname, port), target, tuple(all_headers.items())
        )

    def encode(self, start: int, stop: int | None) -> bytes:
        r"""Return the request of a byte range, as it is sent.

        Examples
        --------
        >>> request = ObjectRequest(WebServer("http", "host", 80), "/a", (("Host", "host"),))
        >>> request.encode(2, 5)
        b'GET /a HTTP/1.1\r\nHost: host\r\nRange: bytes=2-4\r\n\r\n'
        """
        [(name, value)] = range_header(start, stop).items()
        return _beginning(self) + f"{name}: {value}\r\n\r\n".encode("latin-1")


@functools.lru_cache(maxsize=KNOWN_REQUESTS)
def _beginning(request: ObjectRequest) -> bytes:
    """Return the lines of a request that are the same for all ranges of its object."""
    headers = (f"{name}: {value}" for name, value in request.headers)
    lines = [f"GET {request.target} HTTP/1.1", *headers, ""]
    return "\r\n".join(lines).encode("latin-1")


@functools.cache
def _own_headers() -> Mapping[str, str]:
    """Return the headers of all requests."""
    version = metadata.version("bids_dl")  # here, because it takes as long as an import
    return {"User-Agent": f"bids-dl/{version}", "Accept": "*/*", "Accept-Encoding": "identity"}


class PlainRanges:
    """Requests byte ranges of the objects of a location. Any thread may use it.

    It owns the connections. A forked process opens its own.

    Parameters
    ----------
    request_of
        Returns the request of an object by its path. None leaves the object to the general client.
    stall_seconds
        Seconds without a byte until a request fails.
    describes_errors
        Report errors of the server. If False, they are left to the general client too, because
        the body of the answer is needed to tell them apart.
    """

    def __init__(
        self,
        request_of: Callable[[str], ObjectRequest | None],
        stall_seconds: float,
        *,
        describes_errors: bool,
    ) -> None:
        self._stall_seconds = stall_seconds
        self._describes_errors = describes_errors
        self._request_of = request_of
        self._n_unusual = 0  # answers in a row
        self._pools: dict[tuple[int, WebServer], ConnectionPool] = {}  # by process and server

    @property
    def is_usable(self) -> bool:
        """False if the general client makes all requests, because answers were unusual."""
        return self._n_unusual < MAX_UNUSUAL

    @property
    def keeps_connections(self) -> bool:
        """False if the server closes connections after their answers."""
        return not any(pool.is_closed_by_server for pool in self._pools.values())

    def open(
        self,
        ranges: Sequence[ByteRange],
        path_of: Callable[[str], str],
        *,
        is_limited: bool = True,
    ) -> OpenRanges | None:
        """Prepare the requests of ranges, to be sent now or later, and received in order.

        Parameters
        ----------
        path_of
            Returns the path of an object by its name.
        is_limited
            Wait for the connections of other ranges.

        Returns
        -------
        OpenRanges or None
            None leaves all ranges to the general client.
        """
        if not self.is_usable:
            return None
        runs: list[RangeRun] = []
        servers: set[WebServer] = set()
        for run in neighbours(ranges):
            request = self._request_of(path_of(run[0].name))
            start = run[0].start
            stop = run[-1].end
            if request is None or (start < 0 and stop is not None):
                return None
            servers.add(request.server)
            stop = stop_to_request(start, stop)
            runs.append(RangeRun(run, request.encode(start, stop), start, stop))
        if len(servers) != 1:
            return None
        return OpenRanges(
            self._pool_of(servers.pop()),
            runs,
            describes_errors=self._describes_errors,
            on_answer=self._count,
            is_limited=is_limited,
        )

    def _pool_of(self, server: WebServer) -> ConnectionPool:
        """Return the connections of this process to a server."""
        key = os.getpid(), server
        if key not in self._pools:
            # another thread may have made one
            self._pools.setdefault(key, ConnectionPool(server, self._stall_seconds))
        return self._pools[key]

    def _count(self, unusual: UnusualAnswerError | None) -> None:
        self._n_unusual = 0 if unusual is None else self._n_unusual + 1


def neighbours(ranges: Sequence[ByteRange]) -> Iterator[list[ByteRange]]:
    """Yield ranges in order, those together that follow each other in an object.

    Examples
    --------
    >>> ranges = [ByteRange("c/0", 0, 5), ByteRange("c/0", 5, 9), ByteRange("c/1", 14, 2)]
    >>> [len(run) for run in neighbours(ranges)]
    [2, 1]
    """
    run: list[ByteRange] = []
    for byte_range in ranges:
        if run:
            is_next = byte_range.name == run[-1].name and byte_range.start == run[-1].end
            size = byte_range.start + byte_range.size - run[0].start
            if not (is_next and run[0].start >= 0 and size <= MAX_RUN_BYTES):
                yield run
                run = []
        run.append(byte_range)
    if run:
        yield run
