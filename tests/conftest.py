"""Fixtures: real recordings, their store, the command line, and an S3 server on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch is imported: tests run in parallel

import hypothesis
import pytest
from conversions import convert
from faulty_server import CLIENT_TIMEOUT, FaultyServer

import bids_dl
from bids_dl.cli import main
from bids_dl.testing import make_dataset

hypothesis.settings.register_profile(
    "suite",
    deadline=None,  # the machine may do other work
    derandomize="CI" in os.environ,  # new examples are looked for by developers, not by a merge
)
hypothesis.settings.load_profile("suite")

SAMPLE = Path(bids_dl.__file__).parent / "sample" / "ds004362"
SHARED = Path(__file__).parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """Let processes that the tests start be interrupted, even if the tests run in the background.

    A shell starts background commands with SIGINT ignored, and processes inherit that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep cached headers of recordings out of the cache of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIDS_DL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def eegbci() -> Path:
    """The sample of the package: four people, 24 channels at 160 Hz.

    Each has a minute with eyes open (run 1) and a minute with eyes closed (run 2). The first three
    also have two minutes of imagined movement of the left or right fist (run 4).
    """
    return SAMPLE


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of more real data beside the repository. The test is skipped without it."""
    if not SHARED.is_dir():
        pytest.skip("no shared data folder beside the repository")
    return SHARED


@pytest.fixture
def eegbci_copy(eegbci: Path, tmp_path: Path) -> Path:
    """Copy of the sample, which a test may change or break."""
    return Path(shutil.copytree(eegbci, tmp_path / "ds004362"))


@pytest.fixture(scope="session")
def eyes_store(eegbci: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store of the sample: 240 windows (24, 256) at 128 Hz, eyes_open and eyes_closed."""
    store = tmp_path_factory.mktemp("stores") / "eyes.zarr"
    convert(eegbci, store)
    return store


@pytest.fixture(autouse=True)
def empty_memory() -> Iterator[None]:
    """Delete the files that a test wrote to `memory://`, which one process shares."""
    yield
    if memory := sys.modules.get("fsspec.implementations.memory"):
        memory.MemoryFileSystem.store.clear()
        memory.MemoryFileSystem.pseudo_dirs[:] = [""]


@dataclass(frozen=True)
class CommandResult:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, parsed as JSON."""
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """The output in one line, whatever the width of the terminal."""
        return " ".join(self.out.split())


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., CommandResult]:
    """Function that runs `bids-dl` in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    monkeypatch.delenv("COLUMNS", raising=False)  # which a parallel run of the tests sets

    def run(*arguments: str | Path) -> CommandResult:
        monkeypatch.setattr(sys, "argv", ["bids-dl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_info:
            main()
        return CommandResult(int(exit_info.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def moto() -> Iterator[int]:
    """Port of an S3 server on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture(scope="module")
def faulty(moto: int) -> Iterator[FaultyServer]:
    """Server in front of the S3 server, which fails on demand."""
    with FaultyServer(moto) as server:
        yield server


@pytest.fixture
def client_timeout() -> float:
    """Seconds that clients of the bucket wait for a byte; see `faulty_server.impatient`."""
    return CLIENT_TIMEOUT


@pytest.fixture
def s3(faulty: FaultyServer, client_timeout: float) -> dict[str, Any]:
    """Options of s3fs for the empty bucket ``s3://bucket`` behind the faulty server."""
    import fsspec

    faulty.fail()
    faulty.on_write = lambda _: None
    options = {
        "key": "testing",
        "secret": "testing",
        # Public, so that the same objects can be read over HTTP.
        "s3_additional_kwargs": {"ACL": "public-read"},
        "config_kwargs": {"read_timeout": client_timeout, "connect_timeout": client_timeout},
        "client_kwargs": {"endpoint_url": faulty.url},
    }
    bucket = fsspec.filesystem("s3", **options)
    bucket.makedirs("s3://bucket", exist_ok=True)
    if objects := bucket.find("s3://bucket"):
        bucket.rm(objects)
    bucket.clear_multipart_uploads("bucket")
    faulty.fail()
    return options


@pytest.fixture
def options(s3: dict[str, Any]) -> dict[str, Any]:
    """Storage options of bids_dl for the same bucket, with short waits before a retry."""
    return s3 | {"retry_timeout": 0.3}


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with blocks of 10 s, eyes open and closed in turn, two impulses in each."""
    return make_dataset(tmp_path_factory.mktemp("synthetic") / "syn", n_subjects=2).root
