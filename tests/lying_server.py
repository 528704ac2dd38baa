"""A web server on loopback that serves a folder, and lies or stalls for some of its files."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from aiohttp import web
from counting_server import CountingServer

FILE_BYTES = 1_000_000  # as the server says
ENDLESS_PIECE = b"x" * 1_000_000


class LyingServer(CountingServer):
    """Serves the files below a folder. Requests whose path contains `only` are answered by `fault`.

    ``"endless"`` sends the range that was asked for, and more without end; ``"unannounced"`` sends
    bytes without end and states no size; ``"drip"`` sends a byte each 0.05 s; ``"silent"`` sends
    headers alone; ``"mute"`` sends nothing; ``"other_range"`` sends the bytes after those that were
    asked for.

    Attributes
    ----------
    n_lies
        Number of requests that were answered by a fault.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fault = ""
        self.only = "/signals/"
        self.n_lies = 0

    def lie(self, fault: str, *, only: str = "/signals/") -> None:
        """Answer by a fault from now on; "" serves files again."""
        self.reset()
        self.fault = fault
        self.only = only
        self.n_lies = 0

    async def answer(self, request, handler):
        """Answer a request with a file or by the fault."""
        if not self.fault or self.only not in request.path:
            return await handler(request)
        self.n_lies += 1
        if self.fault == "mute":
            await asyncio.sleep(60)
        start, stop = _requested_range(request)
        if self.fault == "other_range":
            start, stop = start + 8, stop + 8
        size = stop - start
        response = web.StreamResponse(status=206 if "Range" in request.headers else 200)
        if self.fault != "unannounced":
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{FILE_BYTES}"
        if self.fault not in ("endless", "unannounced"):
            response.content_length = size
        with suppress(ConnectionError):  # the client has seen enough
            await response.prepare(request)
            await self._send(response, size)
        return response

    async def _send(self, response: web.StreamResponse, size: int) -> None:
        if self.fault == "other_range":
            await response.write(b"x" * size)
            return
        while self.fault == "drip":
            await response.write(b"x")
            await asyncio.sleep(0.05)
        while self.fault in ("endless", "unannounced"):
            self.bytes_sent += len(ENDLESS_PIECE)
            await response.write(ENDLESS_PIECE)
        await asyncio.sleep(60)


def _requested_range(request: web.Request) -> tuple[int, int]:
    """Return the range that a request asks for, of a file of `FILE_BYTES`."""
    first, _, last = request.headers.get("Range", "").removeprefix("bytes=").partition("-")
    if not first:
        return FILE_BYTES - int(last or 100), FILE_BYTES
    return int(first), int(last) + 1 if last else int(first) + 100
