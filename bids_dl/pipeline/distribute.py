"""Distribute tasks over Dask workers: as many at once as workers and memory allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from uuid import uuid4

from distributed import Future
from distributed.scheduler import KilledWorker

from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline import memory
from bids_dl.pipeline.process import run_task, unexpected_failure
from bids_dl.pipeline.task import Task
from bids_dl.pipeline.workers import WorkerPool

RESULT_TIMEOUT = 20.0  # s to wait for the result of a finished task
POLL_SECONDS = 2.0  # between two checks that workers are left
LOST_WORKERS_TIMEOUT = 60.0  # s without any worker until a run ends; a dead one restarts in two


def run_on_workers(
    tasks: Sequence[Task], pool: WorkerPool
) -> Iterator[tuple[Task, Failure | None]]:
    """Run tasks on the workers of a pool, and yield each one as it ends.

    Raises
    ------
    BidsDlError
        All workers, or the connection to their scheduler, were lost.
    """
    waiting = list(tasks)
    running: dict[str, tuple[Task, Future]] = {}  # by key of the future
    finished: SimpleQueue[Future] = SimpleQueue()
    while waiting or running:
        while task := _next_task(waiting, [task for task, _ in running.values()], pool):
            waiting.remove(task)
            future = _submit(task, pool)
            running[future.key] = task, future
            future.add_done_callback(finished.put)
        future = _wait_for_result(finished, pool, [task for task, _ in running.values()])
        task, _ = running.pop(future.key)
        yield task, _result(future, task, pool)


def _submit(task: Task, pool: WorkerPool) -> Future:
    return pool.client.submit(
        run_task,
        task,
        pool.memory_per_recording if pool.limit_memory else None,
        key=f"process-{task.key[:16]}-{uuid4().hex}",
        pure=False,
        retries=0,
    )


def _next_task(waiting: Sequence[Task], running: Sequence[Task], pool: WorkerPool) -> Task | None:
    """Return the first task for which a worker and enough memory are free, None without one."""
    if len(running) >= max(1, pool.count_workers()):
        return None
    if pool.total_memory is None:
        return next(iter(waiting), None)
    free = pool.total_memory - sum(memory.estimate_memory(task) for task in running)
    for task in waiting:
        if memory.estimate_memory(task) <= free:
            return task
    return None


def _wait_for_result(
    finished: SimpleQueue[Future], pool: WorkerPool, running: Sequence[Task]
) -> Future:
    """Return the next finished future.

    Raises
    ------
    BidsDlError
        No worker was left for `LOST_WORKERS_TIMEOUT`.
    """
    seconds_without_workers = 0.0
    while True:
        try:
            return finished.get(timeout=POLL_SECONDS)
        except Empty:
            has_workers = bool(pool.client.nthreads())
            seconds_without_workers = 0.0 if has_workers else seconds_without_workers + POLL_SECONDS
        if seconds_without_workers >= LOST_WORKERS_TIMEOUT:
            keys = ", ".join(task.recording.key for task in running)
            raise BidsDlError(
                f"{pool.name} were lost, and none returned within {LOST_WORKERS_TIMEOUT:g} s; "
                f"in progress: {keys}\n"
                "  staged recordings are kept: start workers and run the same command again"
            )


def _result(future: Future, task: Task, pool: WorkerPool) -> Failure | None:
    """Return the failure of a finished task, None if it succeeded.

    Raises
    ------
    BidsDlError
        The connection to the scheduler was lost.
    """
    key = task.recording.key
    try:
        problem = future.exception(timeout=RESULT_TIMEOUT)
        if problem is None:
            return future.result(timeout=RESULT_TIMEOUT)  # type: ignore[no-any-return]
    except TimeoutError:
        # The worker died after the task was done. The staged entry tells how the task ended.
        return None
    except CancelledError:
        raise BidsDlError(
            f"lost the connection to {pool.name}; staged recordings are kept: "
            "run the same command again when the scheduler is available"
        ) from None
    if isinstance(problem, KilledWorker):
        reason = "its worker process was killed each time (out of memory, or a crash in a reader)"
        return Failure(key, "worker", reason, transient=True)
    return unexpected_failure(key, problem)
