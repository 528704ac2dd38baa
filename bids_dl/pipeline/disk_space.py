"""Room on disk for a store and what is staged for it, looked at before the work."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from bids_dl.errors import StoreError
from bids_dl.planning.plan import Plan
from bids_dl.remote.location import Location
from bids_dl.wording import format_size

STAGED = np.dtype("float32").itemsize


def check_space(plan: Plan, dest: Location, staging: Location, missing: int) -> None:
    """Refuse a conversion that cannot fit where it is asked to write; nothing is known of remote places.

    Parameters
    ----------
    missing
        Windows that are not staged yet.

    Raises
    ------
    StoreError
        With what is free and what is needed.
    """
    window = plan.spec.n_chans * plan.n_times
    store, staged = (
        plan.n_windows * window * np.dtype(plan.request.store.dtype).itemsize,
        missing * window * STAGED,
    )
    if staging.is_local:
        _check(
            staging,
            _free(staging.folder),
            staged,
            "the recordings staged meanwhile",
            "another --staging",
        )
    if dest.is_local:
        free = _free(dest.folder) + _held(
            dest.folder
        )  # what is there is removed before the store is written
        both = staging.is_local and _device(staging.folder) == _device(dest.folder)
        what = "the store and the recordings staged meanwhile" if both else "the store"
        _check(
            dest,
            free,
            store + (staged if both else 0),
            what,
            "another DEST or --staging" if both else "another DEST",
        )


def _check(place: Location, free: int, wanted: int, what: str, other: str) -> None:
    if wanted > free:
        raise StoreError(
            f"{place.url}: {format_size(free)} free, {what} need {format_size(wanted)}; make room, or choose {other}"
        )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _free(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder.absolute())).free


def _device(folder: Path) -> int:
    return _existing(folder.absolute()).stat().st_dev


def _held(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
