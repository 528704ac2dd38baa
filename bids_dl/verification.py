"""Verify a store: its bytes, the consistency of its tables, and its windows against the sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bids_dl.config.verify_stage import VerifyConfig
from bids_dl.errors import BidsDlError, ConfigError, DamagedStoreError, StoreError
from bids_dl.input import parse_json
from bids_dl.remote.location import Location
from bids_dl.store import Store, open_store
from bids_dl.store.checking.consistency import check_tables, recording_keys
from bids_dl.store.checking.damage import Damage, Remark
from bids_dl.store.checking.integrity import check_objects, with_recordings
from bids_dl.store.checking.manifest import UNCHECKED_DOCUMENTS
from bids_dl.store.checking.root_check import find_root_problem
from bids_dl.store.description import describe_unchecked
from bids_dl.store.format import (
    DOCUMENTS,
    MANIFEST,
    ROOT,
    ROOT_SHA256,
    UNFINISHED,
    is_valid_root,
)
from bids_dl.store.json_objects import MAX_JSON_BYTES

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
        Everything that differs from what was written, including an edited README.md, for which
        `Damage.is_remark` is true.
    compared
        Number of recordings whose windows were created again from their source.
    skipped
        Reason for each recording that could not be compared. This is no damage.
    remarks
        Findings that are no damage: an edited README.md, and files that are not the store's.
    unchecked
        One line for each check that the store does not allow, because an older bids_dl wrote it.
    root_sha256
        SHA-256 of the root, which covers documents and attributes too; "" if it cannot be read.
    is_strict
        True if a remark counts as damage in `exit_status`.
    """

    url: str
    content: str
    objects: int
    nbytes: int
    windows: int
    damages: tuple[Damage, ...]
    compared: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    unchecked: tuple[str, ...] = ()
    root_sha256: str = ""
    is_strict: bool = False

    @property
    def exit_status(self) -> int:
        """Exit status of `bids-dl verify`: 0, or 1 if there is a damage.

        If `is_strict`, also 1 if there is a remark.
        """
        return 1 if self.problems or (self.is_strict and self.remarks) else 0

    @property
    def problems(self) -> tuple[Damage, ...]:
        """Damages that are no remarks."""
        return tuple(damage for damage in self.damages if not damage.is_remark)


def verify(
    url: str,
    *,
    sources: Sequence[str] = (),
    storage_options: Mapping[str, Any] | None = None,
    config: VerifyConfig | None = None,
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
    config
        Settings; None takes the defaults.
    on_progress
        Called with the progress.
    on_message
        Called with one line about slow work on remote sources.

    Raises
    ------
    StoreError
        There is no store, or it was never finished, or it has another version.
    ConfigError
        Annotations are given without sources.

    Examples
    --------
    >>> verify("eyes.zarr").damages
    ()
    """
    config = config or VerifyConfig()
    if config.annotations is not None and not sources:
        raise ConfigError("--annotations needs --source, whose windows are compared")
    on_progress = on_progress or _ignore_progress
    location = Location(url, dict(storage_options or {})).pinned()
    store, problem = _open(url, location)
    checked = check_objects(location, on_progress=partial(on_progress, "objects"))
    remarked = [damage for damage in checked.damages if damage.is_remark]
    damages = [damage for damage in checked.damages if not damage.is_remark]
    if problem and not damages:
        if not isinstance(problem, DamagedStoreError):
            raise problem
        damages = [Damage(ROOT, _describe_root(location))]
    damages = with_recordings(damages, lambda: _read_keys(store))
    compared = 0
    skipped: Mapping[str, str] = {}
    if store is not None and not damages:
        damages = _check_tables(store)
        if sources and not damages:
            # imported here, because an environment that only reads stores has no MNE
            from bids_dl import source
            from bids_dl.pipeline.source_comparison import compare_with_sources

            with source.open_access(config.fetching, on_message=on_message) as access:
                comparison = compare_with_sources(
                    store,
                    sources,
                    access,
                    annotations=config.annotations,
                    jobs=config.jobs,
                    on_progress=partial(on_progress, "source"),
                )
            damages = comparison.damages
            compared, skipped = comparison.compared, comparison.skipped
    attributes = store.attributes if store is not None else {}
    return Verification(
        url=url,
        content=attributes.get("content", ""),
        objects=len(checked.objects),
        nbytes=sum(entry["bytes"] for entry in checked.objects.values()),
        windows=store.shape[0] if store is not None else 0,
        damages=(*damages, *_check_identifier(attributes, config.content), *remarked),
        remarks=tuple(checked.remarks),
        unchecked=_find_unchecked(store),
        root_sha256=attributes.get(ROOT_SHA256, ""),
        is_strict=config.strict,
        compared=compared,
        skipped=skipped,
    )


def _check_identifier(attributes: Mapping[str, Any], expected: str | None) -> list[Damage]:
    """Compare the identifiers of a store with the one that is expected."""
    if not attributes or expected is None:
        return []
    identifiers = (str(attributes.get("content", "")), attributes[ROOT_SHA256])
    if any(identifier.startswith(expected) for identifier in identifiers):
        return []
    problem = (
        f"expected the content identifier bids-dl:{expected[:16]}, the store has "
        f"bids-dl:{identifiers[0][:16]}: it is another store, or was changed"
    )
    return [Damage(ROOT, problem)]


def _check_tables(store: Store) -> list[Damage]:
    """Find contradictions between the tables, or the table that cannot be read."""
    try:
        return check_tables(store)
    except DamagedStoreError as problem:
        return [Damage("tables", str(problem).removeprefix(f"{store.url}: "))]


def _find_unchecked(store: Store | None) -> tuple[str, ...]:
    """Describe the checks that a store of an older bids_dl does not allow."""
    if store is None:
        return ()
    unchecked = []
    if DOCUMENTS not in store.attributes:
        unchecked.append(UNCHECKED_DOCUMENTS)
    if places := describe_unchecked(store.root):
        unchecked.append(places)
    return tuple(unchecked)


def _ignore_progress(stage: str, done: int, total: int) -> None:
    """Accept the progress of a caller that does not want it."""


def _open(url: str, location: Location) -> tuple[Store | None, BidsDlError | None]:
    """Return the store, or the error if its root is damaged, since the manifest may tell how."""
    try:
        return open_store(url, storage_options=location.storage_options), None
    except (StoreError, DamagedStoreError) as problem:
        is_damaged = isinstance(problem, DamagedStoreError) and location.exists(MANIFEST)
        if not is_damaged and not _is_finished(location):
            raise
        return None, problem


def _is_finished(location: Location) -> bool:
    """Return whether a store that cannot be opened is finished and has a damaged root.

    If not, it is being written, or it has another version.
    """
    try:
        if not location.exists(MANIFEST):
            return False
        content = location.read(ROOT, max_bytes=MAX_JSON_BYTES)
        attributes = parse_json(content)["attributes"]
        return not is_valid_root(content, attributes)
    except FileNotFoundError:
        return not location.exists(UNFINISHED)
    except StoreError:  # the server cannot be reached, or denies access
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True


def _describe_root(location: Location) -> str:
    """Describe the damage of a root object."""
    try:
        content = location.read(ROOT, max_bytes=MAX_JSON_BYTES)
        root = parse_json(content)
        if is_valid_root(content, root["attributes"]):
            return f"is not as bids_dl writes it ({find_root_problem(root)})"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    return "does not match its own SHA-256"


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
