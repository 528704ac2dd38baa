"""Table of predictions, as `bids-dl predict` writes it, joined to the windows of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.store import Store

WINDOW = "window"  # column with the row of the store
COMPARED = ("dataset", "subject", "session", "run", "recording")
"""Columns of the table that must be those of the store."""
TOLERANCE = 1e-6  # s: a CSV has at least six digits


def read_predictions(file: Path, store: Store) -> pd.DataFrame:
    """Read the predictions for windows of a store.

    Parameters
    ----------
    file
        CSV of `bids-dl predict`.
    store
        Store of the windows.

    Returns
    -------
    pandas.DataFrame
        The columns that the store lacks, with one row for each window of the store. A window
        without a prediction has NaN, or "" in a column of texts.

    Raises
    ------
    ConfigError
        The file cannot be read, has no column ``window``, or has windows of another store.
    """
    import pandas as pd

    title = f"--predictions {file}"
    try:
        table = pd.read_csv(file, dtype=dict.fromkeys(COMPARED, str), keep_default_na=False)
    except (OSError, ValueError) as problem:  # pandas' errors of parsing are ValueErrors
        reason = getattr(problem, "strerror", None) or str(problem).splitlines()[0]
        raise ConfigError(f"{title}: cannot be read ({reason})") from None
    if WINDOW not in table or not pd.api.types.is_integer_dtype(table[WINDOW]):
        raise ConfigError(
            f"{title}: has no column {WINDOW} of row numbers; give a table of `bids-dl predict`"
        )
    _check_windows(title, table, store)
    new = [name for name in table if name != WINDOW and name not in store.columns]
    if not new:
        raise ConfigError(
            f"{title}: has no column that the store lacks; give a table of `bids-dl predict`"
        )
    joined = table.set_index(WINDOW)[new].reindex(range(len(store)))
    for name in new:
        is_number = _is_numeric(table[name])
        joined[name] = joined[name].astype(float) if is_number else joined[name].fillna("")
    return joined


def _check_windows(title: str, table: pd.DataFrame, store: Store) -> None:
    """Refuse a table whose rows are not those of the store."""
    windows = table[WINDOW]
    outside = windows[(windows < 0) | (windows >= len(store))]
    if len(outside):
        raise ConfigError(
            f"{title}: has window {outside.iloc[0]}, but {store.url} has {len(store)} windows; "
            "predict that store"
        )
    repeated = windows[windows.duplicated()]
    if len(repeated):
        raise ConfigError(f"{title}: has window {repeated.iloc[0]} twice; predict the store again")
    stored = store.table.iloc[windows.to_numpy()]
    for name in COMPARED:
        if name in table and name in stored:
            differs = table[name].to_numpy() != stored[name].astype(str).to_numpy()
            _refuse_first(title, table, name, differs)
    if "onset" in table and "onset" in stored and _is_numeric(table["onset"]):
        differs = ~np.isclose(table["onset"], stored["onset"].to_numpy(), rtol=0, atol=TOLERANCE)
        _refuse_first(title, table, "onset", differs)


def _is_numeric(column: pd.Series) -> bool:
    """Return whether a column has numbers or truth values."""
    return np.asarray(column).dtype.kind in "biuf"


def _refuse_first(title: str, table: pd.DataFrame, name: str, differs: np.ndarray) -> None:
    if differs.any():
        row = table.iloc[int(np.flatnonzero(differs)[0])]
        raise ConfigError(
            f"{title}: {name} of window {row[WINDOW]} is {row[name]}, not that of the store; "
            "predict this store"
        )
