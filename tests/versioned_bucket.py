"""A bucket with versions on loopback, as OpenNeuro's answers: ranges, versionId, 403 if absent."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from loopback_application import LoopbackApplication

PIECE_BYTES = 16_384  # that a slow answer sends at once


class VersionedBucket(LoopbackApplication):
    """Serves objects by path and version, and counts what it sends.

    Attributes
    ----------
    url
        URL of the bucket.
    requests
        Path of each request, decoded.
    n_bytes
        Bytes that were sent, by path.
    damaged
        Paths whose first byte is flipped on the way.
    absent
        Paths that are answered as if they did not exist.
    delay
        Seconds to wait before each answer.
    bytes_per_second
        Rate of each answer; 0 for no limit.
    """

    def __init__(self, name: str = "openneuro.org") -> None:
        super().__init__(f"/{name}")
        self.name = name
        self.requests: list[str] = []
        self.n_bytes: Counter[str] = Counter()
        self.damaged: set[str] = set()
        self.absent: set[str] = set()
        self.delay = 0.0
        self.bytes_per_second = 0
        self._objects: dict[str, dict[str, bytes]] = {}
        self._numbers = itertools.count(1)

    def publish(self, path: str, content: bytes) -> str:
        """Store an object and return its version."""
        version = f"v{next(self._numbers)}/+"
        self._objects.setdefault(path, {})[version] = content
        return version

    def paths(self) -> list[str]:
        """List the paths of all objects."""
        return sorted(self._objects)

    def remove(self, path: str) -> None:
        """Remove the newest version of an object, as a later export does; versions stay."""
        self._objects[path]["newest is deleted"] = b""
        self.absent.add(path)

    def reset(self) -> None:
        """Count from zero."""
        self.requests.clear()
        self.n_bytes.clear()

    def make_application(self) -> web.Application:
        """Return the application."""
        application = web.Application()
        application.router.add_get(f"/{self.name}/{{path:.+}}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = unquote(request.match_info["path"])
        self.requests.append(path)
        if self.delay:
            await asyncio.sleep(self.delay)
        versions = self._objects.get(path, {})
        version = request.query.get("versionId", "")
        content = versions.get(version) if version else None
        if not version and versions and path not in self.absent:
            content = list(versions.values())[-1]
        if content is None:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if path in self.damaged and content:
            content = bytes([content[0] ^ 1]) + content[1:]
        return await self._slice(request, path, content)

    async def _slice(self, request: web.Request, path: str, content: bytes) -> web.StreamResponse:
        text = request.headers.get("Range", "")
        if not text:
            return await self._send(request, path, content)
        first, _, last = text.removeprefix("bytes=").partition("-")
        start = int(first)
        stop = min(int(last) + 1 if last else len(content), len(content))
        if start >= len(content):
            return web.Response(status=416)
        headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(content)}"}
        return await self._send(request, path, content[start:stop], status=206, headers=headers)

    async def _send(
        self, request: web.Request, path: str, body: bytes, **options: Any
    ) -> web.StreamResponse:
        """Send a body, at once or at the rate of this bucket."""
        if not self.bytes_per_second:
            self.n_bytes[path] += len(body)
            return web.Response(body=body, **options)
        response = web.StreamResponse(**options)
        response.content_length = len(body)
        await response.prepare(request)
        for start in range(0, len(body), PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            await response.write(piece)
            self.n_bytes[path] += len(piece)
            await asyncio.sleep(len(piece) / self.bytes_per_second)
        return response
