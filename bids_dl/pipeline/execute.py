"""Run tasks on Dask: a local cluster of one-threaded processes, or a scheduler that is there already."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from tempfile import TemporaryDirectory
from types import ModuleType

import dask
from distributed import Client, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from bids_dl.config import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline.work import Task, stage

DASK = {
    "distributed.scheduler.allowed-failures": 1,  # a recording may take down two workers before it is given up
    "distributed.scheduler.worker-saturation": 1.0,  # nothing waits on a worker, so nobody is blamed for another's death
    "distributed.scheduler.http.routes": [],
    "distributed.comm.timeouts.connect": "20s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}


def run_tasks(tasks: Sequence[Task], config: PipelineConfig) -> Iterator[tuple[Task, Failure | None]]:
    """Stage recordings, at most one a worker at a time, and yield each as it ends.

    A worker killed by its recording costs that recording only.
    """
    if not tasks:
        return
    waiting = list(reversed(tasks))
    with _client(config, len(tasks)) as (client, slots):
        running = {}
        finished = as_completed(loop=client.loop)
        for _ in range(min(slots, len(waiting))):
            task = waiting.pop()
            future = client.submit(stage, task, key=f"stage-{task.key}", pure=False, retries=0)
            running[future.key] = task
            finished.add(future)
        for future in finished:
            task = running.pop(future.key)
            yield task, _outcome(future, task)
            if waiting:
                following = waiting.pop()
                future = client.submit(stage, following, key=f"stage-{following.key}", pure=False, retries=0)
                running[future.key] = following
                finished.add(future)


def _outcome(future: object, task: Task) -> Failure | None:
    problem = future.exception()  # type: ignore[attr-defined]
    if problem is None:
        return future.result()  # type: ignore[attr-defined, no-any-return]
    if isinstance(problem, KilledWorker):
        reason = "its worker process was killed twice (out of memory, or a crash in a reader)"
        return Failure(task.recording.key, "worker", reason, transient=True)
    return Failure(task.recording.key, "worker", f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:300], transient=True)


@contextmanager
def _client(config: PipelineConfig, n_tasks: int) -> Iterator[tuple[Client, int]]:
    """A client and how many recordings may be under way at once."""
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(DASK):
        if config.scheduler:
            if not re.fullmatch(r"\w+://.+|[^:/]+:\d+", config.scheduler):
                raise ConfigError(f"--scheduler {config.scheduler}: wanted an address such as tcp://host:8786")
            try:
                client = Client(config.scheduler, timeout="20s", set_as_default=False)
            except (OSError, TimeoutError, ValueError) as problem:
                raise ConfigError(f"--scheduler {config.scheduler}: no Dask scheduler answers there ({type(problem).__name__})") from None
            with client:
                yield client, max(1, sum(client.nthreads().values()))
            return
        jobs = min(config.jobs or os.cpu_count() or 1, n_tasks)
        with TemporaryDirectory(prefix="bids_dl-") as scratch, _main_left_alone(), ExitStack() as stack:
            with _deaf_to_interrupts():
                try:
                    cluster = stack.enter_context(_cluster(jobs, scratch))
                except RuntimeError as problem:
                    raise BidsDlError(f"no worker process could be started ({problem}); run the command again") from None
                client = stack.enter_context(Client(cluster, set_as_default=False))
            yield client, jobs


@contextmanager
def _main_left_alone() -> Iterator[None]:
    """Worker processes started meanwhile do not import the user's script again, which needs no ``if __name__ == "__main__"`` then."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Threads and processes started here never see Ctrl-C, which a terminal sends to all: this process alone ends the work."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would open the mask again when the first worker is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cluster(jobs: int, scratch: str) -> LocalCluster:
    return LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # None would open port 8787 all the same
        local_directory=scratch,
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )
