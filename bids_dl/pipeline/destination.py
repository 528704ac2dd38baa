"""Check of the destination: a conversion writes nothing into its sources but derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.sharing.derivative import DERIVATIVES
from bids_dl.source.tree import DESCRIPTION


def check_outside_sources(location: Location, sources: Sequence[str]) -> None:
    """Check that a location is in no source, or below its ``derivatives`` folder.

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
        The location is inside a source.
    """
    if not location.is_local:
        return
    path = location.folder.resolve()
    for source in sources:
        root = Path(source)
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
