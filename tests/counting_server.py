"""A web server on loopback that serves a folder, with byte ranges, and counts requests."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from loopback_application import LoopbackApplication


class CountingServer(LoopbackApplication):
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
        super().__init__()
        self.requests: list[str] = []
        self.bytes_sent = 0
        self.signal_bytes_sent = 0
        self._folder = folder

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

    def make_application(self) -> web.Application:
        """Return the application."""

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
        return application
