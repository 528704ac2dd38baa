"""Export to EEGLAB: windows as an epoched dataset, ``.set`` with the samples in ``.fdt``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_dl.errors import mask_secrets
from bids_dl.exporting.eeglab_structs import (
    EMPTY,
    make_chanlocs,
    make_epochs_struct,
    make_events,
    make_structs,
    name_fields,
)
from bids_dl.exporting.mat_file import save_struct
from bids_dl.exporting.window_choice import Rows
from bids_dl.store import Store
from bids_dl.store.format import DROPOUT

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_BYTES = 4  # float32
BYTES_AT_ONCE = 64_000_000  # of windows in memory
SAMPLES_SUFFIX = ".fdt"
UNWRITTEN = "label"  # column that is the type of an event


def write_eeglab(
    store: Store, file: Path, rows: Rows, predictions: pd.DataFrame | None = None
) -> None:
    """Write windows of a store as an epoched dataset of EEGLAB.

    The samples are float32 in µV in a file of the same name that ends in ``.fdt``. Each window is
    an epoch with one event at time 0, whose type is the label. All columns of the window table are
    fields of the event. A single window is continuous for EEGLAB and begins at 0 s.

    Parameters
    ----------
    store
        Store to read.
    file
        The .set file to write.
    rows
        Rows of the store, at least one.
    predictions
        More columns, with one row for each window of the store.
    """
    samples = file.with_suffix(SAMPLES_SUFFIX)
    _write_samples(store, samples, rows)
    table = store.table.iloc[rows]
    if predictions is not None:
        table = table.join(predictions.iloc[rows])
    dataset = _make_dataset(store, file, table)
    save_struct(file, "EEG", make_structs([dataset]))


def describe_set_losses(store: Store) -> list[str]:
    """Describe what a store has and a dataset of EEGLAB cannot hold, one line each."""
    if DROPOUT in store.arrays:
        return [f"without the array {DROPOUT}, which EEGLAB cannot hold; use .npz"]
    return []


def count_bytes(store: Store, n_windows: int) -> int:
    """Count the bytes of the samples of windows.

    Parameters
    ----------
    store
        Store with the shape of the windows.
    n_windows
        Number of windows.
    """
    _, n_chans, n_times = store.shape
    return n_windows * n_chans * n_times * SAMPLE_BYTES


def _write_samples(store: Store, file: Path, rows: Rows) -> None:
    """Write windows one after the other, all channels of each sample together."""
    step = max(1, BYTES_AT_ONCE // count_bytes(store, 1))
    with file.open("wb") as target:
        for start in range(0, len(rows), step):
            signals = store[rows[start : start + step]].signals
            target.write(np.ascontiguousarray(signals.transpose(0, 2, 1), "<f4").tobytes())


def _make_dataset(store: Store, file: Path, table: pd.DataFrame) -> dict[str, Any]:
    """Return the fields of EEGLAB's ``EEG``, in EEGLAB's order."""
    _, n_chans, n_times = store.shape
    n_windows = len(table)
    times = _times(store)
    zero = round(-float(times[0]) * store.sfreq)
    if n_windows == 1:
        times = np.arange(n_times) / store.sfreq
    columns = [str(name) for name in table if name != UNWRITTEN]
    fields = name_fields(columns)
    has_epochs = n_windows > 1
    events = make_events(table, fields, n_times, zero, has_epochs=has_epochs)
    labels = [str(event["type"]) for event in events[0]]
    reference = _reference(store)
    return {
        "setname": str(store.attributes.get("title") or file.stem),
        "filename": file.name,
        "filepath": "",
        "subject": _only(table, "subject"),
        "group": "",
        "condition": "",
        "session": EMPTY,
        "comments": _describe_origin(store),
        "nbchan": float(n_chans),
        "trials": float(n_windows),
        "pnts": float(n_times),
        "srate": store.sfreq,
        "xmin": float(times[0]),
        "xmax": float(times[-1]),
        "times": times[None] * 1000,
        "data": file.with_suffix(SAMPLES_SUFFIX).name,
        **dict.fromkeys(("icaact", "icawinv", "icasphere", "icaweights", "icachansind"), EMPTY),
        "chanlocs": make_chanlocs(store),
        "urchanlocs": EMPTY,
        "chaninfo": make_structs([{"nosedir": "+X", "plotrad": EMPTY}]),
        "ref": reference,
        "event": events,
        "urevent": EMPTY,
        "eventdescription": np.zeros((0, 0), object),
        "epoch": make_epochs_struct(labels) if has_epochs else EMPTY,
        "epochdescription": np.zeros((0, 0), object),
        **dict.fromkeys(("reject", "stats", "specdata", "specicaact"), EMPTY),
        "splinefile": "",
        "icasplinefile": "",
        "dipfit": EMPTY,
        "history": "",
        "saved": "yes",
        "etc": make_structs([{"bidsdl": make_structs([_describe_store(store, fields)])}]),
        "datfile": file.with_suffix(SAMPLES_SUFFIX).name,
        "run": EMPTY,
    }


def _times(store: Store) -> np.ndarray:
    """Return the times of the samples of a window in s."""
    if "time" in store.arrays:
        return np.asarray(store.read("time"), np.float64)
    return np.arange(store.shape[2]) / store.sfreq


def _only(table: pd.DataFrame, column: str) -> str:
    """Return the value that all rows have in a column, "" if they differ."""
    values = set(table[column]) if column in table else set()
    return str(values.pop()) if len(values) == 1 else ""


def _reference(store: Store) -> str:
    """Return ``average`` if the last step that references uses the average, else ``common``."""
    steps = store.attributes.get("request", {}).get("preprocess", {}).get("steps", ())
    reference = "common"
    for step in steps:
        parameters = step.get("reference") if isinstance(step, Mapping) else None
        if isinstance(parameters, Mapping):
            reference = "average" if parameters.get("channels") == "average" else "common"
    return reference


def _describe_origin(store: Store) -> str:
    """Return the origin of the windows, with the licences of their sources."""
    lines = [f"windows of the store {mask_secrets(store.url)}"]
    for source in store.attributes.get("sources", ()):
        licence = source.get("licence") or "no licence stated"
        lines.append(f"source: {source.get('dataset', '')} {source.get('doi', '')} ({licence})")
    return "\n".join(lines)


def _describe_store(store: Store, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what a reader needs to find the windows again: store, content and recipe."""
    attributes = store.attributes
    names = [{"field": field, "column": column} for column, field in fields.items()]
    return {
        "store": mask_secrets(store.url),
        "content": str(attributes.get("content", "")),
        "recipe": json.dumps(attributes.get("request", {}).get("preprocess", {})),
        "software": json.dumps(attributes.get("software", {})),
        "n_windows": float(len(store)),
        "fields": make_structs(names) if names else EMPTY,
    }
