"""Structs of EEGLAB for windows of a store: channels, events, epochs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.store import Store

if TYPE_CHECKING:
    import pandas as pd

MM_PER_M = 1000
MAX_NAME = 63  # characters of a field in MATLAB
FIRST_LETTER = "x"  # of a field whose column begins with another character
OWN_FIELDS = ("type", "latency", "duration", "epoch", "urevent", "window")
"""Fields of events that are no columns of a store."""
RENAMED = {"hed": "HED"}
EMPTY = np.zeros((0, 0))


def make_structs(rows: Sequence[dict[str, Any]]) -> npt.NDArray[Any]:
    """Return a struct array of MATLAB (1, n_rows), whose fields are those of the first row.

    Parameters
    ----------
    rows
        At least one row. All have the same keys.
    """
    names = list(rows[0])
    structs = np.empty((1, len(rows)), dtype=[(name, object) for name in names])
    for number, row in enumerate(rows):
        structs[0, number] = tuple(row[name] for name in names)
    return structs


def make_chanlocs(store: Store) -> npt.NDArray[Any]:
    """Return names, types and positions of the channels, as EEGLAB's ``chanlocs``.

    The axes of EEGLAB are nose, left and up, those of a store right, nose and up.

    Parameters
    ----------
    store
        Store with the channels. A channel without a position has empty fields.
    """
    n_chans = len(store.channels)
    arrays = store.arrays
    kinds = store.read("channel_type") if "channel_type" in arrays else ["eeg"] * n_chans
    positions = np.full((n_chans, 3), np.nan)
    if "channel_position" in arrays:
        positions = store.read("channel_position")
    rows: list[dict[str, Any]] = []
    for name, kind, position in zip(store.channels, kinds, positions, strict=True):
        row = {"labels": name, "type": str(kind).upper(), **_locate(position)}
        rows.append({**row, "urchan": len(rows) + 1.0, "ref": ""})
    return make_structs(rows)


def _locate(position: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return the Cartesian, spherical and polar coordinates of a channel in mm and degrees."""
    names = ("theta", "radius", "X", "Y", "Z", "sph_theta", "sph_phi", "sph_radius")
    if not np.isfinite(position).all():
        return dict.fromkeys(names, EMPTY)
    right, front, up = (float(value) * MM_PER_M for value in position)
    x, y, z = front, -right, up
    theta = float(np.degrees(np.arctan2(y, x)))
    phi = float(np.degrees(np.arctan2(z, np.hypot(x, y))))
    length = float(np.sqrt(x**2 + y**2 + z**2))
    return dict(zip(names, (-theta, 0.5 - phi / 180, x, y, z, theta, phi, length), strict=True))


def name_fields(columns: Iterable[str]) -> dict[str, str]:
    """Return a field of MATLAB for each column, all different.

    Parameters
    ----------
    columns
        Names of columns of a store and of predictions.

    Examples
    --------
    >>> name_fields(["hed", "p_1-back", "1-back", "type"])
    {'hed': 'HED', 'p_1-back': 'p_1_back', '1-back': 'x1_back', 'type': 'type_2'}
    """
    used = {name.casefold() for name in OWN_FIELDS}
    fields = {}
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_]", "_", RENAMED.get(column, column)) or FIRST_LETTER
        if not name[0].isalpha():
            name = FIRST_LETTER + name
        name = name[:MAX_NAME]
        field, number = name, 1
        while field.casefold() in used:
            number += 1
            field = f"{name[: MAX_NAME - len(str(number)) - 1]}_{number}"
        used.add(field.casefold())
        fields[column] = field
    return fields


def make_events(
    table: pd.DataFrame, fields: dict[str, str], n_times: int, zero: int, *, has_epochs: bool
) -> npt.NDArray[Any]:
    """Return one event for each window, as EEGLAB's ``event``.

    Parameters
    ----------
    table
        Rows of the windows, whose index has their numbers in the store.
    fields
        Field of each column that events have, from `name_fields`.
    n_times
        Samples of a window.
    zero
        Sample of a window that is at time 0.
    has_epochs
        False for a single window, which is continuous for EEGLAB.
    """
    labels = table["label"].astype(str) if "label" in table else ["window"] * len(table)
    values = {field: table[column].tolist() for column, field in fields.items()}
    rows = []
    for number, (window, label) in enumerate(zip(table.index, labels, strict=True)):
        row: dict[str, Any] = {"type": label, "latency": float(number * n_times + zero + 1)}
        row["duration"] = 0.0
        if has_epochs:
            row["epoch"] = number + 1.0
        row["window"] = float(window)
        row |= {field: _plain(of_field[number]) for field, of_field in values.items()}
        rows.append(row)
    return make_structs(rows)


def make_epochs_struct(labels: Sequence[str]) -> npt.NDArray[Any]:
    """Return the event of each epoch, as EEGLAB's ``epoch``. MNE needs it to name events.

    Parameters
    ----------
    labels
        Types of the events, one for each epoch.
    """
    rows = []
    for number, label in enumerate(labels, 1):
        row = {"event": float(number), "eventtype": label}
        rows.append({**row, "eventlatency": 0.0, "eventduration": 0.0})
    return make_structs(rows)


def _plain(value: Any) -> Any:
    """Return a value of a column as MATLAB has it: a number of double precision, or text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return float(value)
