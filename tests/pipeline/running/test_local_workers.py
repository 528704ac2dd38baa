"""Worker processes on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from recording_tasks import make_tasks

from bids_dl.errors import BidsDlError
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.running import worker_program
from bids_dl.pipeline.running.execute import run_tasks
from bids_dl.pipeline.running.local_workers import (
    START_TRIES,
    LocalWorkers,
    Programs,
    Template,
    open_starter,
)
from bids_dl.pipeline.running.worker_pool import KILLED
from bids_dl.testing import make_dataset

MAX_BYTES = 2_000_000_000
STARTERS = [
    pytest.param(Template, marks=pytest.mark.skipif(sys.platform != "linux", reason="fork"))
]
STARTERS.append(Programs)


class CodeTask:
    """Task that is not run: a worker evaluates an expression when it receives the task."""

    def __init__(self, expression: str, key: str = "x") -> None:
        self.expression = expression
        self.recording = SimpleNamespace(key=key)

    def __reduce__(self):
        return eval, (f"[{self.expression} for os, time in [map(__import__, ['os', 'time'])]]",)


KILLER = CodeTask("os.kill(os.getpid(), 9)")
SLEEPER = CodeTask("time.sleep(60)")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two short recordings."""
    root = tmp_path_factory.mktemp("two") / "ds000002"
    return make_dataset(root, n_subjects=2, n_runs=1, n_blocks=2, block_duration=6).root


@pytest.fixture
def tasks(dataset, tmp_path):
    return make_tasks(dataset, tmp_path / "staging")


def program_processes(starter) -> list[psutil.Process]:
    """Return the processes of a starter, with those that they have forked."""
    processes = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if worker_program.__name__ in " ".join(child.cmdline()):
                processes += [child, *child.children()]
    return processes


@pytest.mark.slow
@pytest.mark.parametrize("starter_class", STARTERS)
def test_a_recording_that_kills_its_process_fails_alone(starter_class, tasks, tmp_path):
    starter = starter_class(tmp_path)
    try:
        with LocalWorkers(starter, 1, MAX_BYTES) as pool:
            results = [pool.submit(task).result(60) for task in (tasks[0], KILLER, tasks[1])]
        assert [result and result.reason for result in results] == [None, KILLED, None]
        assert results[1].transient
        assert all(task.staging.read_entry(task.key) for task in tasks)
    finally:
        starter.close()
    assert program_processes(starter) == []


@pytest.mark.slow
@pytest.mark.parametrize("starter_class", STARTERS)
def test_busy_workers_end_with_the_context(starter_class, tmp_path):
    starter = starter_class(tmp_path)
    with LocalWorkers(starter, 2, MAX_BYTES) as pool:
        running = [pool.submit(SLEEPER), pool.submit(SLEEPER)]
        deadline = time.monotonic() + 60
        while len(program_processes(starter)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        start = time.monotonic()
    assert time.monotonic() - start < 20
    assert all(future.done() for future in running)
    starter.close()
    assert program_processes(starter) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_a_template_that_dies_is_replaced(tasks, tmp_path):
    with open_starter() as starter, LocalWorkers(starter, 1, MAX_BYTES) as pool:
        assert pool.submit(tasks[0]).result(60) is None
        for process in program_processes(starter):
            process.kill()
        assert pool.submit(tasks[1]).result(60) is not None  # its worker was killed, too
        assert pool.submit(tasks[1]).result(60) is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_busy_workers_end_with_their_template(tasks, tmp_path):
    with open_starter() as starter, LocalWorkers(starter, 1, MAX_BYTES) as pool:
        running = pool.submit(SLEEPER)
        processes = []
        deadline = time.monotonic() + 60
        while len(processes) < 2 and time.monotonic() < deadline:
            processes = program_processes(starter)
            time.sleep(0.05)
        template, worker = processes
        template.kill()
        assert running.result(20).reason == KILLED
        assert psutil.wait_procs([worker], timeout=20)[1] == []
        assert pool.submit(tasks[0]).result(60) is None


@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_a_template_without_workers_is_ended_while_it_imports(tmp_path):
    starter = Template(tmp_path)
    process = starter._process
    starter.close()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("starter_class", STARTERS)
def test_what_a_worker_prints_is_no_output_of_this_program(starter_class, tmp_path, capfd):
    starter = starter_class(tmp_path)
    with LocalWorkers(starter, 1, MAX_BYTES) as pool:
        pool.submit(CodeTask("os.system('echo printed')")).result(60)
    starter.close()
    captured = capfd.readouterr()
    assert "printed" in captured.err
    assert captured.out == ""


@pytest.mark.slow
def test_a_path_of_imports_may_hold_other_objects_than_texts(tasks, monkeypatch):
    monkeypatch.setattr("sys.path", [*sys.path, Path("/päth")])
    with open_starter() as starter, LocalWorkers(starter, 1, MAX_BYTES) as pool:
        assert pool.submit(tasks[0]).result(60) is None


PARENT = """
import os, pickle, sys, threading
from bids_dl.pipeline.running.local_workers import LocalWorkers, open_starter
sys.path.insert(0, sys.argv[1])
from test_local_workers import SLEEPER

with open_starter() as starter, LocalWorkers(starter, 1, 10**9) as pool:
    pool.submit(SLEEPER)
    sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="fork")
def test_workers_end_with_a_parent_that_is_killed():
    command = [sys.executable, "-c", PARENT, str(Path(__file__).parent)]
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    parent = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    try:
        children = []
        deadline = time.monotonic() + 60
        while len(children) < 2 and time.monotonic() < deadline:
            children = psutil.Process(parent.pid).children(recursive=True)
            time.sleep(0.05)
        assert len(children) == 2  # template and worker
        parent.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=20)
        assert alive == []
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.slow
def test_workers_listen_at_no_port(tasks):
    with open_starter() as starter, LocalWorkers(starter, 1, MAX_BYTES) as pool:
        assert pool.submit(tasks[0]).result(60) is None
        processes = program_processes(starter)
        assert processes
        for process in processes:
            assert process.net_connections("inet") == []


@pytest.mark.slow
def test_temporary_files_of_a_worker_are_removed_even_if_it_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    made = "__import__('tempfile').mkdtemp()"
    with open_starter() as starter, LocalWorkers(starter, 1, MAX_BYTES) as pool:
        pool.submit(CodeTask(f"({made}, os.kill(os.getpid(), 9))")).result(60)
        assert [path for path in tmp_path.rglob("tmp*") if path.is_dir()]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_task_that_a_worker_cannot_read_fails_with_the_reason():
    with open_starter() as starter, LocalWorkers(starter, 1, MAX_BYTES) as pool:
        failure = pool.submit(CodeTask("missing_name")).result(60)
    assert (failure.recording, failure.stage, failure.transient) == ("x", "worker", True)
    assert "missing_name" in failure.reason


class FakeStarter:
    """Starts workers, the first of which die while they start."""

    def __init__(self, n_dying: int) -> None:
        self.n_dying = n_dying
        self.n_started = 0

    def start(self):
        self.n_started += 1
        return SimpleNamespace(wait_until_ready=self.wait, run=lambda *_: None, close=lambda: None)

    def wait(self):
        if self.n_started <= self.n_dying:
            raise EOFError

    def end_workers(self):
        pass


def test_a_worker_that_dies_while_it_starts_is_started_again():
    starter = FakeStarter(START_TRIES - 1)
    with LocalWorkers(starter, 1, MAX_BYTES) as pool:
        assert pool.submit(KILLER).result() is None
    assert starter.n_started == START_TRIES


def test_workers_that_never_start_end_the_run_with_one_line():
    with (
        LocalWorkers(FakeStarter(START_TRIES), 1, MAX_BYTES) as pool,
        pytest.raises(BidsDlError, match=f"could not start a worker process in {START_TRIES}"),
    ):
        pool.submit(KILLER).result()


def test_no_more_processes_are_started_than_tasks(monkeypatch):
    jobs = []
    opened = LocalWorkers.__init__

    def open_pool(self, starter, n_jobs, max_bytes):
        jobs.append((n_jobs, max_bytes))
        opened(self, starter, n_jobs, max_bytes)

    monkeypatch.setattr(LocalWorkers, "__init__", open_pool)
    monkeypatch.setattr(memory, "available_memory", lambda: 5_000)
    monkeypatch.setattr(memory, "refuse_if_too_large", lambda *_: None)
    monkeypatch.setattr(memory, "estimate_memory", lambda _: 1)
    config = SimpleNamespace(scheduler=None, jobs=4, memory=None)
    assert [failure for _, failure in run_tasks([KILLER], config, None, FakeStarter(0))] == [None]
    assert jobs == [(1, 5_000)]


@pytest.mark.slow
def test_a_script_without_a_main_guard_runs_once(eegbci, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import bids_dl\n"
        "print('begins')\n"
        f"outcome = bids_dl.convert({str(eegbci)!r}, 'a.zarr', hed='Eyes-closed', window=2, "
        "subject='001', jobs=1)\n"
        "print(outcome.n_windows)\n"
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["begins", "30"]


@pytest.mark.slow
def test_a_process_of_a_pool_converts(eegbci, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import multiprocessing\n"
        "import bids_dl\n"
        "def convert(number):\n"
        f"    return bids_dl.convert({str(eegbci)!r}, f'{{number}}.zarr', hed='Eyes-closed', "
        "window=2, subject='001', jobs=1).n_windows\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.Pool(2) as pool:\n"
        "        print(*pool.map(convert, range(2)))\n"
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["30", "30"]
