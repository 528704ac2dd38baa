"""Pools of windows for questions, and experts who answer them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from people_store import window_table, write_store

from bids_dl.annotate.answers.items import Item, make_answer
from bids_dl.annotate.asking.hand_outs import Question
from bids_dl.annotate.asking.pool import PoolWindows
from bids_dl.config.stages import StoreConfig
from bids_dl.remote.location import Location
from bids_dl.store import open_store, writer
from bids_dl.store.format import Column, make_column

CLASSES = ("background", "spike")


def write_pool(folder: Path, n_persons: int = 4, *, n_windows: int = 20, **store: Any) -> str:
    """Write a pool of windows of 1 s: as many of the class rest as of move for each person."""
    table = window_table(n_persons, n_windows=n_windows)
    subjects = table["subject"]
    table["recording"] = "sub-" + subjects + "/eeg/sub-" + subjects + "_task-rest"
    return write_store(folder, table, **store)


def write_damaged(url: str, folder: Path, rows: list[int]) -> str:
    """Write a copy of a pool in which some windows have a NaN."""
    store = open_store(url)
    signals = store.read("signals")
    signals[rows, 0, 0] = np.nan
    names = ("channel", "recording_mean", "recording_std", "recording_windows")
    columns = [Column(str(name), values.to_numpy()) for name, values in store.table.items()]
    columns += [make_column(name, store.read(name)) for name in names]
    copy = writer.StoreWriter.create(Location(str(folder)), "test")
    writer.write_signals(
        copy, signals.shape, iter([signals]), StoreConfig(), on_progress=lambda _: None
    )
    writer.write_columns(copy, columns)
    attributes = {name: store.attributes[name] for name in ("sfreq", "classes", "plan")}
    writer.finish(copy, attributes, ["signals", *(column.name for column in columns)], {})
    return str(folder)


def identify(number: int) -> str:
    """Return the UUID of a line."""
    return str(uuid.UUID(int=number, version=4))


def answer_line(
    asked: Question | Item, label: str, number: int, *, annotator: str = "a", **fields: Any
) -> dict[str, Any]:
    """Return the line of an answer to a question, or about an item at random."""
    if isinstance(asked, Item):
        known: Mapping[str, Any] = {"strategy": "random"}
        item = asked
    else:
        known = {"strategy": asked.strategy, "round": asked.round, "model": asked.model}
        item = asked.item
    return make_answer(
        item, label, annotator=annotator, **{"id": identify(number), **known, **fields}
    )


def refer_line(kind: str, number: int, of: int, *, annotator: str = "a", **fields: Any) -> Any:
    """Return a line that changes or undoes another line."""
    line = {"version": 1, "kind": kind, "id": identify(number), "of": identify(of)}
    return line | {"time": "2026-01-31T12:00:00.000Z", "annotator": annotator, **fields}


def rows_by_purpose(windows: PoolWindows, purpose: str) -> list[int]:
    """Return the windows of a purpose."""
    return np.flatnonzero(windows.is_test == (purpose == "test")).tolist()
