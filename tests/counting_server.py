"""A web server on loopback that answers ranges of the files below a folder, and counts."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Self

from aiohttp import web


class CountingServer:
    """Serves ``folder``; `asked` holds the path of every request, `sent` the bytes of all answers."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.sent = 0
        self._folder, self._loop, self._ready = folder, asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def forget(self) -> None:
        self.asked.clear()
        self.sent = 0

    def of_signals(self) -> list[str]:
        """The requests for signals."""
        return [path for path in self.asked if "/signals/" in path]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self) -> None:
        @web.middleware
        async def count(request, handler):
            self.asked.append(request.path)
            return await handler(request)

        async def counted(_, response):
            self.sent += response.content_length or 0

        application = web.Application(middlewares=[count])
        application.on_response_prepare.append(counted)
        application.router.add_static("/", self._folder)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
