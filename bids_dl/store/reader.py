"""Open finished stores and read their arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from bids_dl.config.arguments import as_path, check_mappings, wrong_type
from bids_dl.errors import ArrayNameError, DamagedStoreError, mask_secrets
from bids_dl.remote.cancellation import cancelling_requests, request_threads
from bids_dl.remote.location import Location
from bids_dl.store.array_objects import expected_sha256
from bids_dl.store.checking.identity import StoreIdentity, read_identity
from bids_dl.store.columns import TextCodes, read_numbers, read_text
from bids_dl.store.description import describe_store
from bids_dl.store.format import MANIFEST, ROOT, ROOT_SHA256, SIGNALS
from bids_dl.store.json_objects import read_json
from bids_dl.store.object_sizes import check_object_sizes
from bids_dl.store.read_errors import ReadErrors
from bids_dl.store.root_object import read_root
from bids_dl.store.row_selection import select_row, select_rows
from bids_dl.wording import closest, describe_rows, describe_rows_html

if TYPE_CHECKING:
    import mne
    import pandas as pd
    import zarr

    from bids_dl.store.signals.window_reader import WindowReader

PARALLEL_COLUMNS = 16  # fetched at a time, because each costs one round trip


class StoredWindow(NamedTuple):
    """One window of a store: ``store[i]``."""

    signals: npt.NDArray[np.float32]  # (n_chans, n_times) in µV
    row: pd.Series[Any]  # of the window table; its name is the number of the row


class StoredWindows(NamedTuple):
    """Several windows of a store: ``store[a:b]``."""

    signals: npt.NDArray[np.float32]  # (n_windows, n_chans, n_times) in µV
    table: pd.DataFrame  # their rows of the window table


@dataclass(frozen=True, repr=False)
class Store:
    """A finished store. Its metadata is in memory, its arrays are read on demand.

    `open_store` opens one. ``len(store)`` is the number of windows, ``store[i]`` a window with its
    row of the table, and ``store[a:b]`` several windows with their rows. An array of row numbers or
    one boolean per window selects windows too.

    Attributes
    ----------
    url
        Path or URL of the store.
    root
        Root `zarr.json` of the store.
    """

    url: str
    storage_options: Mapping[str, Any] = field(repr=False)
    root: Mapping[str, Any] = field(repr=False, hash=False)

    def __repr__(self) -> str:
        return describe_rows(self._title, describe_store(self))

    def _repr_html_(self) -> str:
        """Describe the store in a notebook."""
        return describe_rows_html(self._title, describe_store(self))

    @property
    def _title(self) -> str:
        return f"Store {mask_secrets(self.url)}"

    def __len__(self) -> int:
        """Return the number of windows."""
        return self.shape[0]

    @overload
    def __getitem__(self, rows: int) -> StoredWindow: ...
    @overload
    def __getitem__(
        self, rows: slice | Sequence[int] | Sequence[bool] | npt.NDArray[Any]
    ) -> StoredWindows: ...
    def __getitem__(self, rows: Any) -> StoredWindow | StoredWindows:
        row = select_row(rows, len(self))
        if row is not None:
            return StoredWindow(self._windows.read(np.array([row]))[0], self.table.iloc[row])
        selected = select_rows(rows, len(self))
        return StoredWindows(self._windows.read(selected), self.table.iloc[selected])

    def __iter__(self) -> Iterator[StoredWindow]:
        return (self[row] for row in range(len(self)))

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the group, as described in docs/store-format.md."""
        attributes: Mapping[str, Any] = self.root["attributes"]
        return attributes

    @property
    def location(self) -> Location:
        """Location of the store's objects."""
        return Location(self.url, self.storage_options)

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return float(self.attributes["sfreq"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of ``signals``: (n_windows, n_chans, n_times)."""
        n_windows, n_chans, n_times = self.metadata(SIGNALS)["shape"]
        return int(n_windows), int(n_chans), int(n_times)

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(str(name) for name in self.read("channel"))

    @cached_property
    def table(self) -> pd.DataFrame:
        """Window table: one row per window in the order of the store, with label, subject, ..."""
        import pandas as pd

        with request_threads(PARALLEL_COLUMNS) as pool:
            values = list(pool.map(self.read, self.columns))
        return pd.DataFrame(dict(zip(self.columns, values, strict=True)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `table`."""
        arrays = self._arrays.items()
        return tuple(name for name, array in arrays if array["dimension_names"] == ["window"])

    @property
    def nbytes(self) -> int:
        """Bytes of all objects, according to the manifest."""
        try:
            objects = read_json(self.location, MANIFEST)["objects"]
        except FileNotFoundError:
            raise DamagedStoreError(
                f"{self.url}: {MANIFEST} is missing; fetch or convert the store again"
            ) from None
        return sum(entry["bytes"] for entry in objects.values())

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of all arrays."""
        return tuple(self._arrays)

    def metadata(self, name: str) -> Mapping[str, Any]:
        """Return the `zarr.json` of one array.

        Raises
        ------
        ArrayNameError
            There is no such array. The message has the closest name, and all names.
        """
        if not isinstance(name, str):
            raise wrong_type("name", "the name of an array", name)
        if name not in self._arrays:
            match = closest(name, self._arrays)
            hint = f" (did you mean {match!r}?)" if match else ""
            names = ", ".join(self._arrays)
            raise ArrayNameError(f"{self.url}: no array {name!r}{hint}; it has {names}")
        array: Mapping[str, Any] = self._arrays[name]
        return array

    @property
    def resolution(self) -> float | None:
        """µV of one integer if samples are stored as int16, else None."""
        scale = self.metadata(SIGNALS).get("attributes", {}).get("scale_factor")
        return None if scale is None else float(scale)

    def read(self, name: str, selection: slice = slice(None)) -> npt.NDArray[Any]:
        """Read an array, or a slice of its first dimension.

        Parameters
        ----------
        name
            Name of the array.
        selection
            Slice of the first dimension, such as ``slice(0, 10)``. Only its chunks are read.

        Returns
        -------
        ndarray
            Text as ``str`` objects; ``signals`` as float32 in µV, however they are stored.

        Raises
        ------
        ArrayNameError
            There is no array of this name.
        DamagedStoreError
            Objects of the array are missing, or their bytes differ from those written.
        StoreError
            The store was replaced after it was opened.

        Examples
        --------
        >>> store = open_store("eyes.zarr")  # doctest: +SKIP
        >>> store.read("label")[:2]  # doctest: +SKIP
        array(['eyes_open', 'eyes_open'], dtype=object)
        >>> store.read("signals", slice(0, 10)).shape  # doctest: +SKIP
        (10, 24, 256)
        """
        metadata = self.metadata(name)
        if not isinstance(selection, slice):
            raise wrong_type("selection", "a slice such as slice(0, 10)", selection)
        rows = range(metadata["shape"][0])[selection]
        ascending = rows if rows.step > 0 else rows[::-1]  # because zarr-python takes no others
        if name == SIGNALS:
            from bids_dl.store.signals.window_reader import read_ascending

            values: npt.NDArray[Any] = read_ascending(self._windows.chunks, ascending)
        else:
            values = self._read_small(name, slice(ascending.start, ascending.stop, ascending.step))
        if rows is not ascending:
            values = values[::-1]
        return values.astype(object, copy=False) if metadata["data_type"] == "string" else values

    def _read_small(self, name: str, rows: slice) -> npt.NDArray[Any]:
        """Read rows of an array other than ``signals``, in ascending order."""
        metadata = self.metadata(name)
        if metadata["data_type"] == "string" and len(metadata["shape"]) == 1:
            return self.read_codes(name, rows).to_array()
        with self._damage_of(name):
            check_object_sizes(self.location, name, metadata, rows)
            if metadata["codecs"][0]["name"] == "bytes":
                return read_numbers(self.location, name, metadata, rows, self._sha256)
            with cancelling_requests():
                return np.asarray(self.group[name][rows])  # type: ignore[index]

    def read_codes(self, name: str, rows: slice = slice(None)) -> TextCodes:
        """Read rows of a column of text as indices of its distinct texts.

        Parameters
        ----------
        name
            Name of the column.
        rows
            Ascending rows. Errors are those of `read`.
        """
        metadata = self.metadata(name)
        rows = slice(*rows.indices(metadata["shape"][0]))
        with self._damage_of(name):
            check_object_sizes(self.location, name, metadata, rows)
            return read_text(self.location, name, metadata, rows, self._sha256)

    @contextmanager
    def _damage_of(self, name: str) -> Iterator[None]:
        """Report failures inside the context as damage of an array."""
        try:
            yield
        except (OSError, ValueError, KeyError, RuntimeError, MemoryError) as error:
            errors = ReadErrors(self.location, self.attributes.get(ROOT_SHA256))
            raise errors.damaged_array(name, error) from None

    @cached_property
    def _sha256(self) -> Mapping[str, str]:
        """SHA-256 of each object that the root has, by object name."""
        return expected_sha256(self.root)

    def to_numpy(self) -> npt.NDArray[np.float32]:
        """Read all windows.

        Returns
        -------
        ndarray
            float32 (n_windows, n_chans, n_times) in µV.

        Examples
        --------
        >>> open_store("eyes.zarr").to_numpy().shape  # doctest: +SKIP
        (240, 24, 256)
        """
        return self.read(SIGNALS)

    def to_mne_epochs(self) -> mne.EpochsArray:
        """Return all windows as epochs of MNE, with the window table as metadata.

        Returns
        -------
        mne.EpochsArray
            Signals in V, events by label, channel types and positions.

        Examples
        --------
        >>> open_store("eyes.zarr").to_mne_epochs()["eyes_open"]  # doctest: +SKIP
        <EpochsArray | 120 events ...
        """
        # by name, because the exporters build on the store and not the other way round
        return import_module("bids_dl.exporting.epochs").make_epochs(self)

    def to_braindecode(self) -> Any:
        """Return all windows as a ``BaseConcatDataset`` of braindecode, one dataset a recording.

        Returns
        -------
        braindecode.datasets.BaseConcatDataset
            Windows in V with the number of their class, and a description of each recording.

        Examples
        --------
        >>> open_store("eyes.zarr").to_braindecode().split("split")  # doctest: +SKIP
        {'train': <BaseConcatDataset ...
        """
        return import_module("bids_dl.exporting.braindecode").make_datasets(self)

    @cached_property
    def identity(self) -> StoreIdentity:
        """Root that was opened, and the checksums of the chunks that belong to it."""
        return read_identity(self)

    @property
    def _windows(self) -> WindowReader:
        """Reader of windows of this process, because no connection survives a fork; made late."""
        opened: tuple[int, WindowReader] | None = self.__dict__.get("_opened")
        if opened is None or opened[0] != os.getpid():
            from bids_dl.store.signals.chunks import ChunkReader
            from bids_dl.store.signals.window_reader import WindowReader

            chunks = ChunkReader(self.location, self.metadata(SIGNALS), identity=self.identity)
            reader = WindowReader(chunks)
            opened = os.getpid(), reader
            self.__dict__["_opened"] = opened
        return opened[1]

    @cached_property
    def group(self) -> zarr.Group:
        """Read-only group of zarr-python for this store."""
        known = {ROOT: json.dumps(self.root).encode()}
        import zarr

        from bids_dl.store.zarr_store import LocationStore

        objects = LocationStore(self.location, known=known, sha256=expected_sha256(self.root))
        return zarr.open_group(objects, mode="r", zarr_format=3)

    @property
    def _arrays(self) -> Mapping[str, Any]:
        arrays: Mapping[str, Any] = self.root["consolidated_metadata"]["metadata"]
        return arrays

    def __getstate__(self) -> dict[str, Any]:
        # without cached handles, which belong to this process
        return {"url": self.url, "storage_options": self.storage_options, "root": self.root}


def open_store(
    url: str | os.PathLike[str], *, storage_options: Mapping[str, Any] | None = None
) -> Store:
    """Open a finished store. Only its root object is read.

    Parameters
    ----------
    url
        A path, any fsspec URL (``s3://``, ``https://``, ...), or a repository of the hub
        (``hf://datasets/ORGANIZATION/NAME[@REVISION]/FOLDER``). A branch or tag of the hub is
        resolved once: the URL of the store names the commit.
    storage_options
        Options of the URL's file system, as in fsspec, and ``retry_timeout``: seconds to wait
        between the tries of a request, all waits together.

    Returns
    -------
    Store

    Raises
    ------
    StoreError
        There is no store, the store is not finished, or it cannot be reached.
    DamagedStoreError
        The root object differs from the one written.

    Examples
    --------
    >>> store = open_store("eyes.zarr")  # doctest: +SKIP
    >>> store.shape, store.sfreq  # doctest: +SKIP
    ((240, 64, 256), 128.0)
    """
    url = as_path("url", url)
    check_mappings(storage_options=storage_options)
    location = Location(url, dict(storage_options or {})).pinned()
    return Store(location.url, location.storage_options, read_root(location))
