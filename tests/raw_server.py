"""A web server on loopback that sends raw bytes, as no library for servers would."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

CONTENT = bytes(range(256)) * 20
RANGE = re.compile(rb"range: bytes=(\d+)-(\d+)", re.IGNORECASE)

Answer = Callable[[int, int], Iterator[bytes]]
"""Yields what is sent for a range, given its first byte and the first byte after its last."""


class RawServer:
    """Sends an answer to each request, and closes the connection after it if told to.

    Attributes
    ----------
    url
        URL of the server.
    requests
        Head of each request.
    n_connections
        Number of connections.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        host: str = "127.0.0.1",
        closes: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._answer = answer
        self._closes = closes
        self._tls = tls
        self._sockets: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        name = f"[{host}]" if ":" in host else host
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://{name}:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.n_connections = 0

    @property
    def n_requests(self) -> int:
        return len(self.requests)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.disconnect()

    def disconnect(self) -> None:
        """Close all connections."""
        while self._sockets:
            opened = self._sockets.pop()
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.n_connections += 1
                self._sockets.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while request := _read_request(connection):
                    self.requests.append(request)
                    limits = RANGE.search(request)
                    start, stop = (0, 0) if limits is None else (int(limits[1]), int(limits[2]) + 1)
                    for piece in self._answer(start, stop):
                        connection.sendall(piece)
                    if self._closes:
                        return


def head(start: int, stop: int, *lines: str, size: int | None = None, first: int = -1) -> bytes:
    """Return the head of an answer; ``size`` and ``first`` are those that it states wrongly."""
    first = start if first < 0 else first
    content_range = f"Content-Range: bytes {first}-{first + stop - start - 1}/{len(CONTENT)}"
    length = f"Content-Length: {stop - start if size is None else size}"
    return "\r\n".join(
        ["HTTP/1.1 206 Partial Content", length, content_range, *lines, "", ""]
    ).encode("latin-1")


def answer(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop) + CONTENT[start:stop]


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        piece = connection.recv(4096)
        if not piece:
            return b""
        request += piece
    return request


def drip(content: bytes, seconds: float) -> Iterator[bytes]:
    """Yield one byte after the other, with a pause before each."""
    for i in range(len(content)):
        time.sleep(seconds)
        yield content[i : i + 1]
