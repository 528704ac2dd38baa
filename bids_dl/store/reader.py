"""Open finished stores and read their arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr

from bids_dl.errors import DamagedStoreError, StoreError
from bids_dl.remote.location import Location
from bids_dl.remote.retry import is_missing_bucket
from bids_dl.store.format import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    ROOT,
    SIGNALS,
    UNFINISHED,
    is_valid_root,
)
from bids_dl.store.quantization import dequantize
from bids_dl.store.zarr_store import LocationStore

if TYPE_CHECKING:
    import pandas as pd

PARALLEL_COLUMNS = 16  # fetched at a time, because each costs one round trip
NOT_FINISHED = "not finished; run the same `bids-dl convert` again, it resumes where it stopped"


@dataclass(frozen=True)
class Store:
    """A finished store. Its metadata is in memory, its arrays are read on demand.

    `open_store` opens one.

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

        with ThreadPoolExecutor(PARALLEL_COLUMNS) as pool:
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
        objects = json.loads(self.location.read(MANIFEST))["objects"]
        return sum(entry["bytes"] for entry in objects.values())

    def metadata(self, name: str) -> Mapping[str, Any]:
        """Return the `zarr.json` of one array."""
        array: Mapping[str, Any] = self._arrays[name]
        return array

    @property
    def resolution(self) -> float | None:
        """µV of one integer if samples are stored as int16, else None."""
        scale = self.metadata(SIGNALS).get("attributes", {}).get("scale_factor")
        return None if scale is None else float(scale)

    def read(self, name: str) -> npt.NDArray[Any]:
        """Read a whole array.

        Returns
        -------
        ndarray
            Text as ``str`` objects; ``signals`` as float32 in µV, however they are stored.

        Raises
        ------
        DamagedStoreError
            The array is missing, or its bytes differ from those written.

        Examples
        --------
        >>> store = open_store("eyes.zarr")  # doctest: +SKIP
        >>> store.read("label")[:2]  # doctest: +SKIP
        array(['eyes_open', 'eyes_open'], dtype=object)
        """
        try:
            values = np.asarray(self.group[name][...])  # type: ignore[index]
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise DamagedStoreError(
                f"{self.url}: array {name!r} cannot be read ({error}); "
                "fetch or convert the store again"
            ) from None
        if name == SIGNALS and self.resolution is not None:
            return dequantize(values, self.resolution)
        if self.metadata(name)["data_type"] == "string":
            return values.astype(object)
        return values

    @cached_property
    def group(self) -> zarr.Group:
        """Read-only group of zarr-python for this store."""
        known = {ROOT: json.dumps(self.root).encode()}
        return zarr.open_group(LocationStore(self.location, known=known), mode="r", zarr_format=3)

    @property
    def _arrays(self) -> Mapping[str, Any]:
        arrays: Mapping[str, Any] = self.root["consolidated_metadata"]["metadata"]
        return arrays

    def __getstate__(self) -> dict[str, Any]:
        # without cached handles, which belong to this process
        return {"url": self.url, "storage_options": self.storage_options, "root": self.root}


def open_store(url: str, *, storage_options: Mapping[str, Any] | None = None) -> Store:
    """Open a finished store. Only its root object is read.

    Parameters
    ----------
    url
        A path or any fsspec URL (``s3://``, ``https://``, ...).
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
    location = Location(str(url), dict(storage_options or {}))
    try:
        content = location.read(ROOT)
        root = json.loads(content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"{url}: {_describe_missing_root(location, error)}") from None
    except OSError as error:
        raise StoreError(f"{url}: {ROOT} cannot be read ({error.strerror or error})") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise StoreError(f"{url}: {ROOT} cannot be read ({error})") from None
    attributes = root.get("attributes", {}) if isinstance(root, dict) else {}
    _check_finished(str(url), attributes)
    if not is_valid_root(content, attributes):
        raise DamagedStoreError(
            f"{url}: {ROOT} differs from the one written (SHA-256 mismatch); "
            "fetch or convert the store again"
        )
    return Store(str(url), location.storage_options, root)


def _check_finished(url: str, attributes: Mapping[str, Any]) -> None:
    """Raise unless the attributes are those of a finished store of this version."""
    if attributes.get("format") != FORMAT:
        raise StoreError(
            f"{url}: a Zarr group, but not a bids-dl store "
            f"(its attribute `format` is {attributes.get('format')!r})"
        )
    version = attributes.get("format_version")
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{url}: written in version {version} of the format, this bids_dl reads version "
            f"{FORMAT_VERSION}; install a newer bids_dl"
        )
    if not attributes.get("finished"):
        raise StoreError(f"{url}: {NOT_FINISHED}")


def _describe_missing_root(location: Location, error: OSError) -> str:
    """Describe why there is no root object."""
    if is_missing_bucket(error):
        return "the bucket does not exist"
    if location.exists(UNFINISHED):
        return NOT_FINISHED
    if location.exists(MANIFEST):
        return (
            f"a store without its {ROOT}; copy the whole store again "
            "(`bids-dl verify` lists what else is missing)"
        )
    if not location.is_web and not location.exists():
        return "no store there"
    return f"not a bids-dl store (it has no {ROOT})"
