"""Objects behind http and https: whole ones, byte ranges, several at once, and no more than that.

Each function makes one try; retries are up to the caller.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from bids_dl.errors import StoreError
from bids_dl.remote.http.http_answers import (
    ERROR_STATUS,
    PARTIAL_STATUS,
    STALL_SECONDS,
    WrongContentError,
    check_status,
    parse_content_range,
)
from bids_dl.remote.http.http_connections import HttpConnections
from bids_dl.remote.http.object_requests import check_found, read_range, read_whole
from bids_dl.remote.http.plain_ranges import ObjectRequest, PlainRanges
from bids_dl.remote.retry import OUT_OF_RANGE_STATUS, SERVER_ERROR_STATUS, TRANSIENT_STATUS
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import aiohttp

MAX_CONNECTIONS = 64  # to a host, so that requests overlap
MAX_KNOWN_REQUESTS = 4096  # of shards, made once for all their ranges

REQUEST_OPTIONS = {"ssl", "proxy", "proxy_auth"}  # arguments of aiohttp's requests
SUPPORTED_OPTIONS = {"headers", "auth", "cookies", "client_kwargs", *REQUEST_OPTIONS}
CLIENT_OPTIONS = {"headers", "auth", "cookies", "timeout", "trust_env"}
IGNORED_OPTIONS = {
    *("asynchronous", "block_size", "cache_options", "cache_type", "encoded", "get_client"),
    *("listings_expiry_time", "loop", "max_paths", "same_scheme", "simple_links", "size_policy"),
    *("skip_instance_cache", "use_listings_cache"),
}
"""Options of fsspec's http file system that do not affect reading."""


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Storage options of an http location.

    Attributes
    ----------
    headers
        Host, and the headers that are sent to it alone: names and values.
    stall_seconds
        Seconds without a byte until a request fails, and period in s over which a body must arrive
        at `http_answers.MIN_BYTES_PER_SECOND`.
    trust_environment
        Use passwords of ``.netrc`` (``trust_env`` of aiohttp). Proxies of the environment are used
        in all cases.
    request_options
        Further arguments of aiohttp's requests: names and values.
    """

    headers: tuple[str, tuple[tuple[str, str], ...]] = field(default=("", ()), repr=False)
    stall_seconds: float = STALL_SECONDS
    trust_environment: bool = False
    request_options: tuple[tuple[str, Any], ...] = field(default=(), repr=False)

    def connections(self) -> HttpConnections:
        """Return the connections of this process with these options."""
        key = os.getpid(), self
        if key not in CONNECTIONS:
            host, headers = self.headers
            opened = HttpConnections(
                {host: dict(headers)} if headers else {},
                stall_seconds=self.stall_seconds,
                slow_seconds=self.stall_seconds,
                max_per_host=MAX_CONNECTIONS,
                trust_environment=self.trust_environment or bool(getproxies()),
                request_options=dict(self.request_options),
            )
            CONNECTIONS.setdefault(key, opened)  # another thread may have opened some
        return CONNECTIONS[key]


CONNECTIONS: dict[tuple[int, WebOptions], HttpConnections] = {}
"""Connections by process and options. A process opens its own, which all locations share."""


def parse_options(url: str, storage_options: Mapping[str, Any]) -> WebOptions:
    """Parse the storage options of an http location.

    Parameters
    ----------
    url
        URL of the location.
    storage_options
        ``headers``, ``auth`` (user and password), ``cookies``, ``ssl``, ``proxy`` and
        ``proxy_auth``, as in aiohttp. ``client_kwargs`` may hold the first three, and ``timeout``.

    Raises
    ------
    StoreError
        An option is unknown or has another type.

    Examples
    --------
    >>> parse_options("https://host/a", {"headers": {"Authorization": "Bearer x"}}).headers
    ('host', (('Authorization', 'Bearer x'),))
    """
    client_options = _as_mapping(url, "client_kwargs", storage_options.get("client_kwargs"))
    unknown = storage_options.keys() - SUPPORTED_OPTIONS - IGNORED_OPTIONS
    unknown |= client_options.keys() - CLIENT_OPTIONS
    if unknown:
        raise StoreError(
            f"{url}: unknown storage option {join_names(sorted(unknown))} for http(s); "
            f"use {join_names(sorted(SUPPORTED_OPTIONS))}"
        )
    headers: dict[str, str] = {}
    for options in (client_options, storage_options):
        headers |= _headers(url, options)
    request_options = []
    for name in sorted(REQUEST_OPTIONS & storage_options.keys()):
        request_options.append((name, storage_options[name]))
    return WebOptions(
        headers=(urlsplit(url).netloc, tuple(sorted(headers.items()))) if headers else ("", ()),
        stall_seconds=_stall_seconds(url, client_options.get("timeout")),
        trust_environment=bool(client_options.get("trust_env", False)),
        request_options=tuple(request_options),
    )


def _as_mapping(url: str, name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise StoreError(f"{url}: the storage option {name} must be a mapping")  # may be secret
    return dict(value)


def _headers(url: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of some options; ``auth`` and ``cookies`` are headers too."""
    headers = {}
    for name, value in _as_mapping(url, "headers", options.get("headers")).items():
        headers[str(name)] = str(value)
    cookies = _as_mapping(url, "cookies", options.get("cookies"))
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    auth = options.get("auth")
    if auth is not None:
        if isinstance(auth, str) or len(auth) not in (2, 3):  # the third of aiohttp is the encoding
            raise StoreError(f"{url}: the storage option auth must be a user and a password")
        encoded = base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
        headers["Authorization"] = f"Basic {encoded}"
    return headers


def _stall_seconds(url: str, timeout: Any) -> float:
    """Return the seconds without a byte of a timeout: a number, or that of aiohttp."""
    import aiohttp

    if isinstance(timeout, aiohttp.ClientTimeout):
        timeout = timeout.sock_read or timeout.total
    if timeout is None:
        return STALL_SECONDS
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not is_number or not 0 < timeout < float("inf"):
        raise StoreError(f"{url}: the timeout must be a number of seconds above 0, got {timeout!r}")
    return float(timeout)


@dataclass(frozen=True, slots=True)
class WebObjects:
    """Objects below a URL. Each method makes one try, because callers retry."""

    url: str
    options: WebOptions

    @property
    def is_anonymous(self) -> bool:
        """True if requests have no credentials."""
        has_query = "?" in self.url  # which may be a signature
        return not (self.options.headers[1] or self.options.trust_environment or has_query)

    @property
    def read_only(self) -> str:
        """Reason why nothing can be written, and what to do."""
        return "http(s) URLs are read-only; write to a folder or a bucket"

    def read_object(self, url: str, start: int | None, stop: int | None, max_bytes: int) -> bytes:
        """Read an object, or its bytes from ``start`` to ``stop``, as far as it has them.

        Parameters
        ----------
        start
            First byte. A negative number counts from the end.
        max_bytes
            Size of the largest whole object that is accepted.

        Raises
        ------
        FileNotFoundError
            The object does not exist.
        OSError
            The object is larger than ``max_bytes`` (EFBIG), or the server cannot be reached.
        HttpStatusError, WrongContentError, aiohttp.ClientError
            The server refuses the request or answers with something else.
        """
        connections = self.options.connections()
        if start is None and stop is None:
            return connections.run(read_whole(connections, url, max_bytes))
        return connections.run(read_range(connections, url, start or 0, stop))

    def read_ranges(self, ranges: Sequence[tuple[str, int, int | None]]) -> list[bytes | Exception]:
        """Read byte ranges concurrently: URL, ``start`` and ``stop`` of each, as for `read_object`.

        Returns
        -------
        list
            The bytes of each range, as far as the object has them, or the exception it failed with.
        """
        connections = self.options.connections()

        async def read_all() -> list[bytes | BaseException]:
            requests = [read_range(connections, *byte_range) for byte_range in ranges]
            return await asyncio.gather(*requests, return_exceptions=True)

        contents: list[bytes | Exception] = []
        for content in connections.run(read_all()):
            if isinstance(content, BaseException) and not isinstance(content, Exception):
                raise content
            contents.append(content)
        return contents

    def plain_ranges(self) -> PlainRanges | None:
        """Return the client for ranges of many objects. None if proxies or options prevent it."""
        options = self.options
        if options.trust_environment or options.request_options or getproxies():
            return None
        host, headers = options.headers
        is_own = host == urlsplit(self.url).netloc
        requested = dict(headers) if is_own else {}

        @functools.lru_cache(MAX_KNOWN_REQUESTS)
        def request_of(path: str) -> ObjectRequest | None:
            return ObjectRequest.of_url(path, requested)

        return PlainRanges(request_of, options.stall_seconds, describes_errors=True)

    def exists(self, url: str) -> bool:
        """Return whether an object exists and may be read. Errors are those of `read_object`."""
        connections = self.options.connections()

        async def check(response: aiohttp.ClientResponse) -> bool:
            status = response.status
            if status >= SERVER_ERROR_STATUS or status in TRANSIENT_STATUS:
                await check_status(response)
            return status < ERROR_STATUS or status == OUT_OF_RANGE_STATUS

        # the first byte, because some servers do not answer HEAD
        headers = {"Range": "bytes=0-0"}
        return connections.run(connections.request("GET", url, check, headers=headers))

    def size(self, url: str) -> int:
        """Return the bytes of an object. Errors are those of `read_object`."""
        connections = self.options.connections()

        async def read(response: aiohttp.ClientResponse) -> int:
            if response.status == OUT_OF_RANGE_STATUS:
                return 0
            await check_found(response, url)
            text = response.headers.get("Content-Range", "")
            total = response.content_length
            if response.status == PARTIAL_STATUS:
                _, _, total = parse_content_range(text)
            if total is None:
                raise WrongContentError("the server does not state the size of the file")
            return total

        headers = {"Range": "bytes=0-0"}
        return connections.run(connections.request("GET", url, read, headers=headers))

    def entries(self) -> Mapping[str, Mapping[str, Any]]:
        """Refuse to list objects, which http cannot.

        Raises
        ------
        StoreError
            Always.
        """
        raise StoreError(f"{self.url}: {self.read_only}")

    def pinned_url(self) -> str:
        """Return the URL, which has no versions."""
        return self.url
