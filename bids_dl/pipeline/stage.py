"""Stage the recordings of a plan that an earlier run has not staged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

from bids_dl import source
from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Failure, Recording
from bids_dl.pipeline.fetch import choose_bytes, make_fetcher
from bids_dl.pipeline.outcome import Progress, ProgressCallback
from bids_dl.pipeline.staging import Staging, StagingEntry
from bids_dl.pipeline.task import Task, make_task
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location

STAGING_READS = 8  # entries read at once, because each costs a round trip if staging is remote

StagingResult = StagingEntry | Failure
"""Entry of a staged recording, or why it could not be staged."""


@dataclass(frozen=True)
class Conversion:
    """A plan, its destination and staging, and how the work is done."""

    plan: Plan
    location: Location
    staging: Staging
    config: PipelineConfig
    access: source.Access
    on_progress: ProgressCallback


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
            tasks.append(choose_bytes(task, conversion.access))
    return tasks


def stage_recordings(
    conversion: Conversion, tasks: Sequence[Task], staged: Mapping[str, StagingResult]
) -> dict[str, StagingResult]:
    """Run tasks, and return their results and those that are staged, by recording key."""
    results = dict(staged)
    if not tasks:
        return results
    from bids_dl.pipeline.execute import run_tasks

    n_recordings = len(staged) + len(tasks)
    n_failed = sum(isinstance(result, Failure) for result in staged.values())
    signal_seconds = 0.0
    start = monotonic()
    conversion.on_progress(Progress("stage", len(results), n_recordings, failed=n_failed))
    fetcher = make_fetcher(tasks, conversion.plan, conversion.access, conversion.on_progress)
    with fetcher:
        for task, failure in run_tasks(tasks, conversion.config, fetcher):
            result = failure or conversion.staging.read_entry(task.key)
            if result is None:
                reason = "its staged entry has vanished"
                result = Failure(task.recording.key, "worker", reason, transient=True)
            results[task.recording.key] = result
            n_failed += isinstance(result, Failure)
            signal_seconds += task.header.duration
            note = f"{failure.recording}: {failure.stage}: {failure.reason}" if failure else ""
            conversion.on_progress(
                Progress(
                    stage="stage",
                    done=len(results),
                    total=n_recordings,
                    note=note,
                    failed=n_failed,
                    signal=signal_seconds,
                    elapsed=monotonic() - start,
                )
            )
    return results
