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
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.processing.process import run_task, unexpected_failure
from bids_dl.pipeline.processing.task import Task
from bids_dl.pipeline.running.fetch import Arrival, Fetcher
from bids_dl.pipeline.running.workers import WorkerPool

RESULT_TIMEOUT = 20.0  # s to wait for the result of a finished task
POLL_SECONDS = 0.5  # between two reports of progress, and checks that workers are left
LOST_WORKERS_TIMEOUT = 60.0  # s without any worker until a run ends; a dead one restarts in two


def run_on_workers(
    tasks: Sequence[Task], pool: WorkerPool, fetcher: Fetcher
) -> Iterator[tuple[Task, Failure | None]]:
    """Run tasks on the workers of a pool, and yield each one as it ends.

    Parameters
    ----------
    fetcher
        Makes the recordings of the tasks available meanwhile. One that it cannot make available
        fails without being started.

    Raises
    ------
    BidsDlError
        All workers, or the connection to their scheduler, were lost, or nothing can be fetched any
        more.
    """
    waiting = {task.recording.key: task for task in tasks}
    running: dict[str, tuple[Task, Future]] = {}  # by key of the future
    events: SimpleQueue[Future | Arrival] = SimpleQueue()  # finished, or available
    fetcher.listen(events.put)
    while waiting or running:
        available = [task for key, task in waiting.items() if fetcher.is_available(key)]
        while task := _next_task(available, [task for task, _ in running.values()], pool):
            available.remove(task)
            del waiting[task.recording.key]
            future = _submit(task, pool)
            running[future.key] = task, future
            future.add_done_callback(events.put)
        event = _wait_for_event(events, pool, fetcher, [task for task, _ in running.values()])
        fetcher.report()
        if isinstance(event, Arrival):
            if event.error:
                raise event.error
            if event.failure and event.key in waiting:
                yield waiting.pop(event.key), event.failure
            continue
        task, _ = running.pop(event.key)
        fetcher.release(task.recording.key)
        yield task, _result(event, task, pool)


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


def _wait_for_event(
    events: SimpleQueue[Future | Arrival],
    pool: WorkerPool,
    fetcher: Fetcher,
    running: Sequence[Task],
) -> Future | Arrival:
    """Return the next finished future or available recording, and report fetched bytes meanwhile.

    Raises
    ------
    BidsDlError
        No worker was left for `LOST_WORKERS_TIMEOUT`.
    """
    seconds_without_workers = 0.0
    while True:
        try:
            return events.get(timeout=POLL_SECONDS)
        except Empty:
            fetcher.report()
            # workers may leave while nothing is fetched yet, as those of an adaptive cluster do
            is_served = not running or bool(pool.client.nthreads())
            seconds_without_workers = 0.0 if is_served else seconds_without_workers + POLL_SECONDS
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
