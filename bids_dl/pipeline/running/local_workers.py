"""Worker processes on this machine, one recording each at a time.

A recording that kills its process fails alone: the next task gets a new process. Each worker is
forked from one template, which imports MNE and SciPy once, so that a second worker costs little.
The template is started while the conversion is planned. Template and workers are killed when this
process ends in whatever way. Where processes with these libraries cannot be forked, on macOS and
Windows, each worker is a program of its own.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any, Protocol

from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline.running import worker_program
from bids_dl.pipeline.running.worker_pool import KILLED
from bids_dl.remote.scratch import scratch_folder

if TYPE_CHECKING:
    from bids_dl.pipeline.processing.task import Task

START_TRIES = 3  # of a worker process, which may die while it starts
END_SECONDS = 0.2  # that a template may take to end its workers; one that still imports is killed
BLAS_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LOST_WORKER = (OSError, EOFError, pickle.UnpicklingError)
"""Errors of a connection whose other end is dead."""
PROGRAM = (
    "import sys; sys.path[:] = {path!a}; from {module} import {function}; {function}({arguments})"
)


class Worker:
    """A worker process, seen from this one.

    Parameters
    ----------
    results, tasks
        Streams from and to `worker_program.serve`.
    """

    def __init__(self, results: IO[bytes], tasks: IO[bytes]) -> None:
        self._results = results
        self._tasks = tasks

    def wait_until_ready(self) -> None:
        """Wait until the process has imported everything.

        Raises
        ------
        OSError, EOFError, pickle.UnpicklingError
            The process has died.
        """
        if _load(self._results) != worker_program.READY:
            raise EOFError("a worker process began with another message")

    def run(self, task: Task, max_bytes: int | None) -> Failure | None:
        """Run a task, and return its failure or None.

        Raises
        ------
        OSError, EOFError, pickle.UnpicklingError
            The process has died.
        """
        pickle.dump((task.recording.key, pickle.dumps(task), max_bytes), self._tasks)
        self._tasks.flush()
        failure: Failure | None = _load(self._results)
        return failure

    def close(self) -> None:
        """Close the streams, so that an idle process ends."""
        for stream in (self._tasks, self._results):
            with suppress(OSError):
                stream.close()


class WorkerStarter(Protocol):
    """Starts and ends worker processes. Any thread may call it."""

    def start(self) -> Worker:
        """Start a worker.

        Raises
        ------
        OSError
            The process, or that which forks it, could not be started.
        """
        ...

    def end_workers(self) -> None:
        """Kill all workers, and wait for their end."""
        ...


@contextmanager
def open_starter() -> Iterator[WorkerStarter]:
    """Begin to prepare worker processes, and end all of them with the context.

    Their temporary files are in a folder that is removed too: a killed worker removes nothing.
    """
    with scratch_folder() as scratch:
        starter = Template(scratch) if sys.platform == "linux" else Programs(scratch)
        try:
            yield starter
        finally:
            starter.close()


class Template:
    """Forks workers from one process that has imported everything.

    Parameters
    ----------
    scratch
        Folder for temporary files of the workers.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._lock = threading.Lock()
        self._start_template()

    def start(self) -> Worker:
        """Fork a worker, from a new template if the last one has died."""
        own, other = socket.socketpair()
        with own, other, self._lock:
            try:
                self._request_worker(other)
            except OSError:
                self._close_template()
                self._start_template()
                self._request_worker(other)
            return Worker(own.makefile("rb"), own.makefile("wb"))

    def end_workers(self) -> None:
        """Kill all workers, and wait until their template confirms it, or kill it too."""
        with self._lock, suppress(OSError):
            self._control.sendall(worker_program.END_WORKERS)
            self._control.settimeout(END_SECONDS)
            try:
                self._control.recv(1)
            except TimeoutError:
                self._process.kill()  # its workers end with it
                self._process.wait()
            finally:
                self._control.settimeout(None)

    def close(self) -> None:
        """End the template, which kills its workers."""
        with self._lock:
            self._close_template()

    def _request_worker(self, connection: socket.socket) -> None:
        self._has_workers = True
        socket.send_fds(self._control, [worker_program.FORK], [connection.fileno()])

    def _start_template(self) -> None:
        self._has_workers = False
        self._control, other = socket.socketpair()
        with other:
            number = other.fileno()
            arguments = f"{number}, {os.getpid()}"
            self._process = _start_program(
                "run_template", arguments, self._scratch, pass_fds=[number]
            )

    def _close_template(self) -> None:
        self._control.close()
        if not self._has_workers:
            self._process.kill()  # it may be importing still, and has nothing to end
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Programs:
    """Starts each worker as a program of its own, which imports everything.

    Parameters
    ----------
    scratch
        Folder for temporary files of the workers.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> Worker:
        """Start a worker."""
        process = _start_program(
            "serve_standard_streams",
            "",
            self._scratch,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with self._lock:
            self._processes.append(process)
        if process.stdin is None or process.stdout is None:
            raise OSError("a worker process has no streams")
        return Worker(process.stdout, process.stdin)

    def end_workers(self) -> None:
        """Kill all workers, and wait for their end."""
        with self._lock:
            for process in self._processes:
                process.kill()
                process.wait()
            self._processes.clear()

    def close(self) -> None:
        """Kill all workers."""
        self.end_workers()


class LocalWorkers:
    """A pool of worker processes, as `WorkerPool` describes.

    Tasks are run by threads of this process, each of which waits for a worker.

    Parameters
    ----------
    starter
        Starts the processes.
    jobs
        Number of processes.
    max_bytes
        Memory of all recordings together.
    """

    name = "the worker processes"

    def __init__(self, starter: WorkerStarter, jobs: int, max_bytes: int) -> None:
        self.total_memory: int | None = max_bytes
        self.memory_per_recording: int | None = max_bytes
        self._starter = starter
        self._jobs = jobs
        self._is_closed = False
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="bids_dl-worker")

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closed = True
        self._starter.end_workers()
        self._threads.shutdown(cancel_futures=True)
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def count_workers(self) -> int:
        """Return the number of processes, also of those that are not started yet."""
        return self._jobs

    def has_workers(self) -> bool:
        """Return True, because a worker that dies is started again."""
        return True

    def submit(self, task: Task) -> Future[Failure | None]:
        """Start a task on an idle worker, or on a new one."""
        return self._threads.submit(self._run, task)

    def _run(self, task: Task) -> Failure | None:
        worker = self._take()
        try:
            failure = worker.run(task, self.memory_per_recording)
        except LOST_WORKER:
            worker.close()
            return Failure(task.recording.key, "worker", KILLED, transient=True)
        self._idle.put(worker)
        return failure

    def _take(self) -> Worker:
        """Return an idle worker, or start one.

        Raises
        ------
        BidsDlError
            No try succeeded.
        """
        with suppress(Empty):
            return self._idle.get_nowait()
        for _ in range(START_TRIES):
            with suppress(*LOST_WORKER):
                worker = self._starter.start()
                worker.wait_until_ready()
                if not self._is_closed:
                    return worker
                worker.close()  # started after the end of all workers
                break
        raise BidsDlError(
            f"could not start a worker process in {START_TRIES} tries; run the command again"
        )


def _load(file: IO[bytes]) -> Any:
    return pickle.load(file)  # noqa: S301  (from a process that this one has started)


def _start_program(
    function: str,
    arguments: str,
    scratch: Path,
    *,
    pass_fds: tuple[int, ...] | list[int] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a function of `worker_program` in a process of its own, with one BLAS thread.

    The script of the user is not imported there, so it needs no ``if __name__ == "__main__"``.
    """
    program = PROGRAM.format(
        path=[str(entry) for entry in sys.path],  # some programs add paths that are no texts
        module=worker_program.__name__,
        function=function,
        arguments=arguments,
    )
    environment = {
        **os.environ,
        **dict.fromkeys(BLAS_THREAD_VARIABLES, "1"),
        "TMPDIR": str(scratch),
        "TEMP": str(scratch),
        "TMP": str(scratch),
    }
    with _block_sigint():
        return subprocess.Popen(
            [sys.executable, "-c", program],
            env=environment,
            pass_fds=pass_fds,
            stdin=stdin,
            stdout=stdout,
        )


@contextmanager
def _block_sigint() -> Iterator[None]:
    """Block SIGINT in processes started inside the context.

    A terminal sends Ctrl-C to all processes of the group, and only this one may end the work.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
