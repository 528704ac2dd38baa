"""Run tasks, each of which processes one recording: on worker processes, or in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from time import monotonic

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.pipeline.processing import memory, process
from bids_dl.pipeline.processing.task import Task
from bids_dl.pipeline.running.distribute import run_on_workers
from bids_dl.pipeline.running.durations import log_duration
from bids_dl.pipeline.running.fetch import Fetcher
from bids_dl.pipeline.running.local_workers import LocalWorkers, WorkerStarter, open_starter
from bids_dl.pipeline.running.worker_pool import WorkerPool

SYNCHRONOUS = "synchronous"
"""Value of ``PipelineConfig.scheduler`` that runs all tasks in this process, as in Dask."""

Result = tuple[Task, Failure | None]
"""A task and why it failed, None if it is staged."""


def run_tasks(
    tasks: Sequence[Task],
    config: PipelineConfig,
    fetcher: Fetcher | None = None,
    starter: WorkerStarter | None = None,
) -> Iterator[Result]:
    """Process and stage recordings, and yield each one as it ends.

    A recording that needs more memory than allowed is not started. A transient failure, and the
    death of a worker, is retried once when all other tasks are done and nothing else runs. A
    recording is thus never blamed for its neighbour and fails only itself.

    Parameters
    ----------
    tasks
        Recordings to process.
    config
        ``scheduler`` selects a local pool of processes (None), the workers of a Dask scheduler
        (its address), or this process (``"synchronous"``).
    fetcher
        Makes the recordings of the tasks available; None if all are on this machine.
    starter
        Starts local processes; None to begin with their preparation now.

    Yields
    ------
    task, failure
        In the order in which tasks end. The failure is None if the recording is staged.

    Raises
    ------
    BidsDlError
        All workers were lost, or nothing can be fetched any more. Staged entries stay.
    """
    if not tasks:
        return
    fetcher = fetcher or Fetcher()
    if config.scheduler == SYNCHRONOUS:
        yield from _run_in_this_process(tasks, config, fetcher)
        return
    with _open_pool(tasks, config, starter) as pool:
        yield from _run_with_retry(
            tasks,
            pool.memory_per_recording,
            lambda chosen: run_on_workers(chosen, pool, fetcher),
            fetcher,
        )


@contextmanager
def _open_pool(
    tasks: Sequence[Task], config: PipelineConfig, starter: WorkerStarter | None
) -> Iterator[WorkerPool]:
    """Provide processes of this machine, or the workers of a Dask scheduler."""
    if config.scheduler:
        # Dask takes half a second to import.
        from bids_dl.pipeline.running.dask_workers import connect_workers

        packages = {name for task in tasks for name in task.recipe.packages}
        with connect_workers(config, config.scheduler, packages) as workers:
            yield workers
        return
    jobs = min(config.jobs or os.cpu_count() or 1, len(tasks))
    max_bytes = config.memory or memory.available_memory()
    with (
        nullcontext(starter) if starter else open_starter() as opened,
        LocalWorkers(opened, jobs, max_bytes) as pool,
    ):
        yield pool


def _run_in_this_process(
    tasks: Sequence[Task], config: PipelineConfig, fetcher: Fetcher
) -> Iterator[Result]:
    """Process recordings one after the other. The memory of this process is not limited."""

    def run(chosen: Sequence[Task]) -> Iterator[Result]:
        for task in chosen:
            key = task.recording.key
            arrival = fetcher.wait(key)
            if arrival.error:
                raise arrival.error
            start = monotonic()
            failure = arrival.failure or process.run_task(task)
            log_duration(key, monotonic() - start, failure)
            fetcher.release(key)
            yield task, failure

    yield from _run_with_retry(tasks, config.memory or memory.available_memory(), run, fetcher)


def _run_with_retry(
    tasks: Sequence[Task],
    max_bytes: int | None,
    run: Callable[[Sequence[Task]], Iterable[Result]],
    fetcher: Fetcher,
) -> Iterator[Result]:
    """Run the tasks that fit into memory, and those that failed transiently again, one by one."""
    accepted = []
    for task in tasks:
        refusal = memory.refuse_if_too_large(task, max_bytes)
        if refusal:
            fetcher.release(task.recording.key)
            yield task, refusal
        else:
            accepted.append(task)
    transient = []
    for task, failure in run(accepted):
        if failure and failure.transient:
            transient.append(task)
        else:
            yield task, failure
    for task in transient:
        yield from run([task])
