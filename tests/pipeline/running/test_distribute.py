"""Recordings on worker processes: crashes, memory, and workers of a Dask scheduler."""

from __future__ import annotations

import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from conversions import KILL_SEEDS, contents, convert, convert_command

from bids_dl.errors import BidsDlError
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.running import distribute
from bids_dl.pipeline.running.distribute import run_on_workers
from bids_dl.pipeline.running.fetch import Fetcher
from bids_dl.testing import make_dataset

KILLED_RECORDING = "sub-004/eeg/sub-004_task-rest_run-1"
KILLER_SCRIPT = """
import os, signal
from bids_dl import source

if not hasattr(source, "original_open_raw"):
    source.original_open_raw = source.open_raw

    def open_raw(dataset, recording, **options):
        if recording.key.endswith(os.environ["KILLED_RECORDING"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return source.original_open_raw(dataset, recording, **options)

    source.open_raw = open_raw
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Ten short recordings."""
    root = tmp_path_factory.mktemp("ten") / "ds000010"
    return make_dataset(root, n_subjects=5, n_runs=2, n_blocks=2, block_duration=6).root


@pytest.fixture(scope="module")
def expected(dataset, tmp_path_factory):
    """Content of the store of the ten recordings, converted without any failure."""
    store = tmp_path_factory.mktemp("expected") / "a.zarr"
    convert(dataset, store)
    return contents(store)


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """Key of a recording that kills each worker which opens it."""
    folder = tmp_path / "at-start"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(KILLER_SCRIPT)  # imported by each new interpreter
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("KILLED_RECORDING", KILLED_RECORDING)
    return f"ds000010/{KILLED_RECORDING}"


@contextmanager
def dask_scheduler(folder, *worker_flags):
    """Start a scheduler with two workers, and yield its address and the processes."""
    from distributed import Client

    scheduler_file = folder / "scheduler.json"
    scheduler_file.unlink(missing_ok=True)
    file_flags = ("--scheduler-file", str(scheduler_file), "--no-dashboard")
    scheduler = ("scheduler", "--host", "127.0.0.1", "--port", "0", *file_flags)
    worker = ("worker", "--nthreads", "1", *file_flags, *worker_flags)
    processes = []
    for arguments in (scheduler, worker, worker):
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        processes.append(process)
    try:
        deadline = time.monotonic() + 60
        while not scheduler_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        address = json.loads(scheduler_file.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_three_of_ten_recordings_fail_and_seven_are_converted_by_each_run(
    dataset, tmp_path, killed, jobs
):
    broken = shutil.copytree(dataset, tmp_path / "ds000010")
    files = sorted(broken.rglob("*_eeg.edf"))
    files[1].write_bytes(files[1].read_bytes()[:300])
    content = files[4].read_bytes()
    files[4].write_bytes(content[:236] + b"junk    " + content[244:])
    command = convert_command(broken, tmp_path / "a.zarr", "--jobs", str(jobs), "--json")
    outcomes = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 3
        outcomes.append(json.loads(done.stdout))
    assert [outcome["n_recordings"] for outcome in outcomes] == [7, 7]
    assert outcomes[0]["failures"] == outcomes[1]["failures"]
    stages = {failure["recording"]: failure["stage"] for failure in outcomes[0]["failures"]}
    assert stages == {
        "ds000010/sub-001/eeg/sub-001_task-rest_run-2": "header",
        "ds000010/sub-003/eeg/sub-003_task-rest_run-1": "header",
        killed: "worker",
    }


@pytest.mark.slow
def test_workers_of_a_scheduler_write_the_same_store_and_survive_a_recording_that_kills_them(
    dataset, expected, tmp_path, killed, monkeypatch
):
    with dask_scheduler(tmp_path) as (address, _):
        for _ in range(2):
            outcome = convert(dataset, tmp_path / "a.zarr", scheduler=address)
            assert [failure.recording for failure in outcome.failures] == [killed]
            assert outcome.n_recordings == 9
    monkeypatch.setenv("KILLED_RECORDING", "none")
    with dask_scheduler(tmp_path) as (address, _):
        outcome = convert(dataset, tmp_path / "a.zarr", scheduler=address, overwrite=True)
        assert (outcome.exit_status, outcome.reused) == (0, 9)
        assert convert(dataset, tmp_path / "b.zarr", scheduler=address).exit_status == 0
    assert contents(tmp_path / "a.zarr") == expected
    assert contents(tmp_path / "b.zarr") == expected


@pytest.mark.slow
def test_without_any_worker_left_the_run_ends_with_the_recordings_in_progress_and_resumes(
    dataset, expected, tmp_path, killed, monkeypatch
):
    monkeypatch.setattr(distribute, "LOST_WORKERS_TIMEOUT", 4.0)
    with dask_scheduler(tmp_path, "--no-nanny") as (address, _):
        message = f"were lost, and none returned within 4 s; in progress: .*{killed}"
        with pytest.raises(BidsDlError, match=message):
            convert(dataset, tmp_path / "a.zarr", scheduler=address)
    monkeypatch.setenv("KILLED_RECORDING", "none")
    outcome = convert(dataset, tmp_path / "a.zarr", jobs=1)
    assert outcome.reused > 0
    assert contents(tmp_path / "a.zarr") == expected


@pytest.mark.slow
def test_the_death_of_the_scheduler_ends_the_run_with_one_line(
    dataset, tmp_path, killed, monkeypatch
):
    monkeypatch.setenv("KILLED_RECORDING", "none")
    with dask_scheduler(tmp_path) as (address, processes):
        command = convert_command(dataset, tmp_path / "a.zarr", "--scheduler", address)
        conversion = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        # not Path.glob, which fails if a folder is removed while it looks
        parts = f"{tmp_path}/a.zarr.staging/*.part"
        while not glob.glob(parts) and time.monotonic() < deadline:  # noqa: PTH207
            time.sleep(0.01)
        processes[0].kill()
        _, errors = conversion.communicate(timeout=120)
    assert conversion.returncode == 1
    assert "lost the connection to the workers of tcp://127.0.0.1" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("seed", KILL_SEEDS)
def test_kill_9_of_all_processes_at_any_time_changes_no_byte(dataset, expected, tmp_path, seed):
    command = convert_command(dataset, tmp_path / "a.zarr", "--jobs", str(1 + seed % 2))
    conversion = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    # From before the first worker starts to after the last one ends.
    time.sleep(random.Random(seed).uniform(2, 8))
    os.killpg(conversion.pid, signal.SIGKILL)
    conversion.wait()
    subprocess.run(command, check=True, capture_output=True)
    assert contents(tmp_path / "a.zarr") == expected
    assert not list(tmp_path.glob("*.staging"))


@dataclass(eq=False)
class FakeTask:
    """Task that takes some bytes of memory."""

    key: str
    n_bytes: int = 0

    @property
    def recording(self):
        return SimpleNamespace(key=self.key)


class FakePool:
    """Two workers that share 100 bytes, whose tasks finish one by one, the oldest first.

    It records which tasks ran at once after each submission.
    """

    name = "the workers"
    total_memory = 100
    memory_per_recording = 100

    def __init__(self):
        self.running = []
        self.concurrent = []

    def count_workers(self):
        return 2

    def submit(self, task):
        self.running.append(task.key)
        self.concurrent.append(list(self.running))
        return SimpleNamespace(result=lambda: None, add_done_callback=lambda _: None)

    def finish_oldest(self, *_):
        return SimpleNamespace(key=self.running.pop(0))


@pytest.fixture
def pool(monkeypatch):
    fake = FakePool()
    monkeypatch.setattr(distribute, "_wait_for_event", fake.finish_oldest)
    monkeypatch.setattr(memory, "estimate_memory", lambda task: task.n_bytes)
    return fake


def test_no_more_recordings_are_processed_at_once_than_memory_allows(pool):
    sizes = {"a": 60, "b": 60, "c": 40, "d": 100, "e": 10}
    tasks = [FakeTask(key, n_bytes) for key, n_bytes in sizes.items()]
    results = [task.key for task, _ in run_on_workers(tasks, pool, Fetcher())]
    assert results == ["a", "c", "b", "e", "d"]
    assert pool.concurrent == [["a"], ["a", "c"], ["c", "b"], ["b", "e"], ["d"]]


def test_no_more_recordings_are_processed_at_once_than_there_are_workers(pool):
    tasks = [FakeTask(key, 1) for key in "abc"]
    list(run_on_workers(tasks, pool, Fetcher()))
    assert max(len(keys) for keys in pool.concurrent) == 2
