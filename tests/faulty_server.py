"""A server on loopback that fails now and then, in front of one that does not."""

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

HANG, IMPATIENCE = 1.0, 0.3  # s that a request hangs, and that clients of the tests wait
XML = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>made up</Message></Error>'
)
REFUSALS = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "unavailable": (503, "ServiceUnavailable"),
    "expired": (400, "ExpiredToken"),
    "denied": (403, "AccessDenied"),
    "ended": (404, "NoSuchUpload"),
}
KINDS = ("500", "503", "unavailable", "expired", "timeout", "reset", "lost", "truncated")


class FaultyServer:
    """Forwards to the server at ``port``; ``share`` of the requests fail in one of the ways of ``kinds``.

    "lost" does what was asked for and loses the answer; "truncated" sends half of an answer's body.

    Attributes
    ----------
    failed
        How many requests failed, by (kind, method).
    asked
        "GET /bucket/name" of each request, with its headers.
    watch
        Called with each request that writes, before it is answered.
    """

    def __init__(self, port: int) -> None:
        self.upstream, self.share = port, 0.0
        self.kinds: tuple[str, ...] = ()
        self.only = ""
        self.failed: Counter[tuple[str, str]] = Counter()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.watch: Callable[[str], None] = lambda _: None
        self._random, self._lock = random.Random(0), threading.Lock()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"faults": self})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, *kinds: str, share: float = 0.1, seed: int = 0, only: str = "") -> None:
        """Fail in these ways from now on, of the requests with ``only`` in their address; in none, not at all."""
        self.kinds, self.share, self._random, self.only = (
            kinds,
            share if kinds else 0.0,
            random.Random(seed),
            only,
        )
        self.failed.clear()
        self.asked.clear()

    @property
    def requests(self) -> list[str]:
        return [request for request, _ in self.asked]

    def draw(self, method: str, path: str, headers: dict[str, str]) -> str:
        """How a request fails; "" where it does not."""
        with self._lock:
            self.asked.append((f"{method} {path}", headers))
            if method != "GET" and method != "HEAD":
                self.watch(f"{method} {path}")
            if self.only not in path or self._random.random() >= self.share:
                return ""
            kind = self._random.choice(self.kinds)
            self.failed[kind, method] += 1
            return kind


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: FaultyServer

    def _answer(self) -> None:
        fault = self.faults.draw(
            self.command, self.path, {name.lower(): value for name, value in self.headers.items()}
        )
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the client has died: nothing is stored
            self.close_connection = True
        elif fault in REFUSALS:
            self._refuse(*REFUSALS[fault])
        elif fault == "timeout":
            time.sleep(HANG)
            self.close_connection = True
        elif fault == "reset":
            self._reset()
        else:
            self._forward(body, fault)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815

    def _forward(self, body: bytes, fault: str) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.faults.upstream, timeout=60)
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
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in answer.getheaders()}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "truncated" else content)
        if fault == "truncated":
            self.wfile.flush()
            self.close_connection = True

    def _refuse(self, status: int, code: str) -> None:
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
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""
