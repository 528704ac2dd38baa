"""Read chunks of ``signals`` by zarr-python, whose codecs are not supported here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl.remote.location import Location
from bids_dl.store.format import SIGNALS

if TYPE_CHECKING:
    import zarr


class ZarrChunks:
    """Opens ``signals`` when rows are first read. Each process opens its own.

    Parameters
    ----------
    location
        Location of the store.
    """

    def __init__(self, location: Location) -> None:
        self._location = location

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Read the windows from ``start`` to ``stop``. Errors are those of zarr-python."""
        return np.asarray(self._array[start:stop])

    @cached_property
    def _array(self) -> zarr.Array[Any]:
        import zarr

        from bids_dl.store.zarr_store import LocationStore

        return zarr.open_array(LocationStore(self._location.child(SIGNALS)), mode="r")

    def __getstate__(self) -> dict[str, Any]:
        return {"_location": self._location}  # because connections belong to one process
