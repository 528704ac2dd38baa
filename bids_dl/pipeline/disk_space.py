"""Check before a conversion that the disks have room for the store and its staging."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_dl.errors import StoreError
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location
from bids_dl.wording import format_size

STAGED_SAMPLE_BYTES = np.dtype("float32").itemsize


@dataclass(frozen=True, slots=True)
class _SpaceDemand:
    """Bytes to be written to a location, and the words for them in a message."""

    n_bytes: int
    content: str
    way_out: str


def check_space(plan: Plan, dest: Location, staging: Location, n_missing: int) -> None:
    """Check that a conversion fits on its local disks. Remote locations are not checked.

    Parameters
    ----------
    n_missing
        Number of windows that are not staged yet.

    Raises
    ------
    StoreError
        A disk is too small. The message has the free and the needed bytes.
    """
    window_samples = plan.spec.n_chans * plan.n_times
    sample_bytes = np.dtype(plan.request.store.dtype).itemsize
    store_bytes = plan.n_windows * window_samples * sample_bytes
    staged_bytes = n_missing * window_samples * STAGED_SAMPLE_BYTES
    if staging.is_local:
        demand = _SpaceDemand(staged_bytes, "the recordings in staging", "another --staging")
        _check_free(staging, _free_bytes(staging.folder), demand)
    if dest.is_local:
        # The old content of DEST is removed before the store is written.
        free = _free_bytes(dest.folder) + _used_bytes(dest.folder)
        demand = _SpaceDemand(store_bytes, "the store", "another DEST")
        if staging.is_local and _device(staging.folder) == _device(dest.folder):
            demand = _SpaceDemand(
                store_bytes + staged_bytes,
                "the store and the recordings in staging",
                "another DEST or --staging",
            )
        _check_free(dest, free, demand)


def _check_free(location: Location, free: int, demand: _SpaceDemand) -> None:
    if demand.n_bytes > free:
        raise StoreError(
            f"{location.url}: {format_size(free)} free, {demand.content} need "
            f"{format_size(demand.n_bytes)}; make room, or choose {demand.way_out}"
        )


def _existing_folder(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    absolute = folder.absolute()
    return next(path for path in (absolute, *absolute.parents) if path.exists())


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(_existing_folder(folder)).free


def _device(folder: Path) -> int:
    return _existing_folder(folder).stat().st_dev


def _used_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
