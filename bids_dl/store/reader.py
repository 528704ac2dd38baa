"""Open a finished store."""

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
from bids_dl.remote.retry import says_no_bucket
from bids_dl.store.format import FORMAT, MANIFEST, ROOT, SIGNALS, UNFINISHED, VERSION, root_holds
from bids_dl.store.quantization import decode
from bids_dl.store.zarr_store import LocationStore

if TYPE_CHECKING:
    import pandas as pd

READERS = 16  # columns fetched at a time, so that latency hides


@dataclass(frozen=True)
class Store:
    """A finished store: its metadata now, its arrays when asked for.

    Attributes
    ----------
    url
        Where it is.
    root
        Its root `zarr.json`.
    """

    url: str
    storage_options: Mapping[str, Any] = field(repr=False)
    root: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the group: recipe, queries, provenance, classes, failures; see docs/store-format.md."""
        attributes: Mapping[str, Any] = self.root["attributes"]
        return attributes

    @property
    def location(self) -> Location:
        return Location(self.url, self.storage_options)

    @property
    def sfreq(self) -> float:
        """Samples per second, in Hz."""
        return float(self.attributes["sfreq"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n_windows, n_chans, n_times)."""
        n_windows, n_chans, n_times = self.metadata(SIGNALS)["shape"]
        return int(n_windows), int(n_chans), int(n_times)

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(str(name) for name in self.read("channel"))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per window in the order of the store: label, subject, recording, onset, split, ..."""
        import pandas as pd

        with ThreadPoolExecutor(READERS) as pool:
            columns = list(pool.map(self.read, self.columns))
        return pd.DataFrame(dict(zip(self.columns, columns, strict=True)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `table`."""
        return tuple(
            name for name, array in self._arrays.items() if array["dimension_names"] == ["window"]
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all its objects, as the manifest says."""
        objects = json.loads(self.location.read(MANIFEST))["objects"]
        return sum(entry["bytes"] for entry in objects.values())

    def metadata(self, name: str) -> Mapping[str, Any]:
        """The `zarr.json` of one array."""
        array: Mapping[str, Any] = self._arrays[name]
        return array

    @property
    def step(self) -> float | None:
        """µV from one whole number to the next where samples are stored as int16, else None."""
        step = self.metadata(SIGNALS).get("attributes", {}).get("scale_factor")
        return None if step is None else float(step)

    def read(self, name: str) -> npt.NDArray[Any]:
        """A whole array, text as ``str`` objects; ``signals`` are float32 in µV, however they are stored.

        Raises
        ------
        DamagedStoreError
            Its bytes are not there or not what was written.
        """
        try:
            values = np.asarray(self.group[name][...])  # type: ignore[index]
        except (OSError, ValueError, KeyError, RuntimeError) as problem:
            raise DamagedStoreError(
                f"{self.url}: array {name!r} cannot be read ({problem}); fetch or convert the store again"
            ) from None
        if name == SIGNALS and self.step is not None:
            return decode(values, self.step)
        return values.astype(object) if self.metadata(name)["data_type"] == "string" else values

    @cached_property
    def group(self) -> zarr.Group:
        """The store as zarr-python sees it, read-only."""
        known = {ROOT: json.dumps(self.root).encode()}
        return zarr.open_group(LocationStore(self.location, known=known), mode="r", zarr_format=3)

    @property
    def _arrays(self) -> Mapping[str, Any]:
        arrays: Mapping[str, Any] = self.root["consolidated_metadata"]["metadata"]
        return arrays

    def __getstate__(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "storage_options": self.storage_options,
            "root": self.root,
        }  # handles stay in their process


def open_store(url: str, *, storage_options: Mapping[str, Any] | None = None) -> Store:
    """Open a finished store; one small object is read.

    Parameters
    ----------
    url
        A path or any fsspec URL (``s3://``, ``https://``, ...).
    storage_options
        Reach the file system of the URL, as in fsspec.

    Raises
    ------
    StoreError
        Nothing there, no bids-dl store, or one that was never finished.
    DamagedStoreError
        Its root is not what was written.
    """
    location = Location(str(url), dict(storage_options or {}))
    try:
        content = location.read(ROOT)
        root = json.loads(content)
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise StoreError(_absent(location, problem)) from None
    except OSError as problem:
        raise StoreError(f"{url}: {ROOT} cannot be read ({problem.strerror or problem})") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise StoreError(f"{url}: {ROOT} cannot be read ({problem})") from None
    attributes = root.get("attributes", {}) if isinstance(root, dict) else {}
    if attributes.get("format") != FORMAT:
        raise StoreError(
            f"{url}: a Zarr group, but no bids-dl store (its attribute `format` is {attributes.get('format')!r})"
        )
    if attributes.get("format_version") != VERSION:
        said = attributes.get("format_version")
        raise StoreError(
            f"{url}: written in version {said} of the format, this bids_dl reads version {VERSION}; install a newer bids_dl"
        )
    if not attributes.get("finished"):
        raise StoreError(
            f"{url}: not finished; run the same `bids-dl convert` again, it goes on where it stopped"
        )
    if not root_holds(content, attributes):
        raise DamagedStoreError(
            f"{url}: {ROOT} is not what was written (its SHA-256 differs); fetch or convert the store again"
        )
    return Store(str(url), location.storage_options, root)


def _absent(location: Location, problem: OSError) -> str:
    """Why there is no root object."""
    if says_no_bucket(problem):
        return f"{location.url}: there is no such bucket"
    if location.exists(UNFINISHED):
        return f"{location.url}: not finished; run the same `bids-dl convert` again, it goes on where it stopped"
    if location.exists(MANIFEST):
        return f"{location.url}: a store without its {ROOT}; copy it again, whole (`bids-dl verify` says what else is missing)"
    if not location.is_web and not location.exists():
        return f"{location.url}: no store there"
    return f"{location.url}: no bids-dl store (it has no {ROOT})"
