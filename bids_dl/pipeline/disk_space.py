"""Check before a conversion that the disks have room for the store and its staging."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.wording import format_size

if TYPE_CHECKING:
    from bids_dl.planning.plan import Plan

STAGED_SAMPLE_BYTES = np.dtype("float32").itemsize


@dataclass(frozen=True, slots=True)
class FetchedSpace:
    """Folder of the cache, and bytes to fetch into it."""

    cache: Path
    n_bytes: int


@dataclass(frozen=True, slots=True)
class _SpaceDemand:
    """Bytes to be written to a folder, and the words for them in a message.

    ``n_removed`` bytes in the folder are removed before.
    """

    place: str
    folder: Path
    n_bytes: int
    content: str
    way_out: str
    n_removed: int = 0


def check_space(
    plan: Plan, dest: Location, staging: Location, n_missing: int, *, fetched: FetchedSpace
) -> None:
    """Check that a conversion fits on its local disks. Remote locations are not checked.

    Parameters
    ----------
    n_missing
        Number of windows that are not staged yet.
    fetched
        Bytes to fetch.

    Raises
    ------
    StoreError
        A disk is too small. The message has the free and the needed bytes.
    """
    window_samples = plan.spec.n_chans * plan.n_times
    sample_bytes = np.dtype(plan.request.store.dtype).itemsize
    store_bytes = plan.n_windows * window_samples * sample_bytes
    staged_bytes = n_missing * window_samples * STAGED_SAMPLE_BYTES
    demands = []
    if staging.is_local:
        content = "the recordings in staging"
        demands.append(
            _SpaceDemand(staging.url, staging.folder, staged_bytes, content, "--staging")
        )
    if dest.is_local:
        n_removed = _used_bytes(dest.folder)
        demands.append(
            _SpaceDemand(dest.url, dest.folder, store_bytes, "the store", "DEST", n_removed)
        )
    if fetched.n_bytes:
        demands.append(_cache_demand(fetched))
    for number, demand in enumerate(demands):
        _check_free(demand, _on_same_disk(demand, demands[:number]))


def check_cache_space(fetched: FetchedSpace) -> None:
    """Check that the files to fetch fit on the disk of the cache.

    Raises
    ------
    StoreError
        The disk is too small.
    """
    if fetched.n_bytes:
        _check_free(_cache_demand(fetched), [])


def _cache_demand(fetched: FetchedSpace) -> _SpaceDemand:
    content = "the files to fetch"
    return _SpaceDemand(str(fetched.cache), fetched.cache, fetched.n_bytes, content, "--cache")


def _on_same_disk(demand: _SpaceDemand, others: Sequence[_SpaceDemand]) -> list[_SpaceDemand]:
    device = _device(demand.folder)
    return [other for other in others if _device(other.folder) == device]


def _check_free(demand: _SpaceDemand, others: Sequence[_SpaceDemand]) -> None:
    """Check the disk of a demand, which has to meet other demands too."""
    together = [demand, *others]
    needed = sum(item.n_bytes for item in together)
    free = _free_bytes(demand.folder) + sum(item.n_removed for item in together)
    if needed <= free:
        return
    contents = [item.content for item in together]
    listed = " and ".join([", ".join(contents[:-1]), contents[-1]] if others else contents)
    verb = "needs" if contents == ["the store"] else "need"
    raise StoreError(
        f"{demand.place}: {format_size(free)} free, {listed} {verb} {format_size(needed)}; "
        f"make room, or choose another {' or '.join([item.way_out for item in together])}"
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
