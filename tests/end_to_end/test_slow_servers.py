"""Servers that send without end, too slowly or other bytes: one line, bounded time and memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import small_store
from lying_server import ENDLESS_PIECE, LyingServer
from small_store import SmallStore

from bids_dl.errors import BidsDlError, StoreError
from bids_dl.store import open_store
from bids_dl.stream import StreamingDataset
from bids_dl.verification import verify

SMALL = SmallStore()
SECONDS = 0.2  # without a byte, or with too few
OPTIONS = {"client_kwargs": {"timeout": SECONDS}, "retry_timeout": 0}
MAX_SECONDS = 20.0  # of 7 tries that stall, on a busy machine


def verify_strictly(url: str) -> None:
    """Verify a store, and raise for a damage."""
    for damage in verify(url, storage_options=OPTIONS).damages:
        raise StoreError(f"{url}: {damage}")


READ = {
    "info": lambda url: open_store(url, storage_options=OPTIONS).nbytes,
    "verify": verify_strictly,
    "stream": lambda url: list(StreamingDataset(url, batch_size=8, storage_options=OPTIONS)),
}
LIED_ABOUT = {"info": "manifest", "verify": "/signals/", "stream": "/signals/"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LyingServer]:
    folder = tmp_path_factory.mktemp("served")
    small_store.write(folder / "small.zarr", SMALL)
    with LyingServer(folder) as started:
        yield started


@pytest.mark.parametrize("fault", ["endless", "unannounced", "drip", "silent", "mute"])
@pytest.mark.parametrize("command", READ)
def test_a_server_that_does_not_send_what_was_asked_for_is_one_line(server, command, fault):
    server.lie(fault, only=LIED_ABOUT[command])
    start = time.monotonic()
    with pytest.raises(BidsDlError) as refusal:
        READ[command](f"{server.url}/small.zarr")
    assert time.monotonic() - start < MAX_SECONDS
    assert str(refusal.value).startswith(f"{server.url}/small.zarr: ")
    assert "\n" not in str(refusal.value)
    assert server.n_lies > 0


@pytest.mark.parametrize("fault", ["endless", "unannounced"])
def test_an_endless_answer_to_a_range_is_not_read_on(server, fault):
    server.lie(fault)
    with pytest.raises(BidsDlError):
        READ["stream"](f"{server.url}/small.zarr")
    # what the system buffers is sent, but not read
    assert server.bytes_sent < server.n_lies * 20 * len(ENDLESS_PIECE)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("drip", r"the server sends too slowly \(\d+ bytes in \d+ s\)"),
        ("other_range", r"the server sends something else .*asked for bytes [-\d]+, got bytes"),
        ("unannounced", "the server sends something else|the server ignores byte ranges"),
    ],
)
def test_the_message_says_what_the_server_does(server, fault, message):
    server.lie(fault)
    with pytest.raises(StoreError, match=message):
        READ["stream"](f"{server.url}/small.zarr")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource is for POSIX")
def test_an_endless_answer_takes_no_memory(server):
    server.lie("endless")
    script = (
        "import resource, bids_dl\n"
        "from bids_dl.errors import StoreError\n"
        f"stream = bids_dl.StreamingDataset({server.url + '/small.zarr'!r}, batch_size=8,\n"
        f"    storage_options={OPTIONS!r})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    list(stream)\n"
        "except StoreError:\n"
        "    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print(after - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    growth = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert growth < 100_000_000


SCRIPTS = {
    "stream": "for batch in bids_dl.StreamingDataset(url, batch_size=8): pass",
    "normalized": (
        "for batch in bids_dl.StreamingDataset(url, batch_size=8, normalize='window'): pass"
    ),
    "windows": "bids_dl.open_store(url)[0:40]",
    "table": "bids_dl.open_store(url).table",
    "verify": "bids_dl.verify(url)",
    "info": "bids_dl.open_store(url)",
}
SLOW_PATHS = {"table": "/label/", "info": "zarr.json"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is for POSIX")
@pytest.mark.parametrize("fault", ["drip", "mute"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_ctrl_c_ends_whatever_waits_for_a_server_within_two_seconds(server, tmp_path, name, fault):
    server.lie(fault, only=SLOW_PATHS.get(name, "/signals/"))
    script = tmp_path / "script.py"
    url = f"{server.url}/small.zarr"
    script.write_text(f"import bids_dl\nurl = {url!r}\n{SCRIPTS[name]}\n")
    process = subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, text=True, env=_environment()
    )
    try:
        _wait_until(lambda: server.n_lies > 0)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        _, errors = process.communicate(timeout=30)
        seconds = time.monotonic() - start
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert "Unclosed" not in errors
    assert seconds < 2


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(small_store.writer.__file__).parents[2])}


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()
