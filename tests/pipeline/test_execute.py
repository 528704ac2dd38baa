"""Recordings on worker processes: killed ones, big ones, workers of others."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

import bids_dl
from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline import execute, memory
from bids_dl.pipeline.execute import run_tasks
from bids_dl.pipeline.workers import WorkerPool
from bids_dl.testing import make_dataset

QUERIES = {"open": "Eyes-open", "closed": "Eyes-closed"}
FLAGS = ("--hed", "open=Eyes-open", "--hed", "closed=Eyes-closed", "--window", "2")
KILLER = """
import os, signal
from bids_dl import source

if not hasattr(source, "spared"):
    source.spared = source.open_raw

    def open_raw(dataset, recording, **options):
        if recording.key.endswith(os.environ["KILLED"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return source.spared(dataset, recording, **options)

    source.open_raw = open_raw
"""


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def convert(source, dest, **options):
    return bids_dl.convert(str(source), str(dest), hed=QUERIES, window=2, **options)


def command(source, dest, *flags):
    return [sys.executable, "-m", "bids_dl.cli", "convert", str(source), str(dest), *FLAGS, *flags]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Ten short recordings."""
    return make_dataset(
        tmp_path_factory.mktemp("ten") / "ds000010",
        n_subjects=5,
        n_runs=2,
        n_blocks=2,
        block_duration=6,
    ).root


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory):
    """The store of the ten, without any accident."""
    store = tmp_path_factory.mktemp("undisturbed") / "a.zarr"
    convert(dataset, store, jobs=2)
    return contents(store)


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """Worker processes die by SIGKILL whenever they open this recording."""
    (tmp_path / "killer.py").write_text(KILLER)
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", str(tmp_path / "killer.py"))
    monkeypatch.setenv("KILLED", "sub-004/eeg/sub-004_task-rest_run-1")
    return "ds000010/sub-004/eeg/sub-004_task-rest_run-1"


@contextmanager
def started_by_hand(folder, *flags):
    """A scheduler with two workers on loopback, as a person starts them; its address."""
    place = folder / "scheduler.json"
    place.unlink(missing_ok=True)
    programs = [
        (
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            str(place),
        )
    ]
    programs += [
        ("worker", "--scheduler-file", str(place), "--nthreads", "1", "--no-dashboard", *flags)
    ] * 2
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *program],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for program in programs
    ]
    try:
        deadline = time.monotonic() + 60
        while not place.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        address = json.loads(place.read_text())["address"]
        yield address, running
    finally:
        for program in running:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()


def wait_for_workers(address, count):
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_of_ten_recordings_three_are_broken_and_seven_converted_twice_the_same(
    dataset, tmp_path, killed, jobs
):
    broken = shutil.copytree(dataset, tmp_path / "ds000010")
    files = sorted(broken.rglob("*_eeg.edf"))
    files[1].write_bytes(files[1].read_bytes()[:300])
    files[4].write_bytes(files[4].read_bytes()[:236] + b"junk    " + files[4].read_bytes()[244:])
    flags = ("--jobs", str(jobs), "--json")
    outcomes = [
        subprocess.run(command(broken, tmp_path / "a.zarr", *flags), capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [outcome.returncode for outcome in outcomes] == [3, 3]
    said = [json.loads(outcome.stdout) for outcome in outcomes]
    assert [outcome["n_recordings"] for outcome in said] == [7, 7]
    assert said[0]["failures"] == said[1]["failures"]
    assert {failure["recording"]: failure["stage"] for failure in said[0]["failures"]} == {
        "ds000010/sub-001/eeg/sub-001_task-rest_run-2": "header",
        "ds000010/sub-003/eeg/sub-003_task-rest_run-1": "header",
        killed: "worker",
    }


@pytest.mark.slow
def test_workers_started_by_hand_make_the_same_store_and_survive_a_poisonous_recording(
    dataset, undisturbed, tmp_path, killed, monkeypatch
):
    with started_by_hand(tmp_path) as (address, _):
        wait_for_workers(address, 2)
        outcomes = [convert(dataset, tmp_path / "a.zarr", scheduler=address) for _ in range(2)]
        assert [[failure.recording for failure in outcome.failures] for outcome in outcomes] == [
            [killed],
            [killed],
        ]
        assert [outcome.n_recordings for outcome in outcomes] == [9, 9]
    monkeypatch.setenv("KILLED", "nobody")
    with started_by_hand(tmp_path) as (address, _):
        wait_for_workers(address, 2)
        outcome = convert(dataset, tmp_path / "a.zarr", scheduler=address, overwrite=True)
        assert (outcome.exit_status, outcome.reused) == (0, 9)
        assert convert(dataset, tmp_path / "b.zarr", scheduler=address).exit_status == 0
    assert contents(tmp_path / "a.zarr") == contents(tmp_path / "b.zarr") == undisturbed


@pytest.mark.slow
def test_when_all_workers_are_gone_the_run_ends_with_what_was_under_way_and_resumes(
    dataset, undisturbed, tmp_path, killed, monkeypatch
):
    monkeypatch.setattr(execute, "PATIENCE", 4.0)
    with started_by_hand(tmp_path, "--no-nanny") as (address, _):
        wait_for_workers(address, 2)
        with pytest.raises(
            BidsDlError, match=f"have all gone and none has come back in 4 s; under way: .*{killed}"
        ):
            convert(dataset, tmp_path / "a.zarr", scheduler=address)
    monkeypatch.setenv("KILLED", "nobody")
    outcome = convert(dataset, tmp_path / "a.zarr", jobs=1)
    assert outcome.reused > 0
    assert contents(tmp_path / "a.zarr") == undisturbed


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_with_one_line(dataset, tmp_path, killed, monkeypatch):
    monkeypatch.setenv("KILLED", "nobody")
    with started_by_hand(tmp_path) as (address, programs):
        wait_for_workers(address, 2)
        running = subprocess.Popen(
            command(dataset, tmp_path / "a.zarr", "--scheduler", address),
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("a.zarr.staging/*.part")) and time.monotonic() < deadline:
            time.sleep(0.01)
        programs[0].kill()
        _, said = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "the connection to the workers of tcp://127.0.0.1" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_kill_9_of_everything_at_any_moment_costs_nothing(dataset, undisturbed, tmp_path, seed):
    rng = random.Random(seed)
    flags = ("--jobs", str(1 + seed % 2))
    running = subprocess.Popen(
        command(dataset, tmp_path / "a.zarr", *flags),
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(rng.uniform(2, 8))  # from before the first worker to after the last
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    subprocess.run(command(dataset, tmp_path / "a.zarr", *flags), check=True, capture_output=True)
    assert contents(tmp_path / "a.zarr") == undisturbed
    assert not list(tmp_path.glob("*.staging"))


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("nonsense", "wanted an address such as tcp://host:8786"),
        ("127.0.0.1:9", "no Dask scheduler answers there"),
    ],
)
def test_a_scheduler_that_is_none_is_refused(dataset, tmp_path, monkeypatch, scheduler, message):
    monkeypatch.setattr("bids_dl.pipeline.workers.ANSWER", "1s")
    with pytest.raises(ConfigError, match=message):
        convert(dataset, tmp_path / "a.zarr", scheduler=scheduler)
    assert not (tmp_path / "a.zarr").exists()


@dataclass(eq=False)
class Job:
    """Stands for a task; what becomes of it at each try."""

    key: str
    size: int = 0
    tries: list[Failure | None] = field(default_factory=lambda: [None])

    @property
    def recording(self):
        return SimpleNamespace(key=self.key)

    @property
    def recipe(self):
        return SimpleNamespace(packages=())


class Client:
    """Stands for a Dask client: done are, in turn, the oldest of the futures; it keeps what ran at once."""

    def __init__(self):
        self.running, self.together = [], []

    def submit(self, _function, job, _limit, *, key, **_options):
        future = SimpleNamespace(
            key=key, job=job, exception=lambda **_: None, result=lambda **_: job.tries.pop(0)
        )
        future.add_done_callback = lambda put: setattr(future, "put", put)
        self.running.append(future)
        self.together.append([running.job.key for running in self.running])
        return future

    def finish(self, *_):
        return self.running.pop(0)


@pytest.fixture
def crew(monkeypatch):
    """Two workers that share 100 bytes."""
    client = Client()

    @contextmanager
    def start_workers(_config, _n_tasks, _packages):
        yield WorkerPool(client, lambda: 2, 100, 100, True, "the workers")

    monkeypatch.setattr(execute, "start_workers", start_workers)
    monkeypatch.setattr(execute, "_await", client.finish)
    monkeypatch.setattr(memory, "needed", lambda job: job.size)
    monkeypatch.setattr(
        memory,
        "refusal",
        lambda job, limit: Failure(job.key, "worker", "too big") if job.size > limit else None,
    )
    return client


def test_no_more_recordings_are_under_way_than_memory_allows(crew):
    jobs = [Job("a", 60), Job("b", 60), Job("c", 40), Job("d", 100), Job("e", 10)]
    done = [(job.key, failure) for job, failure in run_tasks(jobs, PipelineConfig())]
    assert [key for key, _ in done] == ["a", "c", "b", "e", "d"]
    assert crew.together == [["a"], ["a", "c"], ["c", "b"], ["b", "e"], ["d"]]


def test_a_recording_that_can_never_be_allowed_its_memory_is_refused_and_the_others_run(crew):
    done = {
        job.key: failure
        for job, failure in run_tasks([Job("a", 60), Job("b", 160)], PipelineConfig())
    }
    assert done == {"a": None, "b": Failure("b", "worker", "too big")}
    assert crew.together == [["a"]]


def test_what_fails_in_passing_is_tried_once_more_alone_when_all_else_is_done(crew):
    passing, lasting = (
        Failure("x", "read", "no connection", transient=True),
        Failure("x", "read", "broken"),
    )
    jobs = [
        Job("a", 1, [passing, None]),
        Job("b", 1, [lasting]),
        Job("c", 1),
        Job("d", 1, [passing, passing]),
    ]
    done = [(job.key, failure) for job, failure in run_tasks(jobs, PipelineConfig())]
    assert done == [("b", lasting), ("c", None), ("a", None), ("d", passing)]
    assert crew.together[-2:] == [["a"], ["d"]]
