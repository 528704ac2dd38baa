"""Where tasks are run: a local cluster of one-threaded processes, or a scheduler that is there already."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import resource_tracker
from tempfile import TemporaryDirectory
from types import ModuleType

import dask
from distributed import Client, LocalCluster

from bids_dl.config.stages import PipelineConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline import memory
from bids_dl.planning.plan import DECIDES_BYTES

DASK = {
    "distributed.scheduler.allowed-failures": 0,  # what killed its worker is tried again by us, alone
    "distributed.scheduler.worker-saturation": 1.0,  # nothing waits on a worker, so nobody is blamed for another's death
    "distributed.scheduler.http.routes": [],
    "distributed.comm.timeouts.connect": "20s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    # one thread for each BLAS; Dask's own default also trims memory at once, which costs a third of the CPU time here (measured)
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1
    ),
}


ANSWER = "20s"  # that a scheduler has to answer in


@dataclass(frozen=True)
class WorkerPool:
    """Worker processes and what they may take.

    Attributes
    ----------
    size
        How many recordings may be under way: one a process, counted anew each time because workers come and go.
    together, each
        Bytes that all recordings under way may take, and that one may; None: nobody says.
    guarded
        Whether a worker that takes more is stopped by us; those of others have their own guard.
    name
        What messages call the workers.
    """

    client: Client
    size: Callable[[], int]
    together: int | None
    each: int | None
    guarded: bool
    name: str


@contextmanager
def start_workers(
    config: PipelineConfig, n_tasks: int, packages: Collection[str] = ()
) -> Iterator[WorkerPool]:
    """Workers for so many tasks, which compute with these packages beside those that all do.

    Raises
    ------
    ConfigError
        No scheduler answers at the address, or its workers have other software, which would give other bytes.
    BidsDlError
        No worker process could be started.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    logging.getLogger("distributed.client").setLevel(
        logging.CRITICAL
    )  # a lost connection is said by us, in one line
    with dask.config.set(DASK):
        if config.scheduler:
            with _connect(config.scheduler) as client:
                _check_workers(client, config.scheduler, packages)
                each = min(filter(None, (config.memory, _least_memory(client))), default=None)
                yield WorkerPool(
                    client,
                    lambda: len(client.nthreads()),
                    config.memory,
                    each,
                    False,
                    f"the workers of {config.scheduler}",
                )
            return
        jobs = min(config.jobs or os.cpu_count() or 1, n_tasks)
        with (
            TemporaryDirectory(prefix="bids_dl-", ignore_cleanup_errors=True) as scratch,
            _main_left_alone(),
            ExitStack() as stack,
        ):
            with _deaf_to_interrupts():
                try:
                    cluster = stack.enter_context(_cluster(jobs, scratch))
                except RuntimeError as problem:
                    raise BidsDlError(
                        f"no worker process could be started ({problem}); run the command again"
                    ) from None
                client = stack.enter_context(Client(cluster, set_as_default=False))
            limit = config.memory or memory.available()
            yield WorkerPool(client, lambda: jobs, limit, limit, True, "the worker processes")


def _connect(address: str) -> Client:
    if not re.fullmatch(r"\w+://.+|[^:/]+:\d+", address):
        raise ConfigError(f"--scheduler {address}: wanted an address such as tcp://host:8786")
    try:
        return Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as problem:
        raise ConfigError(
            f"--scheduler {address}: no Dask scheduler answers there ({type(problem).__name__})"
        ) from None


def _check_workers(client: Client, address: str, packages: Collection[str]) -> None:
    """Workers must have the versions that are here of all that decides the bytes of a store."""
    for name in (*DECIDES_BYTES, *packages):
        try:
            there = client.run(version, name)
        except PackageNotFoundError:
            raise ConfigError(
                f"--scheduler {address}: its workers have no {name}; install {name} {version(name)} there"
            ) from None
        for worker, found in there.items():
            if found != version(name):
                raise ConfigError(
                    f"--scheduler {address}: the worker {worker} has {name} {found}, here it is {version(name)}, "
                    "and other software makes other stores; install the same"
                )


def _least_memory(client: Client) -> int | None:
    """What the smallest worker says it may take, less the share at which Dask would stop it; None where none says."""
    limits = [
        worker["memory_limit"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()
    ]
    return int(memory.SHARE * min(filter(None, limits))) if any(limits) else None


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
