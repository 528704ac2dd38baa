"""A real `bids-dl label` in tests: a process of its own, and a client with its cookie."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from bids_dl.testing import make_dataset

START_SECONDS = 120.0  # on a busy machine
CLASSES = {
    "spike": {"hed": "Epileptiform-interictal-activity, Spike", "key": 1},
    "wave": {"hed": "Epileptiform-interictal-activity, Sharp-wave", "key": 2},
}


@dataclass(frozen=True)
class Reply:
    """Status, headers and body of a response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)


class PageClient:
    """Requests as the page makes them."""

    def __init__(self, port: int, *, annotator: str = "expert-1", tab: str = "tab-1") -> None:
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.annotator, self.tab = annotator, tab
        self.cookie = ""

    def enter(self, url: str) -> Reply:
        """Exchange the token of a printed address for the cookie."""
        parts = urlsplit(url)
        reply = self.request("GET", f"{parts.path}?{parts.query}")
        self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        return reply

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None
    ) -> Reply:
        """Send a request. A header of None is left out."""
        sent: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie or None}
        content = None
        if method == "POST":
            sent |= {"Origin": f"http://{self.host}", "Content-Type": "application/json"}
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if content is not None and "Content-Length" not in sent:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Reply:
        """Read something."""
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any) -> Reply:
        """Change something."""
        return self.request("POST", path, body)

    def ask(self, count: int = 3) -> list[dict[str, Any]]:
        """Return the next questions."""
        reply = self.get("/api/next", annotator=self.annotator, tab=self.tab, count=count)
        items: list[dict[str, Any]] = reply.json["items"]
        return items

    def answer_body(self, item: str, label: str = "background", **fields: Any) -> dict[str, Any]:
        """Return the body of an answer."""
        return {
            "id": str(uuid.uuid4()),
            "annotator": self.annotator,
            "tab": self.tab,
            "item": item,
            "label": label,
            "display": {
                "montage": "recorded",
                "low": 1,
                "high": None,
                "notch": None,
                "sensitivity": 7,
            },
            "ms": 800,
        } | fields

    def mark_body(self, recording: int, onset: float, duration: float, **fields: Any) -> Any:
        """Return the body of a mark."""
        place = {"recording": recording, "onset": onset, "duration": duration, "channels": []}
        mark = place | {name: fields.pop(name) for name in list(fields) if name in place}
        body = self.answer_body("", fields.pop("label", "spike"), mark=mark, **fields)
        del body["item"]
        return body

    def page(self, **changes: Any) -> Reply:
        """Read a page of signals."""
        query = {"recording": 0, "start": 0, "duration": 10, "width": 800, "montage": "recorded"}
        return self.get("/api/page", **(query | changes))


class SpiedSignals:
    """Signals that count what is asked of them."""

    def __init__(self, signals: Any) -> None:
        self.signals = signals
        self.n_headers = 0
        self.n_reads = 0

    def header(self, key: Any) -> Any:
        self.n_headers += 1
        return self.signals.header(key)

    def read(self, key: Any, start: int, stop: int) -> Any:
        self.n_reads += 1
        return self.signals.read(key, start, stop)

    def close(self) -> None:
        self.signals.close()


@dataclass
class ServedPage:
    """A server in a thread of this process, with a client that has entered."""

    server: Any
    labelling: Any
    signals: SpiedSignals
    client: PageClient
    folder: Path
    urls: list[str]
    messages: list[str]

    def another_client(self, **options: Any) -> PageClient:
        """Return a client that has entered by the last address."""
        client = PageClient(self.server.port, **options)
        client.enter(self.urls[-1])
        return client

    @property
    def log_bytes(self) -> int:
        """Size of the log of answers."""
        log = self.folder / "code" / "answers.jsonl"
        return log.stat().st_size if log.exists() else 0


@contextmanager
def served_page(pool: Path, labels: Path, **options: Any) -> Iterator[ServedPage]:
    """Serve the page of a pool by a thread of this process inside the context."""
    from bids_dl.annotate.server import opening
    from bids_dl.annotate.server.serving import PageServer
    from bids_dl.annotate.viewing import StoreSignals
    from bids_dl.config.labelling_parsing import parse_labelling

    config = parse_labelling({"labels": labels, "no_browser": True} | options)
    checked = opening.check_pool(str(pool), config)
    signals = SpiedSignals(StoreSignals(checked.store))
    urls: list[str] = []
    messages: list[str] = []
    with (
        opening.own_folder(checked),
        opening.open_labelling(checked, signals, messages.append) as (labelling, writer),
        PageServer(
            labelling, labels, host=config.host, port=config.port, on_address=urls.append
        ) as server,
    ):
        client = PageClient(server.port)
        client.enter(urls[0])
        yield ServedPage(server, labelling, signals, client, labels, urls, messages)
    writer.finish()


@dataclass
class LabelProcess:
    """A running server."""

    process: subprocess.Popen[str]
    urls: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _lines: Queue[str] = field(default_factory=Queue)

    def next_url(self, seconds: float = START_SECONDS) -> str:
        """Wait for the next printed address."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=0.1)
            except Empty:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"no address was printed: {self.errors}") from None
                continue
            if line.startswith("http://"):
                self.urls.append(line)
                return line

    @property
    def port(self) -> int:
        """Port of the last address."""
        return int(urlsplit(self.urls[-1]).port or 0)

    def client(self, **options: Any) -> PageClient:
        """Return a client that has entered by the next address."""
        client = PageClient(urlsplit(url := self.next_url()).port or 0, **options)
        client.enter(url)
        return client

    def end(self, number: int = signal.SIGINT) -> int:
        """End the server by a signal, and return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(START_SECONDS)

    def follow(self) -> None:
        """Read the output, so that the process never waits for its reader."""
        threading.Thread(target=self._read_output, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read_output(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line.rstrip("\n"))

    def _read_errors(self) -> None:
        for line in self.process.stderr or ():
            self.errors.append(line.rstrip("\n"))


@contextmanager
def label_process(pool: Path, labels: Path, *options: str | Path) -> Iterator[LabelProcess]:
    """Run `bids-dl label` inside the context. It is killed at the end if it still runs."""
    command = [sys.executable, "-m", "bids_dl", "label", pool, "--labels", labels, "--no-browser"]
    process = subprocess.Popen(
        [*map(str, command), *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    running = LabelProcess(process)
    running.follow()
    try:
        yield running
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def write_classes_file(file: Path) -> Path:
    """Write a classes file with spikes and sharp waves."""
    file.write_text(yaml.safe_dump(CLASSES))
    return file


def make_pool(folder: Path, **options: Any) -> tuple[Path, Path]:
    """Make a small dataset and its pool of windows of 1 s, and return both."""
    import bids_dl

    settings = {"n_subjects": 2, "n_blocks": 3, "block_duration": 20, "sfreq": 128} | options
    root = make_dataset(folder / "patients", **settings).root
    pool = folder / "pool.zarr"
    bids_dl.convert(root, pool, whole=True, window=1, scheduler="synchronous")
    return root, pool
