"""Real recordings for the tests: the sample that ships with the package, and the shared data folder where there is one."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch is imported: the tests run several at a time

import pytest

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
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Done]:
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
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people; blocks of 10 s, eyes open, closed, open, closed, with two impulses in each."""
    return make_dataset(tmp_path_factory.mktemp("synthetic") / "syn", n_subjects=2).root
