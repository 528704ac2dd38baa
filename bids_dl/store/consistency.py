"""Whether the tables of a store agree with one another: nothing here reads a sample."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.store.format import ROOT
from bids_dl.store.integrity import Damage

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.store.reader import Store

OF_AN_EVENT = ("dataset", "recording", "row", "event_onset", "label", "hed", "end_rule")
"""Columns of which the windows of a block have one value."""


def check_tables(store: Store) -> list[Damage]:
    """What contradicts itself in a store whose objects are all as they were written."""
    shapes = [*_check_shapes(store)]
    if shapes:
        return shapes  # the table cannot be put together
    table = store.table
    said = [
        *_check_columns(store, table),
        *_check_recordings(store, table),
        *_check_positions(store, table),
        *_check_plan(store, table),
    ]
    return [*said, *_check_counts(store, table), *_check_metadata(store)]


def keys_of(table: pd.DataFrame) -> list[str]:
    """The key of each window's recording."""
    return [
        f"{dataset}/{recording}"
        for dataset, recording in zip(table["dataset"], table["recording"], strict=True)
    ]


def _check_shapes(store: Store) -> Iterator[Damage]:
    n_windows, n_chans, n_times = store.shape
    sizes = {"window": n_windows, "channel": n_chans, "time": n_times}
    for name, array in store.root["consolidated_metadata"]["metadata"].items():
        for dimension, size in zip(array["dimension_names"], array["shape"], strict=True):
            if sizes.setdefault(dimension, size) != size:
                yield Damage(
                    name, f"has {size} along {dimension}, other arrays have {sizes[dimension]}"
                )


def _check_columns(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    for name, classes in store.attributes["classes"].items():
        if unknown := sorted(
            {value for value in table[name] if value not in {*classes, "", "n/a"}}, key=str
        ):
            yield _at(
                table,
                table[name].isin(unknown),
                name,
                f"holds {unknown[0]!r}, which is no class of the store",
            )
    splits = table.groupby(["dataset", "subject"], sort=False)["split"].nunique()
    for dataset, subject in splits.index[splits > 1]:
        rows = (table["dataset"] == dataset) & (table["subject"] == subject)
        yield _at(
            table,
            rows,
            "split",
            f"{dataset}/sub-{subject} is in {' and '.join(sorted(set(table['split'][rows])))}",
        )
    if "block" in table:
        for name in OF_AN_EVENT:
            if name in table and len(
                mixed := (counts := table.groupby("block")[name].nunique()).index[counts > 1]
            ):
                yield _at(
                    table,
                    table["block"].isin(mixed),
                    name,
                    f"has several values for windows of the same event (block {mixed[0]})",
                )


def _check_recordings(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    keys = keys_of(table)
    begins = [i for i, key in enumerate(keys) if i == 0 or keys[i - 1] != key]
    order = [keys[i] for i in begins]
    if twice := sorted(
        {key for key in order if order.count(key) > 1} if len(set(order)) < len(order) else ()
    ):
        yield Damage(
            "recording", f"the windows of {twice[0]} are not neighbours", recordings=tuple(twice)
        )
        return
    counts = np.diff([*begins, len(keys)]).tolist()
    said = store.read("recording_windows").tolist()
    if said != counts:
        place = next(
            (i for i, (a, b) in enumerate(zip(said, counts, strict=False)) if a != b),
            min(len(said), len(counts)),
        )
        hit = tuple(order[place : place + 1])
        yield Damage(
            "recording_windows",
            f"differs from the table from recording {place} on ({sum(said)} and {len(keys)} in all)",
            None,
            hit,
        )
    for key, about in _document(store, "recordings.json").items():
        if "windows" in about and about["windows"] != (
            there := dict(zip(order, counts, strict=True)).get(key, 0)
        ):
            yield Damage(
                "recordings.json",
                f"{key}: {about['windows']} windows, the table has {there}",
                recordings=(key,),
            )


def _check_positions(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    """Windows lie inside their recordings."""
    length, recordings = store.shape[2] / store.sfreq, _document(store, "recordings.json")
    ends = np.array([recordings.get(key, {}).get("duration", np.inf) for key in keys_of(table)])
    onset = table["onset"].to_numpy(float)
    outside = ~(
        (onset > -1.5 / store.sfreq) & (onset + length < ends + 1.5 / store.sfreq)
    )  # rates may share no sample
    if outside.any():
        yield _at(table, outside, "onset", "windows lie outside their recordings")


def _check_plan(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    plan = _document(store, "plan.json")
    digest = hashlib.sha256(
        json.dumps(plan, sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()
    if digest != store.attributes.get("plan", digest):
        yield Damage("plan.json", "is not the plan that the root names")
    people = table[["dataset", "subject", "split"]].drop_duplicates()
    for dataset, subject, split in people.itertuples(index=False):
        planned = plan.get("splits", {}).get(f"{dataset}/{subject}", split)
        if planned != split:
            rows = (table["dataset"] == dataset) & (table["subject"] == subject)
            yield _at(
                table,
                rows,
                "split",
                f"{dataset}/sub-{subject} is in {split}, planned was {planned}",
            )


def _check_counts(store: Store, table: pd.DataFrame) -> Iterator[Damage]:
    said = store.attributes.get("statistics", {})
    people = table[["dataset", "subject", "split"]].drop_duplicates()
    there = {
        "recordings": len(set(keys_of(table))),
        "persons": len(people),
        "windows": {
            label: int((table["label"] == label).sum()) for label in said.get("windows", {})
        },
        "splits": {
            name: {
                "persons": int((people["split"] == name).sum()),
                "windows": int((table["split"] == name).sum()),
            }
            for name in said.get("splits", {})
        },
    }
    for name, value in said.items():
        if there.get(name, value) != value:
            yield Damage(ROOT, f"the statistics say {name} {value}, the table has {there[name]}")


def _check_metadata(store: Store) -> Iterator[Damage]:
    for name, array in store.root["consolidated_metadata"]["metadata"].items():
        if _document(store, f"{name}/{ROOT}") != array:
            yield Damage(f"{name}/{ROOT}", "differs from the metadata in the root")


def _document(store: Store, name: str) -> Mapping[str, Any]:
    """A JSON object of the store; empty where it has none (its manifest would say so)."""
    try:
        content: Mapping[str, Any] = json.loads(store.location.read(name))
    except FileNotFoundError:
        return {}
    return content


def _at(table: pd.DataFrame, rows: Any, where: str, problem: str) -> Damage:
    """Damage of the rows of a table that a mask picks."""
    places = np.flatnonzero(rows)
    keys = keys_of(table.iloc[places])
    return Damage(where, problem, (int(places[0]), int(places[-1]) + 1), tuple(dict.fromkeys(keys)))
