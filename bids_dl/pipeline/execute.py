"""Run tasks on Dask: as many at once as there are workers and memory; what fails in passing or kills its worker once more, alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from uuid import uuid4

from distributed import Future
from distributed.scheduler import KilledWorker

from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure
from bids_dl.errors import BidsDlError
from bids_dl.pipeline import memory
from bids_dl.pipeline.process import stage
from bids_dl.pipeline.task import Task
from bids_dl.pipeline.workers import WorkerPool, start_workers

GATHER = 20.0  # s to wait for what a task that is done has returned
PULSE = 2.0  # s between two looks at whether there are workers left
PATIENCE = (
    60.0  # s without a single worker before a run is given up; one that died is started anew in two
)


def run_tasks(
    tasks: Sequence[Task], config: PipelineConfig
) -> Iterator[tuple[Task, Failure | None]]:
    """Stage recordings and yield each as it ends.

    A recording that needs more memory than there may be taken is not begun. What fails in passing, or kills its worker, is tried once more
    when all others are done and nothing else runs: so a recording is never blamed for its neighbour, and costs itself only.

    Raises
    ------
    BidsDlError
        All workers have gone; what is staged stays.
    """
    if not tasks:
        return
    with start_workers(
        config, len(tasks), {name for task in tasks for name in task.recipe.packages}
    ) as crew:
        refused = {
            task.key: failure for task in tasks if (failure := memory.refusal(task, crew.each))
        }
        yield from ((task, refused[task.key]) for task in tasks if task.key in refused)
        again = []
        for task, failure in _run([task for task in tasks if task.key not in refused], crew):
            if failure and failure.transient:
                again.append(task)
            else:
                yield task, failure
        for task in again:
            yield from _run([task], crew)


def _run(tasks: Sequence[Task], crew: WorkerPool) -> Iterator[tuple[Task, Failure | None]]:
    waiting = list(tasks)
    running: dict[str, tuple[Task, Future]] = {}
    finished: SimpleQueue[Future] = SimpleQueue()
    while waiting or running:
        while task := _next(waiting, [task for task, _ in running.values()], crew):
            waiting.remove(task)
            limit = crew.each if crew.guarded else None
            future = crew.client.submit(
                stage,
                task,
                limit,
                key=f"stage-{task.key[:16]}-{uuid4().hex}",
                pure=False,
                retries=0,
            )
            running[future.key] = task, future
            future.add_done_callback(finished.put)
        future = _await(finished, crew, [task for task, _ in running.values()])
        task, _ = running.pop(future.key)
        yield task, _outcome(future, task, crew)


def _next(waiting: Sequence[Task], running: Sequence[Task], crew: WorkerPool) -> Task | None:
    """The first recording for which there is a worker and memory now."""
    if len(running) >= max(1, crew.size()):
        return None
    if crew.together is None:
        return next(iter(waiting), None)
    free = crew.together - sum(map(memory.needed, running))
    return next((task for task in waiting if memory.needed(task) <= free), None)


def _await(finished: SimpleQueue[Future], crew: WorkerPool, running: Sequence[Task]) -> Future:
    """The next future that is done."""
    alone = 0.0
    while True:
        try:
            return finished.get(timeout=PULSE)
        except Empty:
            alone = 0.0 if crew.client.nthreads() else alone + PULSE
        if alone >= PATIENCE:
            names = ", ".join(task.recording.key for task in running)
            raise BidsDlError(
                f"{crew.name} have all gone and none has come back in {PATIENCE:g} s; under way: {names}\n"
                "  what is staged stays: start workers and run the same command again"
            )


def _outcome(future: Future, task: Task, crew: WorkerPool) -> Failure | None:
    try:
        problem = future.exception(timeout=GATHER)
        if problem is None:
            return future.result(timeout=GATHER)  # type: ignore[no-any-return]
    except (
        TimeoutError
    ):  # it was done, and its worker has died since with what it returned: the staged entry tells
        return None
    except CancelledError:
        raise BidsDlError(
            f"the connection to {crew.name} is lost; what is staged stays: run the same command again when the scheduler is there"
        ) from None
    if isinstance(problem, KilledWorker):
        reason = "its worker process was killed each time (out of memory, or a crash in a reader)"
        return Failure(task.recording.key, "worker", reason, transient=True)
    return Failure(
        task.recording.key,
        "worker",
        f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:300],
        transient=True,
    )
