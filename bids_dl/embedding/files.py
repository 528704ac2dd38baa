"""Files of embeddings: a Zarr group that xarray opens, or a Parquet file that pandas opens."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.json_schema import find_violation
from bids_dl.embedding import parquet_file
from bids_dl.embedding.contents import (
    BAND_POWER,
    FEATURES,
    ORIGIN_SCHEMA,
    RANDOM_WEIGHTS,
    SEEN,
    WINDOW,
    Embeddings,
    Features,
)
from bids_dl.errors import ConfigError, StoreError
from bids_dl.output import check_output, check_outside_store, writing
from bids_dl.store.feature_file import read_feature_file, write_feature_file
from bids_dl.store.format import Column

ZARR = ".zarr"
PARQUET = ".parquet"
DIMENSIONS = {
    FEATURES: (WINDOW, "feature"),
    RANDOM_WEIGHTS: ("random_seed", WINDOW, "feature"),
    BAND_POWER: (WINDOW, "channel_band"),
}
MEANINGS = {
    FEATURES: "activations of the layer",
    RANDOM_WEIGHTS: "activations of the same network with random weights, by seed",
    BAND_POWER: "log power of each channel in each band, in dB",
    SEEN: "the model was trained on the person of the window",
    WINDOW: "row of the store",
}
"""Descriptions of the arrays, as xarray shows them."""
TABLE_COLUMNS = ("dataset", "subject", "recording", "block")
MAX_VALUE = 1e18  # of a feature, because squares of larger ones overflow float32


def check_embedding_file(file: Path, store: Path | None, *, overwrite: bool) -> None:
    """Check that embeddings can be written to a file, before the work.

    Parameters
    ----------
    file
        File to write: .zarr or .parquet.
    store
        Folder of the store, None if it is not on disk.
    overwrite
        Replace embeddings of that name. Nothing else is ever replaced.

    Raises
    ------
    ConfigError
        The name has another ending, something exists there, or it cannot be written.
    """
    title = f"--output {file}"
    if file.suffix not in (ZARR, PARQUET):
        raise ConfigError(f"{title}: give a file that ends in {ZARR} or {PARQUET}")
    if file.suffix == PARQUET:
        parquet_file.check_pyarrow()
    check_outside_store(title, file, store)
    if file.exists() and not overwrite:
        raise ConfigError(f"{title}: exists already; --overwrite replaces it")
    if not file.exists() or file.is_file():
        check_output(title, file, suffixes=[ZARR, PARQUET])
    if file.exists():
        try:
            read_embeddings(file)
        except StoreError as error:
            raise ConfigError(
                f"{title}: is no file of `bids-dl embed`, and is not replaced; choose another name"
            ) from error


def write_embeddings(embeddings: Embeddings, file: Path) -> list[str]:
    """Write embeddings, replacing what exists there. The file appears when it is complete.

    Parameters
    ----------
    embeddings
        Features, floors, table and origin.
    file
        File that `check_embedding_file` accepts.

    Returns
    -------
    list of str
        Columns of the table that are left out, because an array of the file has their name.

    Raises
    ------
    ConfigError
        The system refused to write, for example because the disk is full.
    """
    if file.suffix == PARQUET:
        with writing(f"--output {file}"), _complete(file) as part:
            return parquet_file.write_parquet(embeddings, part)
    arrays = _arrays(embeddings)
    names = {array.name for array in arrays} | {name for each in arrays for name in each.dimensions}
    left_out = [str(name) for name in embeddings.table if name in names]
    for name, values in embeddings.table.drop(columns=left_out).items():
        arrays.append(Column(str(name), values.to_numpy()))
    with writing(f"--output {file}"), _complete(file) as part:
        part.mkdir()
        write_feature_file(part, arrays, embeddings.origin)
    return left_out


def read_embeddings(file: Path) -> Embeddings:
    """Read a file of embeddings.

    Raises
    ------
    StoreError
        There is no such file, it is no file of embeddings, or it is damaged.

    Examples
    --------
    >>> read_embeddings(Path("eyes.embeddings.zarr")).features.shape
    (240, 1040)
    """
    if file.suffix == PARQUET:
        return _checked(file, *parquet_file.read_parquet(file))
    columns, origin = read_feature_file(file)
    arrays: dict[str, Any] = {}
    for name, dimensions in {**DIMENSIONS, SEEN: (WINDOW,), WINDOW: (WINDOW,)}.items():
        if name not in columns or columns[name].dimensions != dimensions:
            raise StoreError(f"{file}: not a file of `bids-dl embed` (it has no array {name!r})")
        arrays[name] = columns.pop(name).values
    table: dict[str, Any] = {}
    for name, column in columns.items():
        if column.dimensions == (WINDOW,):
            table[name] = column.values
    return _checked(file, arrays, pd.DataFrame(table), origin)


def _checked(
    file: Path, arrays: dict[str, Any], table: pd.DataFrame, origin: dict[str, Any]
) -> Embeddings:
    """Return the contents of a file, or refuse those that contradict each other."""
    problem = find_violation(origin, ORIGIN_SCHEMA, "attributes")
    if problem is None:
        problem = _find_contradiction(arrays, table, origin)
    if problem is not None:
        raise StoreError(f"{file}: not a file of `bids-dl embed` ({problem}); embed again")
    return Embeddings(
        arrays[FEATURES].astype(np.float32, copy=False),
        arrays[RANDOM_WEIGHTS].astype(np.float32, copy=False),
        arrays[BAND_POWER].astype(np.float32, copy=False),
        table.set_index(pd.Index(arrays[WINDOW])),
        arrays[SEEN].astype(bool),
        origin,
        file,
    )


def _find_contradiction(
    arrays: dict[str, Any], table: pd.DataFrame, origin: dict[str, Any]
) -> str | None:
    """Return the first contradiction between arrays, table and origin, or None."""
    n_windows = len(arrays[WINDOW])
    sizes = {len(arrays[FEATURES]), len(arrays[BAND_POWER]), len(arrays[SEEN]), len(table)}
    sizes.add(arrays[RANDOM_WEIGHTS].shape[1])
    if sizes != {n_windows}:
        return f"has arrays of {sorted(sizes | {n_windows})} windows"
    if len(arrays[RANDOM_WEIGHTS]) != len(origin["random_seeds"]):
        return "has not one array of features for each random network"
    missing = [name for name in TABLE_COLUMNS if name not in table]
    if missing:
        return f"has no column {missing[0]!r}"
    if not arrays[FEATURES].size or not arrays[RANDOM_WEIGHTS].size:
        return "has no features"
    kinds = {SEEN: "b", WINDOW: "iu"} | dict.fromkeys(DIMENSIONS, "f")
    for name, kind in kinds.items():
        if arrays[name].dtype.kind not in kind:
            return f"array {name!r} has the type {arrays[name].dtype}"
    for name in DIMENSIONS:
        problem = find_unusable(arrays[name])
        if problem is not None:
            return f"array {name!r} has {problem}"
    return None


def find_unusable(features: Features) -> str | None:
    """Return the first value that no linear model can be fitted to, in words, or None.

    Examples
    --------
    >>> find_unusable(np.array([[1.0, np.nan]], np.float32))
    'the value nan'
    """
    is_usable = np.abs(features) <= MAX_VALUE  # NaN is not
    if is_usable.all():
        return None
    return f"the value {features[~is_usable][0]:g}"


def _arrays(embeddings: Embeddings) -> list[Column]:
    """Return the arrays beside the table, with descriptions and coordinates."""
    values: dict[str, npt.NDArray[Any]] = {
        FEATURES: embeddings.features,
        RANDOM_WEIGHTS: embeddings.random_weights,
        BAND_POWER: embeddings.band_power,
        SEEN: embeddings.seen,
        WINDOW: np.asarray(embeddings.table.index, np.int64),
    }
    arrays: list[Column] = []
    for name, array in values.items():
        dimensions = DIMENSIONS.get(name, (WINDOW,))
        arrays.append(Column(name, array, dimensions, {"long_name": MEANINGS[name]}))
    seeds = np.array(embeddings.origin["random_seeds"], np.int64)
    return [*arrays, Column("random_seed", seeds, ("random_seed",))]


@contextmanager
def _complete(file: Path) -> Iterator[Path]:
    """Yield a new path beside a file, which replaces the file at the end of the context."""
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        part = Path(folder) / file.name
        yield part
        if file.is_dir():
            file.replace(Path(folder) / "replaced")  # because a folder replaces no full one
        part.replace(file)
