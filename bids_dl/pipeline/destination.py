"""Check of the destination: a conversion writes nothing into its sources but derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.sharing.derivative import DERIVATIVES
from bids_dl.source.tree import DESCRIPTION


def check_can_be_folder(location: Location) -> None:
    """Check that neither a location nor a folder above it is a file, and that it may be written to.

    Raises
    ------
    StoreError
        A file is in the way, or the location can only be read.
    """
    location.check_not_served()
    if not location.is_local:
        return
    for path in (location.folder, *location.folder.parents):
        if path.exists() and not path.is_dir():
            raise StoreError(
                f"{location.url}: {path.name} is a file, not a folder; choose another location"
            )


def check_outside_sources(location: Location, sources: Sequence[str]) -> None:
    """Check that a location is in no source, or below its ``derivatives`` folder, and holds none.

    Links are resolved first.

    Parameters
    ----------
    location
        DEST, or the location of staged recordings.
    sources
        BIDS folders.

    Raises
    ------
    StoreError
        The location is a BIDS dataset, is inside a source or holds one, which may be removed.
    """
    if not location.is_local:
        return
    path = location.folder.resolve()
    if (path / DESCRIPTION).is_file():
        raise StoreError(
            f"{location.url}: is a BIDS dataset, not a place for a store; DEST follows all SOURCEs"
        )
    for source in sources:
        root = Path(source)
        if root.exists() and root.resolve().is_relative_to(path):
            raise StoreError(
                f"{location.url}: holds the source {source}, which would be overwritten; "
                "choose a location outside of it"
            )
        if not (root / DESCRIPTION).is_file() or not path.is_relative_to(root.resolve()):
            continue
        if not _is_derivative(path, root.resolve()):
            example = Path(source, DERIVATIVES, "bids_dl", location.name)
            raise StoreError(
                f"{location.url}: lies inside the source {source}, which holds raw data; "
                f"choose a location outside of it, or below {DERIVATIVES}/, such as {example}"
            )


def _is_derivative(path: Path, root: Path) -> bool:
    """Return whether a path is below the ``derivatives`` folder of a dataset, or of one inside."""
    for folder in path.parents:
        if folder == root:
            return False
        if folder.name == DERIVATIVES and (folder.parent / DESCRIPTION).is_file():
            return True
    return False
