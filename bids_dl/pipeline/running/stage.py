"""Stage the recordings of a plan that an earlier run has not staged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic

from bids_dl import source
from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure, Recording
from bids_dl.errors import BidsDlError
from bids_dl.pipeline.outcome import Progress, ProgressCallback
from bids_dl.pipeline.processing.task import Task, make_task
from bids_dl.pipeline.running.fetch import choose_bytes, make_fetcher
from bids_dl.pipeline.running.local_workers import WorkerStarter
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.staging_entry import StagedRecording, StagingEntry
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location
from bids_dl.wording import join_names

STAGING_TRIES = 2  # of a recording whose entry vanishes, as if another conversion removed it
MAX_LISTED = 3  # recordings in a message
STAGING_READS = 8  # entries read at once, because each costs a round trip if staging is remote

StagingResult = StagingEntry | Failure
"""Entry of a staged recording, or why it could not be staged."""


@dataclass(frozen=True)
class Conversion:
    """A plan, its destination and staging, and how the work is done.

    Attributes
    ----------
    starter
        Starts the processes of the work; None if they are not prepared yet, or not local.
    """

    plan: Plan
    location: Location
    staging: Staging
    config: PipelineConfig
    access: source.Access
    on_progress: ProgressCallback
    starter: WorkerStarter | None = None


def read_staged(
    plan: Plan, recordings: Sequence[Recording], staging: Staging
) -> dict[str, StagingResult]:
    """Read the entries that an earlier run has staged, by recording key."""
    keys = [plan.staging_keys[recording.key] for recording in recordings]
    with ThreadPoolExecutor(STAGING_READS) as pool:
        entries = list(pool.map(staging.read_entry, keys))
    staged = {}
    for recording, entry in zip(recordings, entries, strict=True):
        if entry is not None:
            staged[recording.key] = entry
    return staged


def make_tasks(
    conversion: Conversion,
    recordings: Sequence[Recording],
    staged: Mapping[str, StagingResult],
) -> list[Task]:
    """Make the tasks of the recordings that are not staged yet."""
    tasks = []
    for recording in recordings:
        if recording.key not in staged:
            task = make_task(conversion.plan, recording, conversion.staging)
            task = choose_bytes(task, conversion.access)
            hashed = source.with_partial_states(task.dataset, task.hashed)
            tasks.append(replace(task, hashed=hashed))
    return tasks


def stage_recordings(
    conversion: Conversion, tasks: Sequence[Task], staged: Mapping[str, StagingResult]
) -> dict[str, StagingResult]:
    """Run tasks, and return their results and those that are staged, by recording key."""
    results = dict(staged)
    if not tasks:
        return results
    progress = _StageProgress(conversion.on_progress, results, len(staged) + len(tasks))
    remaining = tasks
    for _ in range(STAGING_TRIES):
        vanished = []
        for task, failure in _run(conversion, remaining):
            result = failure or conversion.staging.read_entry(task.key)
            if result is None:
                vanished.append(task)
                continue
            results[task.recording.key] = result
            progress.report(task, failure)
        remaining = vanished
    for task in remaining:
        failure = Failure(
            task.recording.key,
            "worker",
            "its staged entry was removed or damaged each time; check the disk of the staging "
            "folder, and whether something else empties it",
            transient=True,
        )
        results[task.recording.key] = failure
        progress.report(task, failure)
    return results


def stage_again(
    conversion: Conversion, item: StagedRecording, following: Sequence[StagedRecording]
) -> None:
    """Stage a recording again whose entry is damaged or gone, with all others that are gone.

    Another conversion with the same staging folder may have removed them.

    Parameters
    ----------
    following
        Recordings that are packed after it.

    Raises
    ------
    BidsDlError
        The recording cannot be staged again, or with another result.
    """
    staging = conversion.staging
    staging.prepare()
    staging.discard(item.key)
    recordings = [item.recording]
    for other in following:
        if staging.read_entry(other.key) is None:
            recordings.append(other.recording)
    names = join_names([recording.key for recording in recordings], limit=MAX_LISTED)
    note = f"staged windows are damaged or gone, and are staged again: {names}"
    conversion.on_progress(Progress("stage", 0, len(recordings), note=note))
    results = stage_recordings(conversion, make_tasks(conversion, recordings, {}), {})
    result = results[item.recording.key]
    if isinstance(result, Failure):
        problem = f"could not be staged again ({result.stage}: {result.reason})"
    elif result != item.entry:
        problem = "were staged again with another result"
    else:
        return
    raise BidsDlError(
        f"{item.recording.key}: its staged windows were damaged or removed, and {problem}; "
        "run the same command again"
    )


def _run(conversion: Conversion, tasks: Sequence[Task]) -> Iterator[tuple[Task, Failure | None]]:
    """Run tasks, and fetch their recordings meanwhile."""
    if not tasks:
        return
    from bids_dl.pipeline.running.execute import run_tasks

    fetcher = make_fetcher(tasks, conversion.plan, conversion.access, conversion.on_progress)
    with fetcher:
        yield from run_tasks(tasks, conversion.config, fetcher, conversion.starter)


class _StageProgress:
    """Reports the recordings that are staged or failed.

    Parameters
    ----------
    results
        Results so far, to which others are added.
    total
        Number of recordings.
    """

    def __init__(
        self, on_progress: ProgressCallback, results: Mapping[str, StagingResult], total: int
    ) -> None:
        self._on_progress = on_progress
        self._results = results
        self._total = total
        self._n_failed = sum(isinstance(result, Failure) for result in results.values())
        self._signal_seconds = 0.0
        self._start = monotonic()
        on_progress(Progress("stage", len(results), total, failed=self._n_failed))

    def report(self, task: Task, failure: Failure | None) -> None:
        """Report the result of a task."""
        self._n_failed += isinstance(self._results[task.recording.key], Failure)
        self._signal_seconds += task.header.duration
        note = f"{failure.recording}: {failure.stage}: {failure.reason}" if failure else ""
        self._on_progress(
            Progress(
                stage="stage",
                done=len(self._results),
                total=self._total,
                note=note,
                failed=self._n_failed,
                signal=self._signal_seconds,
                elapsed=monotonic() - self._start,
            )
        )
