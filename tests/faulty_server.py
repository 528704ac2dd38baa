"""A server on loopback that fails at random, in front of one that does not."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

HANG_SECONDS = 30.0  # of a request that times out
CLIENT_TIMEOUT = 60.0  # s that clients wait for a byte: a busy machine may answer late
SHORT_CLIENT_TIMEOUT = 0.3  # s, where requests are to time out
XML = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>made up</Message></Error>'
)
ERROR_ANSWERS = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "unavailable": (503, "ServiceUnavailable"),
    "expired": (400, "ExpiredToken"),
    "denied": (403, "AccessDenied"),
    "aborted": (404, "NoSuchUpload"),
}
TRANSIENT_FAULTS = (
    "500",
    "503",
    "unavailable",
    "expired",
    "timeout",
    "reset",
    "lost",
    "truncated",
)
DROPPED_HEADERS = {"transfer-encoding", "connection", "date", "server"}

impatient = pytest.mark.parametrize("client_timeout", [SHORT_CLIENT_TIMEOUT], ids=["impatient"])
"""Mark of a test whose requests are to time out."""


class FaultyServer:
    """Forwards requests to the server at ``port``; a share of them fails.

    The fault "lost" executes the request and loses the answer; "truncated" sends half of the
    answer's body.

    Attributes
    ----------
    failed
        Number of failed requests by (fault, method).
    log
        "GET /bucket/name" and the headers of each request.
    on_write
        Called with each request that writes, before it is answered.
    only
        Part of the address of requests that may fail.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.share = 0.0
        self.faults: tuple[str, ...] = ()
        self.only = ""
        self.failed: Counter[tuple[str, str]] = Counter()
        self.log: list[tuple[str, dict[str, str]]] = []
        self.on_write: Callable[[str], None] = lambda _: None
        self._random = random.Random(0)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"faulty": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, *faults: str, share: float = 0.1, seed: int = 0, only: str = "") -> None:
        """Fail from now on with these faults, and clear the log; without faults, never fail."""
        self.faults = faults
        self.share = share if faults else 0.0
        self.only = only
        self._random = random.Random(seed)
        self.failed.clear()
        self.log.clear()

    @property
    def requests(self) -> list[str]:
        """Requests since the last `fail`, as "GET /bucket/name"."""
        return [request for request, _ in self.log]

    def draw_fault(self, method: str, path: str, headers: dict[str, str]) -> str:
        """Log a request and draw its fault, "" if it does not fail."""
        with self._lock:
            self.log.append((f"{method} {path}", headers))
            if method not in ("GET", "HEAD"):
                self.on_write(f"{method} {path}")
            if self.only not in path or self._random.random() >= self.share:
                return ""
            fault = self._random.choice(self.faults)
            self.failed[fault, method] += 1
            return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faulty: FaultyServer

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.faulty.draw_fault(self.command, self.path, headers)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the client has died: nothing is stored
            self.close_connection = True
        elif fault in ERROR_ANSWERS:
            self._send_error(*ERROR_ANSWERS[fault])
        elif fault == "timeout":
            time.sleep(HANG_SECONDS)
            self.close_connection = True
        elif fault == "reset":
            self._reset()
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _forward(self, body: bytes, fault: str) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.faulty.port, timeout=60)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if fault == "lost" or (fault == "truncated" and len(content) < 2):
            self._reset()
            return
        self.send_response(answer.status)
        names = set()
        for name, value in answer.getheaders():
            names.add(name.lower())
            if name.lower() not in DROPPED_HEADERS:
                self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "truncated" else content)
        if fault == "truncated":
            self.wfile.flush()
            self.close_connection = True

    def _send_error(self, status: int, code: str) -> None:
        content = XML.format(code).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        """Close the connection, which the client may have closed already."""
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def handle_one_request(self) -> None:
        """Handle one request of a client that may disappear meanwhile."""
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing."""
