"""Verify a store: its bytes, the consistency of its tables, and its windows against the sources."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bids_dl import source
from bids_dl.config.stages import FetchConfig
from bids_dl.errors import BidsDlError, DamagedStoreError, StoreError
from bids_dl.pipeline.source_comparison import SourceComparison, compare_with_sources
from bids_dl.remote.location import Location
from bids_dl.store import Store, open_store
from bids_dl.store.consistency import check_tables, recording_keys
from bids_dl.store.format import MANIFEST, ROOT, UNFINISHED, is_valid_root
from bids_dl.store.integrity import Damage, check_objects, with_recordings

ProgressCallback = Callable[[str, int, int], None]
"""Called with a stage (``"objects"`` in bytes, ``"source"`` in recordings), the amount done and
the total."""


@dataclass(frozen=True)
class Verification:
    """Result of a verification.

    Attributes
    ----------
    url
        Path or URL of the store.
    content
        Content identifier of the store, "" if its root cannot be read.
    objects, nbytes, windows
        Number of objects, their bytes, and number of windows.
    damages
        Everything that differs from what was written.
    compared
        Number of recordings whose windows were created again from their source.
    skipped
        Reason for each recording that could not be compared. This is no damage.
    """

    url: str
    content: str
    objects: int
    nbytes: int
    windows: int
    damages: tuple[Damage, ...]
    compared: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """Exit status of `bids-dl verify`: 0, or 1 if there is a damage."""
        return 1 if self.damages else 0


def verify(
    url: str,
    *,
    sources: Sequence[str] = (),
    storage_options: Mapping[str, Any] | None = None,
    jobs: int | None = None,
    fetching: FetchConfig | None = None,
    on_progress: ProgressCallback | None = None,
    on_message: Callable[[str], None] | None = None,
) -> Verification:
    """Read a whole store and list what is damaged.

    Parameters
    ----------
    url
        Path or fsspec URL of the store.
    sources
        BIDS datasets. If given, the windows are created again from them and compared.
    storage_options
        Options for the file system of the URL, as in fsspec.
    jobs
        Worker processes for the comparison. None chooses by cores and memory.
    fetching
        Access to remote sources.
    on_progress
        Called with the progress.
    on_message
        Called with one line about slow work on remote sources.

    Raises
    ------
    StoreError
        There is no store, or it was never finished, or it has another version.

    Examples
    --------
    >>> verify("eyes.zarr").damages
    ()
    """
    on_progress = on_progress or _ignore_progress
    location = Location(url, dict(storage_options or {}))
    store, problem = _open(url, location)
    damages, objects = check_objects(location, on_progress=partial(on_progress, "objects"))
    if problem and not damages:
        if not isinstance(problem, DamagedStoreError):
            raise problem
        damages = [Damage(ROOT, "does not match its own SHA-256")]
    damages = with_recordings(damages, lambda: _read_keys(store))
    comparison = SourceComparison()
    if store is not None and not damages:
        damages = check_tables(store)
        if sources and not damages:
            with source.open_access(fetching, on_message=on_message) as access:
                comparison = compare_with_sources(
                    store, sources, access, jobs=jobs, on_progress=partial(on_progress, "source")
                )
            damages = comparison.damages
    return Verification(
        url=url,
        content=str(store.attributes.get("content", "")) if store is not None else "",
        objects=len(objects),
        nbytes=sum(entry["bytes"] for entry in objects.values()),
        windows=store.shape[0] if store is not None else 0,
        damages=tuple(damages),
        compared=comparison.compared,
        skipped=comparison.skipped,
    )


def _ignore_progress(stage: str, done: int, total: int) -> None:
    """Accept the progress of a caller that does not want it."""


def _open(url: str, location: Location) -> tuple[Store | None, BidsDlError | None]:
    """Return the store, or the error if its root is damaged, since the manifest may tell how."""
    try:
        return open_store(url, storage_options=location.storage_options), None
    except (StoreError, DamagedStoreError) as problem:
        if not _is_finished(location):
            raise
        return None, problem


def _is_finished(location: Location) -> bool:
    """Return whether a store that cannot be opened is finished and has a damaged root.

    If not, it is being written, or it has another version.
    """
    try:
        location.read(MANIFEST)
    except (OSError, StoreError):
        return False
    try:
        content = location.read(ROOT)
    except FileNotFoundError:
        return not location.exists(UNFINISHED)
    try:
        attributes = json.loads(content)["attributes"]
        return not is_valid_root(content, attributes)
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def _read_keys(store: Store | None) -> list[str]:
    """Return the recording key of each window, or nothing if these columns are damaged."""
    import pandas as pd

    if store is None:
        return []
    try:
        columns = {name: store.read(name) for name in ("dataset", "recording")}
        return recording_keys(pd.DataFrame(columns))
    except Exception:  # noqa: BLE001  (a damaged array can cause any error)
        return []
