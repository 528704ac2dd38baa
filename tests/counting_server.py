"""A web server on loopback that serves a folder, with byte ranges, and counts requests."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Self

from aiohttp import web


class CountingServer:
    """Serves the files below a folder.

    Attributes
    ----------
    url
        URL of the folder.
    requests
        Path of each request.
    bytes_sent, signal_bytes_sent
        Bytes of all answers, and of those that hold objects of ``signals``.
    """

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.bytes_sent = 0
        self.signal_bytes_sent = 0
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def reset(self) -> None:
        """Count from zero."""
        self.requests.clear()
        self.bytes_sent = 0
        self.signal_bytes_sent = 0

    def signal_requests(self) -> list[str]:
        """Return the requests for objects of ``signals``."""
        return [path for path in self.requests if "/signals/" in path]

    async def answer(self, request, handler):
        """Answer a request with a file."""
        return await handler(request)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self) -> None:
        @web.middleware
        async def count_request(request, handler):
            self.requests.append(request.path)
            return await self.answer(request, handler)

        async def count_bytes(request, response):
            self.bytes_sent += response.content_length or 0
            if "/signals/" in request.path:
                self.signal_bytes_sent += response.content_length or 0

        application = web.Application(middlewares=[count_request])
        application.on_response_prepare.append(count_bytes)
        application.router.add_static("/", self._folder)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
