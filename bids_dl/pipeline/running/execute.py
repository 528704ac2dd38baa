"""Run tasks, each of which processes one recording: on worker processes, or in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.pipeline.processing import memory, process
from bids_dl.pipeline.processing.task import Task
from bids_dl.pipeline.running.fetch import Fetcher

SYNCHRONOUS = "synchronous"
"""Value of ``PipelineConfig.scheduler`` that runs all tasks in this process, as in Dask."""

Result = tuple[Task, Failure | None]
"""A task and why it failed, None if it is staged."""


def run_tasks(
    tasks: Sequence[Task], config: PipelineConfig, fetcher: Fetcher | None = None
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
    # Dask takes half a second to import.
    from bids_dl.pipeline.running.distribute import run_on_workers
    from bids_dl.pipeline.running.workers import start_workers

    packages = {name for task in tasks for name in task.recipe.packages}
    with start_workers(config, len(tasks), packages) as pool:
        yield from _run_with_retry(
            tasks,
            pool.memory_per_recording,
            lambda chosen: run_on_workers(chosen, pool, fetcher),
            fetcher,
        )


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
            failure = arrival.failure or process.run_task(task)
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
