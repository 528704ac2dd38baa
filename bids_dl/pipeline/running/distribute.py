"""Distribute tasks over workers: as many at once as workers and memory allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic

from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.processing.task import Task
from bids_dl.pipeline.running.durations import log_duration
from bids_dl.pipeline.running.fetch import Arrival, Fetcher
from bids_dl.pipeline.running.worker_pool import PendingResult, WorkerPool

POLL_SECONDS = 0.5  # between two reports of progress, and checks that workers are left
LOST_WORKERS_TIMEOUT = 60.0  # s without any worker until a run ends; a dead one restarts in two


@dataclass(frozen=True, slots=True)
class _Ended:
    """A task that has ended, by the key of its recording."""

    key: str


@dataclass(frozen=True, slots=True)
class _Running:
    """A task that a worker runs, since a moment in s."""

    task: Task
    pending: PendingResult
    start: float


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
    running: dict[str, _Running] = {}
    events: SimpleQueue[_Ended | Arrival] = SimpleQueue()
    fetcher.listen(events.put)
    while waiting or running:
        available = [task for key, task in waiting.items() if fetcher.is_available(key)]
        while task := _next_task(available, [item.task for item in running.values()], pool):
            available.remove(task)
            key = task.recording.key
            del waiting[key]
            running[key] = _Running(task, pool.submit(task), monotonic())
            running[key].pending.add_done_callback(_reporter(key, events))
        event = _wait_for_event(events, pool, fetcher, list(running))
        fetcher.report()
        if isinstance(event, Arrival):
            if event.error:
                raise event.error
            if event.failure and event.key in waiting:
                yield waiting.pop(event.key), event.failure
            continue
        item = running.pop(event.key)
        fetcher.release(event.key)
        failure = item.pending.result()
        log_duration(event.key, monotonic() - item.start, failure)
        yield item.task, failure


def _reporter(key: str, events: SimpleQueue[_Ended | Arrival]) -> Callable[[object], None]:
    """Return a function that reports the end of a task."""

    def report(_: object) -> None:
        events.put(_Ended(key))

    return report


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
    events: SimpleQueue[_Ended | Arrival],
    pool: WorkerPool,
    fetcher: Fetcher,
    running: Sequence[str],
) -> _Ended | Arrival:
    """Return the next ended task or available recording, and report fetched bytes meanwhile.

    Parameters
    ----------
    running
        Keys of the recordings in progress.

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
            is_served = not running or pool.has_workers()
            seconds_without_workers = 0.0 if is_served else seconds_without_workers + POLL_SECONDS
        if seconds_without_workers >= LOST_WORKERS_TIMEOUT:
            raise BidsDlError(
                f"{pool.name} were lost, and none returned within {LOST_WORKERS_TIMEOUT:g} s; "
                f"in progress: {', '.join(running)}\n"
                "  staged recordings are kept: start workers and run the same command again"
            )
