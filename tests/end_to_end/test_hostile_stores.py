"""Stores of strangers: each command ends in one line, within seconds and in bounded memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_stores import KINDS

import bids_dl
from bids_dl.cli.show_store import print_info
from bids_dl.errors import BidsDlError
from bids_dl.models.checkpoint import ModelCard, save_checkpoint
from bids_dl.models.target import TargetSpec

MAX_SECONDS = 10.0
MAX_BYTES = 1e9
HARMLESS = {"folders in a circle"}  # they are ignored

Command = Callable[[Path, Path], object]


def info(store: Path) -> None:
    """Describe a store as the command does."""
    print_info(bids_dl.info(store))
    repr(bids_dl.open_store(store))


COMMANDS: dict[str, Command] = {
    "info": lambda store, _: info(store),
    "verify": lambda store, _: bids_dl.verify(store),
    "report": lambda store, run: bids_dl.report(store, output=run.with_name("page.html")),
    "stream": lambda store, _: list(bids_dl.StreamingDataset(store, batch_size=64)),
    "predict": lambda store, run: bids_dl.predict(store, run_dir=run),
}


def run_command(name: str, store: Path, run: Path) -> str:
    """Run a command, and return its error, "" if it succeeds."""
    start = time.monotonic()
    try:
        COMMANDS[name](store, run)
    except BidsDlError as error:
        message = str(error)
    else:
        message = ""
    assert time.monotonic() - start < MAX_SECONDS
    assert "\n" not in message
    assert len(message) < 1000
    return message


def write_run(run: Path, store: Path) -> Path:
    """Write a run folder whose model fits a store."""
    opened = bids_dl.open_store(store)
    card = ModelCard(
        model="shallow-fbcsp",
        channels=opened.channels,
        n_times=opened.shape[2],
        sfreq=opened.sfreq,
        target=TargetSpec("label", "classes", ("label",), ("eyes_open", "eyes_closed")),
    )
    run.mkdir()
    save_checkpoint(card.build(), card, run / "weights.safetensors")
    fold = {"train": [["ds004362", "001"]], "validation": [], "weights": "weights.safetensors"}
    (run / "folds.json").write_text(json.dumps([fold]))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory, eyes_store) -> Path:
    """A run folder whose model fits the sample."""
    return write_run(tmp_path_factory.mktemp("runs") / "run", eyes_store)


def change_copy(kind: str, good: Path, store: Path) -> Path:
    """Copy a good store and make it hostile."""
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(good, store)
    KINDS[kind](store)
    return store


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_store_is_refused_in_one_line(kind, eyes_store, run, tmp_path):
    store = change_copy(kind, eyes_store, tmp_path / "a.zarr")
    messages = [run_command(name, store, run) for name in COMMANDS if name != "verify"]
    try:
        is_found = bids_dl.verify(store).exit_status == 1
    except BidsDlError:
        is_found = True
    assert is_found or kind in HARMLESS
    assert is_found or not any(messages)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_no_hostile_store_takes_more_than_a_gigabyte(eyes_store, tmp_path):
    write_run(tmp_path / "run", eyes_store)
    code = (
        "import sys, resource; from pathlib import Path; from test_hostile_stores import *\n"
        "good, folder = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "for name in COMMANDS:\n"  # imports everything that the commands need
        "    run_command(name, good, folder / 'run')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "for kind in KINDS:\n"
        "    store = change_copy(kind, good, folder / 'a.zarr')\n"
        "    for name in COMMANDS:\n"
        "        run_command(name, store, folder / 'run')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", code, eyes_store, tmp_path],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    before, after = (int(line) for line in done.stdout.splitlines() if line.isdecimal())
    assert (after - before) * 1024 < MAX_BYTES
