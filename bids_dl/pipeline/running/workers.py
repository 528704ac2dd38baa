"""Start the worker processes of a conversion, or connect to those of a Dask scheduler."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import resource_tracker
from pathlib import Path
from types import ModuleType

import dask
from distributed import Client, LocalCluster, Security

from bids_dl.config.stages import PipelineConfig
from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.pipeline.processing import memory
from bids_dl.planning.plan import VERSIONED_SOFTWARE
from bids_dl.remote.scratch import scratch_folder

START_TRIES = 3  # of the local worker processes, one of which may die while it starts
CONNECT_TIMEOUT = "20s"  # until a scheduler must have answered
BLAS_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
DASK_CONFIG = {
    # A task that killed its worker is retried by `execute`, with nothing else running.
    "distributed.scheduler.allowed-failures": 0,
    # Queue nothing on workers, so that a killed worker is attributed to the recording it
    # was processing.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
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
        scratch_folder() as scratch,
        _temporary_files_in(scratch),
        _without_main_module(),
        ExitStack() as stack,
    ):
        with _defer_sigterm(), _block_sigint():
            cluster = stack.enter_context(_start_cluster_with_retry(jobs, scratch))
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


@contextmanager
def _defer_sigterm() -> Iterator[None]:
    """Handle a SIGTERM inside the context when it ends, so that no half-started worker is left.

    The signal is not blocked, because workers inherit that, and Dask ends them by this signal.
    """
    handler = signal.getsignal(signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not callable(handler):
        yield
        return
    arrived: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        if arrived:
            signal.raise_signal(signal.SIGTERM)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Let workers that start inside the context create temporary files in a folder.

    This process removes the folder in all cases. A worker that is killed removes nothing.
    """
    previous = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)  # of workers, because this process has read it before
    try:
        with dask.config.set({"temporary-directory": str(folder)}):
            yield
    finally:
        if previous is None:
            os.environ.pop("TMPDIR", None)
        else:
            os.environ["TMPDIR"] = previous


def _start_cluster_with_retry(jobs: int, scratch: Path) -> LocalCluster:
    """Start a local cluster, again if a worker process dies while it starts.

    Raises
    ------
    BidsDlError
        No try succeeded.
    """
    for tries_left in reversed(range(START_TRIES)):
        try:
            return _start_cluster(jobs, scratch)
        except RuntimeError as problem:
            if not tries_left:
                raise BidsDlError(
                    f"could not start a worker process ({problem}); run the command again"
                ) from None
    raise ValueError("no try is allowed")


def _own_security(folder: Path) -> Security:
    """Create keys for one cluster, without which other users of this machine cannot connect.

    Parameters
    ----------
    folder
        Folder for the keys, which no other user can read. Dask would write them to a temporary
        folder again and again.
    """
    temporary = Security.temporary()
    certificate = folder / "certificate.pem"
    key = folder / "key.pem"
    for path, content in ((certificate, temporary.tls_ca_file), (key, temporary.tls_client_key)):
        path.touch(mode=0o600)
        path.write_text(content, encoding="ascii")
    files = {"tls_ca_file": str(certificate)}
    for role in ("client", "scheduler", "worker"):
        files |= {f"tls_{role}_cert": str(certificate), f"tls_{role}_key": str(key)}
    return Security(require_encryption=True, **files)


def _start_cluster(jobs: int, scratch: Path) -> LocalCluster:
    return LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # None would open port 8787 all the same
        local_directory=str(scratch),
        security=_own_security(scratch),
        memory_limit=0,
        silence_logs=logging.CRITICAL,
    )
