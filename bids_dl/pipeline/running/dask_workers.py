"""Connect to the workers of a Dask scheduler, and run tasks on them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import uuid4

import dask
from distributed import Client, Future
from distributed.scheduler import KilledWorker

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.processing.process import run_task, unexpected_failure
from bids_dl.pipeline.processing.task import Task
from bids_dl.pipeline.running.worker_pool import KILLED
from bids_dl.planning.plan import VERSIONED_SOFTWARE

CONNECT_TIMEOUT = "20s"  # until a scheduler must have answered
RESULT_TIMEOUT = 20.0  # s to wait for the result of a finished task
DASK_CONFIG = {
    # A task that killed its worker is retried by `execute`, with nothing else running.
    "distributed.scheduler.allowed-failures": 0,
    # Queue nothing on workers, so that a killed worker is attributed to the recording it
    # was processing.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.comm.timeouts.connect": "20s",
}


class DaskWorkers:
    """Workers of a scheduler that was started elsewhere, as `WorkerPool` describes.

    They have their own limits of memory, so tasks do not limit that of their process.

    Parameters
    ----------
    client
        Connection to the scheduler.
    address
        Address of the scheduler, for messages.
    config
        ``memory`` limits the bytes of all recordings together.
    """

    def __init__(self, client: Client, address: str, config: PipelineConfig) -> None:
        limits = filter(None, [config.memory, _smallest_memory_limit(client)])
        self.name = f"the workers of {address}"
        self.total_memory = config.memory
        self.memory_per_recording: int | None = min(limits, default=None)
        self._client = client

    def count_workers(self) -> int:
        """Return the number of workers, each of which has one thread.

        Raises
        ------
        BidsDlError
            The connection to the scheduler was lost.
        """
        try:
            return len(self._client.nthreads())
        except OSError:
            raise _lost_connection(self.name) from None

    def has_workers(self) -> bool:
        """Return whether a worker is left."""
        return self.count_workers() > 0

    def submit(self, task: Task) -> DaskResult:
        """Start a task on a worker that is free."""
        future = self._client.submit(
            run_task,
            task,
            None,
            key=f"process-{task.key[:16]}-{uuid4().hex}",
            pure=False,
            retries=0,
        )
        return DaskResult(future, task.recording.key, self.name)


class DaskResult:
    """Result of a task on a Dask worker.

    Parameters
    ----------
    future
        Future of `run_task`.
    key
        Key of the recording.
    workers
        Name of the workers in messages.
    """

    def __init__(self, future: Future, key: str, workers: str) -> None:
        self._future = future
        self._key = key
        self._workers = workers

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """Call a function when the task has ended, from any thread."""
        self._future.add_done_callback(callback)

    def result(self) -> Failure | None:
        """Return the failure of a finished task, None if it succeeded.

        Raises
        ------
        BidsDlError
            The connection to the scheduler was lost.
        """
        try:
            problem = self._future.exception(timeout=RESULT_TIMEOUT)
            if problem is None:
                return self._future.result(timeout=RESULT_TIMEOUT)  # type: ignore[no-any-return]
        except TimeoutError:
            # The worker died after the task was done. The staged entry tells how the task ended.
            return None
        except CancelledError:
            raise _lost_connection(self._workers) from None
        if isinstance(problem, KilledWorker):
            return Failure(self._key, "worker", KILLED, transient=True)
        return unexpected_failure(self._key, problem)


@contextmanager
def connect_workers(
    config: PipelineConfig, address: str, packages: Collection[str] = ()
) -> Iterator[DaskWorkers]:
    """Provide the workers of a Dask scheduler inside the context.

    Parameters
    ----------
    packages
        Distributions that the recipe needs beside those every conversion needs.

    Raises
    ------
    ConfigError
        No scheduler answers at the address, or its workers have other versions of the software,
        which would give other bytes.
    """
    if not logging.getLogger("bids_dl").isEnabledFor(logging.INFO):  # as `--verbose` enables it
        logging.getLogger("distributed").setLevel(logging.ERROR)
    # A lost connection is reported by `DaskResult`, in one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with dask.config.set(DASK_CONFIG), _connect(address) as client:
        _check_versions(client, address, packages)
        yield DaskWorkers(client, address, config)


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


def _lost_connection(workers: str) -> BidsDlError:
    return BidsDlError(
        f"lost the connection to {workers}; staged recordings are kept: "
        "run the same command again when the scheduler is available"
    )
