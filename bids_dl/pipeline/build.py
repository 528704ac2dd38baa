"""Build the store of a plan: stage its recordings, then pack them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from bids_dl.datamodel import Failure
from bids_dl.errors import RequestError
from bids_dl.pipeline.disk_space import FetchedSpace, check_space
from bids_dl.pipeline.existing_store import check_same_plan, read_finished_store
from bids_dl.pipeline.messages import conversion_warnings, no_store_error
from bids_dl.pipeline.outcome import Outcome, Progress, ProgressCallback, count_people
from bids_dl.pipeline.packing.pack import MissingRecordings, pack
from bids_dl.pipeline.processing import memory
from bids_dl.pipeline.running.fetch import measure_tasks
from bids_dl.pipeline.running.stage import (
    Conversion,
    StagingResult,
    make_tasks,
    read_staged,
    stage_again,
    stage_recordings,
)
from bids_dl.pipeline.staging_entry import StagedRecording, StagingEntry
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location
from bids_dl.sharing.derivative import describe_derivative, find_derivative_folder
from bids_dl.store.format import UNFINISHED
from bids_dl.store.reader import open_store
from bids_dl.wording import join_names

MAX_LISTED_RECORDINGS = 3  # in a warning


def build_or_retry(conversion: Conversion) -> Outcome:
    """Build the store of a plan, or retry the failures of a finished one.

    Raises
    ------
    StoreError
        The destination has a store of another plan, or cannot be written to.
    BidsDlError
        No window is left.
    """
    outcome = _convert_plan(conversion)
    return replace(outcome, warnings=outcome.warnings + _describe_derivative(conversion))


def _convert_plan(conversion: Conversion) -> Outcome:
    """Build the store of a plan, or retry the failures of a finished one."""
    plan, location = conversion.plan, conversion.location
    attributes = read_finished_store(location)
    if attributes is not None and not conversion.config.overwrite:
        location.remove(UNFINISHED)  # left by a run killed between its last two writes
        check_same_plan(location, plan, attributes)
        return _retry_failed(conversion, attributes)
    for place in (location, conversion.staging.location):
        place.check_writable()
    return _build_store(conversion)


def _describe_derivative(conversion: Conversion) -> tuple[str, ...]:
    """Describe the BIDS derivative that the store belongs to, if any, and return warnings."""
    location = conversion.location
    if find_derivative_folder(PurePosixPath(location.root)) is None:
        return ()
    attributes = read_finished_store(location) or {}
    datasets = conversion.plan.survey.datasets
    roots = {name: dataset.root for name, dataset in datasets.items() if not dataset.is_cached}
    warning = describe_derivative(location, attributes, roots)
    return (warning,) if warning else ()


def _build_store(conversion: Conversion) -> Outcome:
    """Stage the recordings that are not staged yet, then pack all.

    Raises
    ------
    BidsDlError
        No window is left.
    """
    plan, staging = conversion.plan, conversion.staging
    reused = read_staged(plan, plan.recordings, staging)
    tasks = make_tasks(conversion, plan.recordings, reused)
    fetch_size = measure_tasks(tasks)
    check_space(
        plan,
        conversion.location,
        staging.location,
        sum(len(plan.windows[task.recording.key]) for task in tasks),
        fetched=FetchedSpace(conversion.access.cache.root, fetch_size.n_bytes),
    )
    if fetch_size.is_remote:
        conversion.on_progress(Progress("plan", 1, 1, note=fetch_size.describe()))
    staging.prepare()
    try:
        results = stage_recordings(conversion, tasks, reused)
    except RequestError:  # such as a scheduler that does not answer
        staging.remove_if_empty()
        raise
    failures = [*plan.failures, *_failures(results)]
    staged, without_windows = _staged_recordings(plan, results)
    if not staged:
        staging.remove_if_empty()
        raise no_store_error(failures, without_windows, conversion.config)

    def restage(item: StagedRecording) -> None:
        stage_again(conversion, item, staged[staged.index(item) + 1 :])

    processed = [*staged, *without_windows]
    warnings = (*plan.warnings, *conversion_warnings(plan, processed))
    n_windows = pack(
        replace(plan, warnings=warnings),
        staged,
        staging,
        conversion.location,
        missing=MissingRecordings(failures, without_windows),
        on_progress=_PackProgress(plan.n_windows, conversion.on_progress),
        stage_again=restage,
    )
    warnings += _clean_staging(conversion, failures)
    return Outcome(
        url=conversion.location.url,
        n_windows=n_windows,
        n_recordings=len(staged),
        people=count_people(plan, _count_windows(plan, staged)),
        failures=tuple(failures),
        warnings=warnings,
        dropped=len(plan.dropped) + sum(len(item.entry.dropped) for item in processed),
        reused=sum(isinstance(entry, StagingEntry) for entry in reused.values()),
    )


def _failures(results: Mapping[str, StagingResult]) -> list[Failure]:
    return [result for result in results.values() if isinstance(result, Failure)]


def _staged_recordings(
    plan: Plan, results: Mapping[str, StagingResult]
) -> tuple[list[StagedRecording], list[StagedRecording]]:
    """List the recordings with and without windows that did not fail, in the order of the plan."""
    with_windows: list[StagedRecording] = []
    without_windows: list[StagedRecording] = []
    for recording in plan.recordings:
        entry = results[recording.key]
        if isinstance(entry, StagingEntry):
            staged = StagedRecording(recording, plan.staging_keys[recording.key], entry)
            (with_windows if entry.kept else without_windows).append(staged)
    return with_windows, without_windows


def _count_windows(
    plan: Plan, staged: Sequence[StagedRecording]
) -> Counter[tuple[str, str, str, str]]:
    """Count windows by (dataset, subject, split, label)."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for recording, _, entry in staged:
        planned = plan.windows[recording.key]
        for number in entry.kept:
            split = plan.splits[recording.person]
            counts[*recording.person, split, planned[number].label] += 1
    return counts


def _clean_staging(conversion: Conversion, failures: Sequence[Failure]) -> tuple[str, ...]:
    """Remove the staged entries, or keep them if a retry of the failed recordings may succeed.

    Returns
    -------
    tuple of str
        A warning if entries are kept.
    """
    staging = conversion.staging
    keys = conversion.plan.staging_keys.values()
    if not any(failure.transient or failure.stage == "source" for failure in failures):
        staging.remove(keys)
        return ()
    staging.keep_only(keys)
    limit = memory.describe_limit(conversion.config, failures)
    note = (f"{limit}; set another with --memory",) if limit else ()
    return (
        *note,
        "some failures may be transient, or disappear when their files are fetched: run the same "
        f"command again; staged recordings are kept in {staging.location.url}",
    )


def _retry_failed(conversion: Conversion, attributes: Mapping[str, Any]) -> Outcome:
    """Retry the transient failures of a finished store, which itself is left as it is.

    Parameters
    ----------
    attributes
        Attributes of the store.
    """
    plan, staging, location = conversion.plan, conversion.staging, conversion.location
    failures = []
    transient = set()
    for stored in attributes["failures"]:
        failure = Failure(**stored)
        failures.append(failure)
        if failure.transient:
            transient.add(failure.recording)
    retried = [recording for recording in plan.recordings if recording.key in transient]
    if retried:
        staging.prepare()
    else:
        staging.remove(plan.staging_keys.values())  # left by a run killed after its last write
    staged = read_staged(plan, retried, staging)
    results = stage_recordings(conversion, make_tasks(conversion, retried, staged), staged)
    repaired = [key for key, result in results.items() if isinstance(result, StagingEntry)]
    warnings = plan.warnings
    if repaired:
        names = join_names(repaired, limit=MAX_LISTED_RECORDINGS)
        warnings += (
            f"{names}: failed before and can be converted now; "
            f"--overwrite writes the store again, with {len(repaired)} more",
        )
    statistics = attributes["statistics"]
    return Outcome(
        url=location.url,
        n_windows=sum(statistics["windows"].values()),
        n_recordings=statistics["recordings"],
        people=count_people(plan, _count_stored_windows(location)),
        failures=tuple(failures),
        warnings=warnings,
        unchanged=True,
    )


def _count_stored_windows(location: Location) -> Counter[tuple[str, str, str, str]]:
    """Count the windows of a store by (dataset, subject, split, label)."""
    store = open_store(location.url, storage_options=location.storage_options)
    columns = [store.read(name).tolist() for name in ("dataset", "subject", "split", "label")]
    return Counter(zip(*columns, strict=True))


class _PackProgress:
    """Reports the number of packed windows.

    Parameters
    ----------
    total
        Number of windows to pack.
    """

    def __init__(self, total: int, on_progress: ProgressCallback) -> None:
        self._total = total
        self._on_progress = on_progress
        self._done = 0

    def __call__(self, n_windows: int) -> None:
        """Add windows that were packed since the last call."""
        self._done += n_windows
        self._on_progress(Progress("pack", self._done, self._total))
