"""Check that the tables of a store agree with one another. No sample is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.store.checking.damage import Damage
from bids_dl.store.format import EVENT_COLUMNS, ROOT, digest
from bids_dl.store.json_objects import find_json_problem, read_json
from bids_dl.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.store.reader import Store

REQUIRED_ARRAYS = (
    *("channel", "label", "dataset", "subject", "recording", "split", "onset"),
    "recording_windows",
)
MAX_OVERHANG = 1.5  # samples that a window may exceed its recording: rates may share no sample


def check_tables(store: Store) -> list[Damage]:
    """Find contradictions in a store whose objects are all as they were written.

    Returns
    -------
    list of Damage
        One entry per contradiction; empty if the tables agree.
    """
    unreadable = list(_check_documents(store))
    if unreadable:
        return unreadable
    missing = sorted({*REQUIRED_ARRAYS, *store.attributes["classes"]} - set(store.arrays))
    if missing:
        return [Damage(ROOT, f"has no array {name}") for name in missing]
    table = store.table
    return [
        *_check_time(store),
        *_check_classes(store, table),
        *_check_splits(table),
        *_check_events(table),
        *_check_recordings(store, table),
        *_check_positions(store, table),
        *_check_plan(store, table),
        *_check_statistics(store, table),
        *_check_metadata(store),
    ]


def recording_keys(table: pd.DataFrame) -> list[str]:
    """Return the recording key of each window: ``DATASET/RECORDING``."""
    pairs = zip(table["dataset"], table["recording"], strict=True)
    return [f"{dataset}/{recording}" for dataset, recording in pairs]


def _check_documents(store: Store) -> Iterator[Damage]:
    """Check that the JSON documents have values of the right types."""
    for name in ("plan.json", "recordings.json"):
        problem = find_json_problem(store.location, name)
        if problem:
            yield Damage(name, f"cannot be read ({problem})")


def _check_time(store: Store) -> Iterator[Damage]:
    """Check that the times of the samples have the sampling rate of the store."""
    if "time" not in store.arrays:
        return
    interval = np.diff(store.read("time"))
    if not np.allclose(interval, 1 / store.sfreq, rtol=1e-6, atol=1e-9):
        rate = 1 / np.median(interval)
        yield Damage("time", f"has {rate:g} samples per second, the root says {store.sfreq:g} Hz")


def _check_classes(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    """Check that columns hold no value that the attribute ``classes`` lacks."""
    for name, classes in store.attributes["classes"].items():
        unknown = sorted(set(table[name]) - {*classes, "", "n/a"}, key=str)
        if unknown:
            problem = f"contains {unknown[0]!r}, which is not among the classes of the store"
            yield _damage_of_rows(table, table[name].isin(unknown), name, problem)


def _check_splits(table: pd.DataFrame) -> Iterator[Damage]:
    """Check that all windows of a person are in one split."""
    n_splits = table.groupby(["dataset", "subject"], sort=False)["split"].nunique()
    for dataset, subject in n_splits.index[n_splits > 1]:
        rows = (table["dataset"] == dataset) & (table["subject"] == subject)
        names = " and ".join(sorted(set(table["split"][rows])))
        yield _damage_of_rows(table, rows, "split", f"{dataset}/sub-{subject} is in {names}")


def _check_events(table: pd.DataFrame) -> Iterator[Damage]:
    """Check that all windows of an event agree on the columns that describe the event."""
    if "block" not in table:
        return
    for name in EVENT_COLUMNS:
        if name not in table:
            continue
        n_values = table.groupby("block")[name].nunique()
        mixed = n_values.index[n_values > 1]
        if len(mixed):
            problem = f"has several values for windows of the same event (block {mixed[0]})"
            yield _damage_of_rows(table, table["block"].isin(mixed), name, problem)


def _check_recordings(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    """Check that windows of a recording are neighbours, as many as the other tables say."""
    keys = recording_keys(table)
    starts = [i for i, key in enumerate(keys) if i == 0 or keys[i - 1] != key]
    order = [keys[i] for i in starts]
    if len(set(order)) < len(order):
        split_keys = sorted({key for key in order if order.count(key) > 1})
        problem = f"the windows of {split_keys[0]} are not neighbours"
        yield Damage("recording", problem, recordings=tuple(split_keys))
        return
    counts = np.diff([*starts, len(keys)]).tolist()
    yield from _check_window_counts(store, order, counts)
    expected = dict(zip(order, counts, strict=True))
    for key, recording in _read_document(store, "recordings.json").items():
        n_windows = recording.get("windows")
        if n_windows is not None and n_windows != expected.get(key, 0):
            problem = f"{key}: {count(n_windows, 'window')}, the table has {expected.get(key, 0)}"
            yield Damage("recordings.json", problem, recordings=(key,))


def _check_window_counts(store: Store, order: list[str], counts: list[int]) -> Iterator[Damage]:
    """Compare ``recording_windows`` with the number of windows of each recording."""
    stated = store.read("recording_windows").tolist()
    if stated == counts:
        return
    position = min(len(stated), len(counts))
    for i, (left, right) in enumerate(zip(stated, counts, strict=False)):
        if left != right:
            position = i
            break
    problem = (
        f"differs from the table from recording {position} on "
        f"({sum(stated)} and {count(sum(counts), 'window')} in all)"
    )
    recordings = tuple(order[position : position + 1])
    yield Damage("recording_windows", problem, recordings=recordings)


def _check_positions(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    """Check that windows are within their recordings."""
    recordings = _read_document(store, "recordings.json")
    keys = recording_keys(table)
    durations = [recordings.get(key, {}).get("duration", np.inf) for key in keys]
    tolerance = MAX_OVERHANG / store.sfreq
    start = table["onset"].to_numpy(float)
    stop = start + store.shape[2] / store.sfreq
    inside = (start > -tolerance) & (stop < np.array(durations) + tolerance)
    if not inside.all():
        yield _damage_of_rows(table, ~inside, "onset", "windows exceed their recordings")


def _check_plan(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    """Check that the plan is the one of the root, and that persons are in the planned splits."""
    plan = _read_document(store, "plan.json")
    computed = digest(plan)
    if computed != store.attributes.get("plan", computed):
        yield Damage("plan.json", "is not the plan that the root names")
    if "request" in plan and plan["request"] != store.attributes.get("request"):
        yield Damage(ROOT, "has another request than plan.json")
    people = table[["dataset", "subject", "split"]].drop_duplicates()
    for dataset, subject, split in people.itertuples(index=False):
        planned = plan.get("splits", {}).get(f"{dataset}/{subject}", split)
        if planned != split:
            rows = (table["dataset"] == dataset) & (table["subject"] == subject)
            problem = f"{dataset}/sub-{subject} is in {split}, planned was {planned}"
            yield _damage_of_rows(table, rows, "split", problem)


def _check_statistics(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    """Check the counts in the attribute ``statistics``."""
    stated = store.attributes.get("statistics", {})
    people = table[["dataset", "subject", "split"]].drop_duplicates()
    labels = {}
    for label in stated.get("windows", {}):
        labels[label] = int((table["label"] == label).sum())
    splits = {}
    for name in stated.get("splits", {}):
        splits[name] = {
            "persons": int((people["split"] == name).sum()),
            "windows": int((table["split"] == name).sum()),
        }
    counted = {
        "recordings": len(set(recording_keys(table))),
        "persons": len(people),
        "windows": labels,
        "splits": splits,
    }
    for name, value in stated.items():
        if counted.get(name, value) != value:
            yield Damage(ROOT, f"the statistics say {name} {value}, the table has {counted[name]}")


def _check_metadata(store: Store) -> Iterator[Damage]:
    """Check that the `zarr.json` of each array is the one in the root."""
    for name, array in store.root["consolidated_metadata"]["metadata"].items():
        if _read_document(store, f"{name}/{ROOT}") != array:
            yield Damage(f"{name}/{ROOT}", "differs from the metadata in the root")


def _read_document(store: Store, name: str) -> Mapping[str, Any]:
    """Read a JSON object of the store. A missing one is empty, because the manifest reports it."""
    try:
        return read_json(store.location, name)
    except FileNotFoundError:
        return {}


def _damage_of_rows(table: pd.DataFrame, mask: Any, where: str, problem: str) -> Damage:
    """Describe damage of the rows that a mask selects.

    Parameters
    ----------
    mask
        (n_windows,), bool.
    where
        Name of the array.
    """
    rows = np.flatnonzero(mask)
    keys = recording_keys(table.iloc[rows])
    windows = (int(rows[0]), int(rows[-1]) + 1)
    return Damage(where, problem, windows, tuple(dict.fromkeys(keys)))
