"""A browser without a window, and a server of the page's modules on loopback."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import bids_dl

PAGE = Path(bids_dl.__file__).parent / "annotate" / "page"
FILES = frozenset(str(file.relative_to(PAGE)) for file in PAGE.rglob("*.*"))
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY = "default-src 'self'; frame-ancestors 'none'"


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start Chromium with an empty profile. Without a browser the test is skipped.

    With ``CI=true`` a missing browser is a failure, so that a run there never skips these tests.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _do_without("playwright is not installed")
    with sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        path = path or playwright.chromium.executable_path
        if not Path(path).exists():
            _do_without("no Chromium on this machine")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _do_without(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; CI installs a browser")
    pytest.skip(reason)


@dataclass
class PageServer:
    """Serves the files of the page below ``/static/``, and what a test puts into ``bodies``.

    Attributes
    ----------
    bodies
        Path, without query, to content. The ending of the path tells the type.
    requests
        Paths with queries, in the order of the requests.
    """

    bodies: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def find(self, path: str) -> bytes | None:
        """Return the content of a path. None if nothing is served there."""
        name = path.removeprefix("/static/")
        if path.startswith("/static/") and name in FILES:
            return (PAGE / name).read_bytes()
        return self.bodies.get(path)


@contextmanager
def serve_page(bodies: Mapping[str, bytes]) -> Iterator[PageServer]:
    """Serve the files of the page and some more, with the policy of the real server."""
    page = PageServer(dict(bodies))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page.requests.append(self.path)
            path = self.path.partition("?")[0]
            body = page.find(path)
            self.send_response(200 if body is not None else 404)
            kind = TYPES.get(Path(path).suffix, "application/octet-stream")
            self.send_header("Content-Type", "text/html" if path == "/" else kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    page.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield page
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def open_page(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """Open a page in a context of its own. Errors of its scripts and console fail the test.

    Parameters
    ----------
    browser
        From `open_browser`.
    url
        Address of the page.
    options
        Of the context, such as ``viewport``, ``device_scale_factor`` or ``color_scheme``.
    """
    errors: list[str] = []
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    try:
        page.goto(url)
        yield page
    finally:
        context.close()
    assert not errors
