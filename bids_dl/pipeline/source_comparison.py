"""Comparison of a store with its sources: its windows are created again from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import ValidationError

from bids_dl import source
from bids_dl.config.documents import request_from_document
from bids_dl.config.stages import PipelineConfig
from bids_dl.datamodel import Event, Failure, Recording, Window
from bids_dl.errors import StoreError
from bids_dl.pipeline.disk_space import FetchedSpace, check_cache_space
from bids_dl.pipeline.processing.task import make_task
from bids_dl.pipeline.running.fetch import choose_bytes, make_fetcher, measure_tasks
from bids_dl.pipeline.staging import Staging
from bids_dl.pipeline.staging_entry import StagingEntry
from bids_dl.planning.plan import Plan, make_plan
from bids_dl.remote.location import Location
from bids_dl.remote.scratch import remove_abandoned, scratch_folder
from bids_dl.store import Store
from bids_dl.store.checking.consistency import recording_keys
from bids_dl.store.checking.damage import Damage
from bids_dl.store.format import DROPOUT, SIGNALS, SOURCE_COLUMNS, digest
from bids_dl.store.json_objects import read_json
from bids_dl.store.signals.quantization import MAX_INT16
from bids_dl.wording import count

# Deviations that other versions of the libraries may cause, as a fraction of the standard
# deviation of the channel.
MAX_RELATIVE_DEVIATION = 1e-4
MAX_COLUMN_DEVIATION = 1e-6  # of a number in the window table, such as an onset in s

SOURCE_VALUES: Mapping[str, Callable[[Window, Event], Any]] = {
    "label": lambda window, _: window.label,
    "onset": lambda window, _: window.onset,
    "event_onset": lambda _, event: event.onset,
    "row": lambda _, event: event.row,
}
"""Value of each of `SOURCE_COLUMNS` for a planned window and its event."""

Signals = npt.NDArray[np.float32]


class RowRange(NamedTuple):
    """Range of rows of the window table."""

    start: int
    stop: int


@dataclass(slots=True)
class SourceComparison:
    """Result of the comparison of a store with its sources.

    Attributes
    ----------
    damages
        Everything that differs.
    compared
        Number of recordings whose windows were created again.
    skipped
        Reason for each recording that could not be compared. This is no damage.
    """

    damages: list[Damage] = field(default_factory=list)
    compared: int = 0
    skipped: dict[str, str] = field(default_factory=dict)


def compare_with_sources(
    store: Store,
    sources: Sequence[str],
    access: source.Access,
    *,
    annotations: str | None = None,
    jobs: int | None,
    on_progress: Callable[[int, int], None],
) -> SourceComparison:
    """Create the windows again from the sources, and compare them with those of the store.

    Parameters
    ----------
    sources
        BIDS datasets.
    access
        Cache and connections for remote sources.
    annotations
        Derivative that the store was converted with, None without one.
    jobs
        Worker processes; None chooses by cores and memory.
    on_progress
        Called with the recordings that are done and their total.

    Raises
    ------
    RequestError
        The store was converted with an option that this version does not know, or a source cannot
        be opened.
    StoreError
        The annotations are not given, or the store was converted without any.
    """
    from bids_dl.pipeline.running.execute import run_tasks

    remove_abandoned()
    plan = _plan_again(store, sources, access, annotations)
    rows = _rows_by_recording(recording_keys(store.table))
    comparison = SourceComparison()
    recordings = _comparable_recordings(store, plan, rows, comparison)
    with scratch_folder() as folder, ExitStack() as stack:
        staging = Staging(Location(str(folder)))
        tasks = []
        for recording in recordings:
            tasks.append(choose_bytes(make_task(plan, recording, staging), access))
        fetch_size = measure_tasks(tasks)
        if fetch_size.is_remote:
            access.on_message(fetch_size.describe())
        check_cache_space(FetchedSpace(access.cache.root, fetch_size.n_bytes))
        fetcher = stack.enter_context(make_fetcher(tasks, plan, access))
        results = run_tasks(tasks, PipelineConfig(jobs=jobs), fetcher)
        for n_done, (task, failure) in enumerate(results, 1):
            key = task.recording.key
            entry = failure or staging.read_entry(task.key)
            if isinstance(entry, StagingEntry):
                windows = staging.read_windows(task.key)
                comparison.damages += _compare_windows(store, plan, entry, windows, rows[key])
                comparison.compared += 1
            elif isinstance(entry, Failure):
                comparison.skipped[key] = f"{entry.stage}: {entry.reason}"
            else:
                comparison.skipped[key] = "its staged entry was removed"
            for file in folder.glob(f"{task.key}*"):
                file.unlink()
            on_progress(n_done, len(tasks))
    return comparison


def _comparable_recordings(
    store: Store, plan: Plan, rows: Mapping[str, RowRange], comparison: SourceComparison
) -> list[Recording]:
    """Return the recordings with an unchanged source, and add the others to ``comparison``."""
    stored_plan = read_json(store.location, "plan.json")
    stored_digests = stored_plan.get("recordings", {})
    stored_annotations = stored_plan.get("annotations", {})
    annotations = {key: digest(files) for key, files in plan.annotations.items()}
    by_key = {recording.key: recording for recording in plan.recordings}
    has_stored_spec = plan.spec.ch_names == store.channels and float(plan.spec.sfreq) == store.sfreq
    recordings: list[Recording] = []
    for key, key_rows in rows.items():
        if key not in plan.sources:
            comparison.skipped[key] = "not in the given sources, or not readable there"
        elif digest(dict(plan.sources[key])) != stored_digests.get(key):
            problem = "its source is not the one that was converted (its files differ)"
            comparison.damages.append(Damage(key, problem, key_rows, (key,)))
        elif annotations.get(key) != stored_annotations.get(key):
            problem = "its annotations are not those that were converted (their files differ)"
            comparison.damages.append(Damage(key, problem, key_rows, (key,)))
        elif not has_stored_spec:
            comparison.skipped[key] = (
                "the given sources result in other channels or another sampling rate; "
                "give all sources of the store"
            )
        else:
            recordings.append(by_key[key])
    return recordings


def _rows_by_recording(keys: Sequence[str]) -> dict[str, RowRange]:
    """Return the rows of each recording, whose windows are contiguous."""
    rows: dict[str, RowRange] = {}
    for row, key in enumerate(keys):
        start = rows[key].start if key in rows else row
        rows[key] = RowRange(start, row + 1)
    return rows


def _compare_windows(
    store: Store, plan: Plan, entry: StagingEntry, blocks: Iterator[Signals], rows: RowRange
) -> list[Damage]:
    """Compare the rows of a recording with its windows created again.

    ``blocks`` are these windows, (n_windows, n_chans, n_times) in µV each.
    """
    key = recording_keys(store.table.iloc[rows.start : rows.start + 1])[0]
    n_windows = rows.stop - rows.start
    if len(entry.kept) != n_windows:
        problem = f"its source gives {count(len(entry.kept), 'window')}, the store has {n_windows}"
        return [Damage(key, problem, rows, (key,))]
    damages = _compare_columns(store, plan, key, entry, rows)
    damages += _compare_dropouts(store, key, entry, rows)
    max_deviation = 0.0
    differing: list[int] = []
    start = rows.start
    std = np.array(entry.std)[:, None]
    allowed = 0.5 * (store.resolution or 0.0) + MAX_RELATIVE_DEVIATION * std
    for block in blocks:
        deviations = _deviations(store, start, block)
        max_deviation = max(max_deviation, float(deviations.max(initial=0)))
        is_different = (deviations > allowed).any(axis=(1, 2))
        differing += (start + np.flatnonzero(is_different)).tolist()
        start += len(block)
    if differing:
        n_differing = count(len(differing), "window")
        problem = f"differs from the source in {n_differing}, by up to {max_deviation:.3g} uV"
        damages.append(Damage(key, problem, (differing[0], differing[-1] + 1), (key,)))
    return damages


def _deviations(store: Store, start: int, block: Signals) -> Signals:
    """Return the absolute differences in µV between rows from ``start`` and a block of windows.

    Clipped samples of int16 stores do not differ, because the store declares them.
    """
    stored = _read_rows(store, SIGNALS, start, len(block))
    if store.resolution is None:
        return np.asarray(np.abs(stored - block))
    deviations = np.abs(stored * np.float32(store.resolution) - block)
    deviations[np.abs(stored) == MAX_INT16] = 0
    return np.asarray(deviations)


def _compare_dropouts(store: Store, key: str, entry: StagingEntry, rows: RowRange) -> list[Damage]:
    """Compare the dropout masks of a recording, if the store has them."""
    if DROPOUT not in store.root["consolidated_metadata"]["metadata"]:
        return []
    start = rows.start
    differing: list[int] = []
    for mask in entry.dropout_masks(store.shape[1:]):
        stored = _read_rows(store, DROPOUT, start, len(mask))
        differing += (start + np.flatnonzero((stored != mask).any((1, 2)))).tolist()
        start += len(mask)
    if not differing:
        return []
    problem = f"differs from the dropouts of the source in {count(len(differing), 'window')}"
    return [Damage(DROPOUT, problem, (differing[0], differing[-1] + 1), (key,))]


def _read_rows(store: Store, name: str, start: int, n_rows: int) -> npt.NDArray[Any]:
    return np.asarray(store.group[name][start : start + n_rows])  # type: ignore[index]


def _compare_columns(
    store: Store, plan: Plan, key: str, entry: StagingEntry, rows: RowRange
) -> list[Damage]:
    """Compare the columns of a recording that are determined by its source."""
    windows = [plan.windows[key][i] for i in entry.kept]
    damages: list[Damage] = []
    for name in SOURCE_COLUMNS:
        expected = [SOURCE_VALUES[name](window, plan.events[window.block]) for window in windows]
        stored = store.table[name].iloc[rows.start : rows.stop].tolist()
        pairs = enumerate(zip(stored, expected, strict=True))
        differing = [i for i, (value, other) in pairs if not _is_equal(value, other)]
        if differing:
            first = differing[0]
            problem = (
                f"{name} is {stored[first]!r}, the source says {expected[first]!r} "
                f"(and {len(differing) - 1} more)"
            )
            damaged_rows = (rows.start + first, rows.start + differing[-1] + 1)
            damages.append(Damage(name, problem, damaged_rows, (key,)))
    return damages


def _is_equal(stored: Any, expected: Any) -> bool:
    if isinstance(expected, float):
        return math.isclose(stored, expected, abs_tol=MAX_COLUMN_DEVIATION)
    return bool(stored == expected)


def _plan_again(
    store: Store, sources: Sequence[str], access: source.Access, annotations: str | None
) -> Plan:
    """Make the plan of the store's request from the current sources.

    Raises
    ------
    StoreError
        The request has an option that this version does not know, or it has annotations and none
        are given, or the reverse.
    """
    document = dict(store.attributes["request"])
    events = dict(document["events"])
    if "annotations" in events and annotations is None:
        raise StoreError(
            f"{store.url}: was converted with --annotations; give that derivative too, "
            "with --annotations FOLDER"
        )
    if annotations is not None:
        if "annotations" not in events:
            raise StoreError(f"{store.url}: was converted without --annotations; leave it out")
        document["events"] = events | {"annotations": annotations}
    del document["store"]  # because the storage of samples does not change the windows
    with scratch_folder() as folder:
        recipe = folder / "recipe.yaml"
        recipe.write_text(yaml.safe_dump(document["preprocess"], sort_keys=False), "utf-8")
        try:
            request = request_from_document(document, recipe=str(recipe))
        except ValidationError as problem:
            option = ".".join(str(part) for part in problem.errors()[0]["loc"])
            raise StoreError(
                f"{store.url}: converted with an option that this bids_dl does not know ({option})"
            ) from None
        return make_plan(sources, request, access)
