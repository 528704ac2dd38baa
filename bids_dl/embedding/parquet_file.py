"""Embeddings as a Parquet file: one column per feature, then the window table."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.embedding.contents import (
    BAND_POWER,
    FEATURES,
    RANDOM_WEIGHTS,
    SEEN,
    WINDOW,
    Embeddings,
    Features,
)
from bids_dl.errors import MissingPackageError, StoreError
from bids_dl.requirements import describe_missing

ORIGIN = "bids_dl"  # attributes of the table, which pandas keeps in the metadata of the file
WIDTHS = "n_features"
FEATURE_PREFIX = "f"
FAILURES = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""Errors of reading a file that is not one of these; those of pyarrow are `ValueError`."""


def check_pyarrow() -> None:
    """Raise `ConfigError` if pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise MissingPackageError(
            f"Parquet: {describe_missing('pyarrow')}, or name a file that ends in .zarr"
        )


def write_parquet(embeddings: Embeddings, file: Path) -> list[str]:
    """Write a new Parquet file, and return the columns of the table that are left out.

    Columns are ``window`` and ``seen``, those of the window table, ``f0`` and so on for the
    features, ``random_weights_<seed>_0`` and ``band_power_0`` and so on for the floors.
    """
    parts = [pd.DataFrame({WINDOW: embeddings.table.index, SEEN: embeddings.seen})]
    for prefix, features in _prefixed(embeddings).items():
        names = [f"{prefix}{number}" for number in range(features.shape[1])]
        parts.append(pd.DataFrame(features, columns=names))
    taken = {name for part in parts for name in part}
    left_out = [str(name) for name in embeddings.table if name in taken]
    table = embeddings.table.drop(columns=left_out).reset_index(drop=True)
    joined = pd.concat([parts[0], table, *parts[1:]], axis=1)
    widths = {prefix: features.shape[1] for prefix, features in _prefixed(embeddings).items()}
    joined.attrs = {ORIGIN: dict(embeddings.origin), WIDTHS: widths}
    joined.to_parquet(file, engine="pyarrow", index=False)
    return left_out


def read_parquet(file: Path) -> tuple[dict[str, npt.NDArray[Any]], pd.DataFrame, dict[str, Any]]:
    """Return arrays by name, window table and origin of a Parquet file.

    Raises
    ------
    StoreError
        There is no such file, or it is no file of embeddings.
    """
    if not file.is_file():
        raise StoreError(f"{file}: no such file; name a file of `bids-dl embed`")
    check_pyarrow()
    try:
        table = pd.read_parquet(file, engine="pyarrow")
        origin = table.attrs[ORIGIN]
        parts: dict[str, Features] = {}
        for prefix, n_features in table.attrs[WIDTHS].items():
            if n_features > len(table.columns):
                raise ValueError(f"has no {n_features} columns {prefix!r}")
            names = [f"{prefix}{number}" for number in range(n_features)]
            parts[prefix] = table[names].to_numpy(np.float32)
            table = table.drop(columns=names)
        random_weights = [parts[_random_prefix(seed)] for seed in origin["random_seeds"]]
        arrays = {
            WINDOW: table.pop(WINDOW).to_numpy(),
            SEEN: table.pop(SEEN).to_numpy(),
            FEATURES: parts[FEATURE_PREFIX],
            RANDOM_WEIGHTS: np.stack(random_weights),
            BAND_POWER: parts[f"{BAND_POWER}_"],
        }
    except FAILURES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(f"{file}: not a file of `bids-dl embed` ({reason})") from error
    return arrays, _with_text(table), origin


def _prefixed(embeddings: Embeddings) -> dict[str, Features]:
    """Return the features by the prefix of their columns."""
    features = {FEATURE_PREFIX: embeddings.features}
    for seed, values in zip(
        embeddings.origin["random_seeds"], embeddings.random_weights, strict=True
    ):
        features[_random_prefix(seed)] = values
    return {**features, f"{BAND_POWER}_": embeddings.band_power}


def _random_prefix(seed: int) -> str:
    return f"{RANDOM_WEIGHTS}_{seed}_"


def _with_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with text as ``str`` objects, as a store has it."""
    columns: dict[str, Any] = {}
    for name, values in table.items():
        array = values.to_numpy()
        columns[str(name)] = array if array.dtype.kind in "biuf" else array.astype(object)
    return pd.DataFrame(columns)
