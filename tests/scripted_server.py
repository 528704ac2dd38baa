"""A web server on loopback whose answers are scripted, to show what clients make of each fault."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web
from loopback_application import LoopbackApplication

ENDLESS_PIECE = b"x" * 10_000


class ScriptedServer(LoopbackApplication):
    """Serves one content below `url`, at the path of a fault: ``/ok``, ``/short``, ``/endless``.

    Attributes
    ----------
    url
        URL of the server.
    requests
        "GET /path" and the headers of each request.
    n_bytes
        Bytes that were sent, by path.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.n_bytes: Counter[str] = Counter()
        self.remaining_failures = 0
        self.target = ""  # of redirects

    def make_application(self) -> web.Application:
        """Return the application."""
        application = web.Application()
        application.router.add_route("*", "/{fault:.*}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = request.match_info["fault"]
        self.requests.append((f"{request.method} {request.path}", dict(request.headers)))
        name = fault.replace("-", "_").split("/")[0]
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | None
        handler = getattr(self, f"_answer_{name}", None)
        if handler is None:
            return web.Response(status=404)
        return await handler(request)

    def _slice(self, request: web.Request) -> tuple[int, int]:
        text = request.headers.get("Range", "")
        if not text:
            return 0, len(self.content)
        first, _, last = text.removeprefix("bytes=").partition("-")
        return int(first), min(int(last) + 1 if last else len(self.content), len(self.content))

    async def _send(self, request: web.Request, body: bytes, **options: object) -> web.Response:
        self.n_bytes[request.path] += len(body)
        return web.Response(body=body, **options)  # type: ignore[arg-type]

    async def _answer_ok(self, request: web.Request) -> web.Response:
        start, stop = self._slice(request)
        if "Range" not in request.headers:
            return await self._send(request, self.content)
        content_range = f"bytes {start}-{stop - 1}/{len(self.content)}"
        return await self._send(
            request, self.content[start:stop], status=206, headers={"Content-Range": content_range}
        )

    async def _answer_no_ranges(self, request: web.Request) -> web.Response:
        return await self._send(request, self.content)

    async def _answer_wrong_range(self, request: web.Request) -> web.Response:
        start, stop = self._slice(request)
        content_range = f"bytes {start + 1}-{stop}/{len(self.content)}"
        return await self._send(
            request, self.content[start:stop], status=206, headers={"Content-Range": content_range}
        )

    async def _answer_other_size(self, request: web.Request) -> web.Response:
        start, stop = self._slice(request)
        content_range = f"bytes {start}-{stop - 1}/{len(self.content) + 7}"
        return await self._send(
            request, self.content[start:stop], status=206, headers={"Content-Range": content_range}
        )

    async def _answer_flipped(self, request: web.Request) -> web.Response:
        flipped = bytes([self.content[0] ^ 1]) + self.content[1:]
        return await self._send(request, flipped)

    async def _answer_page(self, request: web.Request) -> web.Response:
        return await self._send(request, b"<!doctype html><p>Sign in</p>", content_type="text/html")

    async def _answer_denied(self, request: web.Request) -> web.Response:
        return await self._send(request, b"<Error>AccessDenied</Error>", status=403)

    async def _answer_busy(self, request: web.Request) -> web.Response:
        if self.remaining_failures:
            self.remaining_failures -= 1
            return web.Response(status=429, headers={"Retry-After": "1"})
        return await self._answer_ok(request)

    async def _answer_busy_for_hours(self, _: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "7200"})

    async def _answer_redirect(self, _: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": self.target})

    async def _stream(self, request: web.Request, length: int | None) -> web.StreamResponse:
        response = web.StreamResponse()
        if length is not None:
            response.content_length = length
        await response.prepare(request)
        return response

    async def _answer_short(self, request: web.Request) -> web.StreamResponse:
        """Close the connection in the middle, each time a little later."""
        start, stop = self._slice(request)
        status = 206 if "Range" in request.headers else 200
        response = web.StreamResponse(status=status)
        response.content_length = stop - start
        if status == 206:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(self.content)}"
        await response.prepare(request)
        piece = self.content[start : start + len(self.content) // 4]
        self.n_bytes[request.path] += len(piece)
        await response.write(piece)
        if request.transport is not None and start + len(piece) < stop:
            await asyncio.sleep(0.05)
            request.transport.close()
        return response

    async def _answer_endless(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request, None)
        while True:
            self.n_bytes[request.path] += len(ENDLESS_PIECE)
            await response.write(ENDLESS_PIECE)
            await asyncio.sleep(0)

    async def _answer_slow(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request, len(self.content))
        for i in range(len(self.content)):
            await response.write(self.content[i : i + 1])
            await asyncio.sleep(0.1)
        return response

    async def _answer_silent(self, request: web.Request) -> web.StreamResponse:
        response = await self._stream(request, len(self.content))
        await asyncio.sleep(30)
        return response
