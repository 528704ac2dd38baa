"""Start the worker processes of a conversion, or connect to those of a Dask scheduler."""

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
from bids_dl.planning.plan import VERSIONED_SOFTWARE

CONNECT_TIMEOUT = "20s"  # until a scheduler must have answered
BLAS_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DASK_CONFIG = {
    # A task that killed its worker is retried by `execute`, with nothing else running.
    "distributed.scheduler.allowed-failures": 0,
    # Queue nothing on workers, so that a killed worker is attributed to the recording it
    # was processing.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.http.routes": [],
    "distributed.comm.timeouts.connect": "20s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    # One thread per BLAS. Dask's default also trims memory at once, which costs a third of the
    # CPU time here (measured).
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(BLAS_THREAD_VARIABLES, 1),
}


@dataclass(frozen=True)
class WorkerPool:
    """Worker processes and the memory they may take.

    Attributes
    ----------
    count_workers
        Returns the number of recordings that may be processed at once, one per worker. It is
        called for each task, because workers join and leave.
    total_memory, memory_per_recording
        Bytes that all recordings together and one recording may take, None for no limit.
    limit_memory
        Whether tasks limit the memory of their process. Workers of a scheduler that was started
        elsewhere have their own limits.
    name
        Name of the workers in messages.
    """

    client: Client
    count_workers: Callable[[], int]
    total_memory: int | None
    memory_per_recording: int | None
    limit_memory: bool
    name: str


@contextmanager
def start_workers(
    config: PipelineConfig, n_tasks: int, packages: Collection[str] = ()
) -> Iterator[WorkerPool]:
    """Provide workers inside the context: a local pool, or those of a Dask scheduler.

    Parameters
    ----------
    config
        ``scheduler`` is the address of a Dask scheduler, None for a local pool of ``jobs``
        processes that share ``memory`` bytes.
    n_tasks
        Number of tasks; no more local processes are started.
    packages
        Distributions that the recipe needs beside those every conversion needs.

    Raises
    ------
    ConfigError
        No scheduler answers at the address, or its workers have other versions of the software,
        which would give other bytes.
    BidsDlError
        No worker process could be started.
    """
    if not logging.getLogger("bids_dl").isEnabledFor(logging.INFO):  # as `--verbose` enables it
        logging.getLogger("distributed").setLevel(logging.ERROR)
    # A lost connection is reported by `distribute`, in one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with dask.config.set(DASK_CONFIG):
        if config.scheduler:
            with _connect(config.scheduler) as client:
                _check_versions(client, config.scheduler, packages)
                yield _remote_pool(client, config)
            return
        jobs = min(config.jobs or os.cpu_count() or 1, n_tasks)
        with _local_client(jobs) as client:
            max_bytes = config.memory or memory.available_memory()
            yield WorkerPool(
                client=client,
                count_workers=lambda: jobs,
                total_memory=max_bytes,
                memory_per_recording=max_bytes,
                limit_memory=True,
                name="the worker processes",
            )


def _remote_pool(client: Client, config: PipelineConfig) -> WorkerPool:
    limits = filter(None, [config.memory, _smallest_memory_limit(client)])
    return WorkerPool(
        client=client,
        count_workers=lambda: len(client.nthreads()),
        total_memory=config.memory,
        memory_per_recording=min(limits, default=None),
        limit_memory=False,
        name=f"the workers of {config.scheduler}",
    )


@contextmanager
def _local_client(jobs: int) -> Iterator[Client]:
    """Start a local cluster of worker processes, and end it with the context."""
    with (
        TemporaryDirectory(prefix="bids_dl-", ignore_cleanup_errors=True) as scratch,
        _without_main_module(),
        ExitStack() as stack,
    ):
        with _block_sigint():
            try:
                cluster = stack.enter_context(_start_cluster(jobs, scratch))
            except RuntimeError as problem:
                raise BidsDlError(
                    f"could not start a worker process ({problem}); run the command again"
                ) from None
            client = stack.enter_context(Client(cluster, set_as_default=False))
        yield client


def _connect(address: str) -> Client:
    if not re.fullmatch(r"\w+://.+|[^:/]+:\d+", address):
        raise ConfigError(
            f"--scheduler {address}: expected an address such as tcp://host:8786, or synchronous"
        )
    try:
        return Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as problem:
        raise ConfigError(
            f"--scheduler {address}: no Dask scheduler answers there ({type(problem).__name__})"
        ) from None


def _check_versions(client: Client, address: str, packages: Collection[str]) -> None:
    """Check that all workers have the versions of this process of all software that decides bytes.

    Raises
    ------
    ConfigError
        A worker lacks a distribution or has another version.
    """
    for name in (*VERSIONED_SOFTWARE, *packages):
        expected = version(name)
        try:
            versions = client.run(version, name)
        except PackageNotFoundError:
            raise ConfigError(
                f"--scheduler {address}: its workers lack {name}; install {name} {expected} there"
            ) from None
        for worker, installed in versions.items():
            if installed != expected:
                raise ConfigError(
                    f"--scheduler {address}: worker {worker} has {name} {installed}, this process "
                    f"has {expected}; other versions write other bytes, install the same version"
                )


def _smallest_memory_limit(client: Client) -> int | None:
    """Return the usable bytes of the smallest worker, None if no worker has a limit.

    The share of the limit at which Dask stops a worker is subtracted.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    limits = [worker["memory_limit"] for worker in workers if worker["memory_limit"]]
    return int(memory.SHARE_OF_FREE * min(limits)) if limits else None


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Keep worker processes started inside the context from importing the user's script.

    The script then needs no ``if __name__ == "__main__"``.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _block_sigint() -> Iterator[None]:
    """Block SIGINT in threads and processes started inside the context.

    A terminal sends Ctrl-C to all processes of the group, and only this one may end the work.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Otherwise it starts with the first worker, and unblocks the signal.
    resource_tracker.ensure_running()
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def _start_cluster(jobs: int, scratch: str) -> LocalCluster:
    return LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # None would open port 8787 all the same
        local_directory=scratch,
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )
