"""Real recordings for the tests: the sample that ships with the package, and the shared data folder where there is one."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before PyTorch is imported: the tests run several at a time

import pytest
from faulty_server import IMPATIENCE, FaultyServer

import bids_dl
from bids_dl.cli import main
from bids_dl.testing import make_dataset

SAMPLE = Path(bids_dl.__file__).parent / "sample" / "ds004362"
SHARED = Path(__file__).parents[2] / "shared" / "data"
QUERIES = {"eyes_open": "Eyes-open", "eyes_closed": "Eyes-closed"}


@pytest.fixture(scope="session")
def eegbci() -> Path:
    """Four people, a minute with eyes open (run 1) and one with eyes closed (run 2) each, 24 channels at 160 Hz."""
    return SAMPLE


@pytest.fixture(scope="session")
def shared() -> Path:
    """More real data, kept beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("no shared data folder beside the repository")
    return SHARED


@pytest.fixture
def eegbci_copy(eegbci: Path, tmp_path: Path) -> Path:
    """The sample, to be changed or broken by a test."""
    return Path(shutil.copytree(eegbci, tmp_path / "ds004362"))


@pytest.fixture(scope="session")
def eyes_store(eegbci: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Store of the sample: 240 windows (24, 256) at 128 Hz of four people, eyes_open and eyes_closed."""
    store = tmp_path_factory.mktemp("stores") / "eyes.zarr"
    bids_dl.convert(str(eegbci), str(store), hed=QUERIES, window=2, stride=2, jobs=2)
    return store


@dataclass(frozen=True)
class Done:
    """What a command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """What was printed, in one line whatever the width of the terminal."""
        return " ".join(self.out.split())


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Done]:
    """Runs `bids-dl` in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["bids-dl", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

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
    """In front of the S3 server; fails as a test asks it to."""
    with FaultyServer(moto) as server:
        yield server


@pytest.fixture
def s3(faulty: FaultyServer) -> dict[str, Any]:
    """What s3fs has to know of an empty bucket, ``s3://bucket``, behind the faulty server; its client is impatient."""
    import fsspec

    faulty.fail()
    faulty.watch = lambda _: None
    keys = {"key": "testing", "secret": "testing"}
    public = {
        "s3_additional_kwargs": {"ACL": "public-read"}
    }  # so that the same objects are there behind HTTP
    waits = {"config_kwargs": {"read_timeout": IMPATIENCE, "connect_timeout": 5}}
    given = {**keys, **public, **waits, "client_kwargs": {"endpoint_url": faulty.url}}
    bucket = fsspec.filesystem("s3", **given)
    bucket.makedirs("s3://bucket", exist_ok=True)
    if old := bucket.find("s3://bucket"):
        bucket.rm(old)
    bucket.clear_multipart_uploads("bucket")
    faulty.fail()
    return given


@pytest.fixture
def options(s3: dict[str, Any]) -> dict[str, Any]:
    """Storage options for bids_dl: tries come soon after one another."""
    return s3 | {"patience": 0.3}


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people; blocks of 10 s, eyes open, closed, open, closed, with two impulses in each."""
    return make_dataset(tmp_path_factory.mktemp("synthetic") / "syn", n_subjects=2).root
