"""Stores in places: a store, a folder or bucket of stores, or a text file of addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.errors import BidsDlError, mask_secrets
from bids_dl.input import MAX_TEXT_BYTES, read_regular
from bids_dl.output import describe_os_error
from bids_dl.remote.folders import list_folders
from bids_dl.remote.location import Location
from bids_dl.store.format import ROOT, UNFINISHED

STORE_SUFFIX = ".zarr"
COMMENT = "#"

StorageOptions = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnreadableStore:
    """A store, or a place of stores, that could not be read as a whole, and why."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


def describe_unreadable(address: str, error: BidsDlError | OSError) -> UnreadableStore:
    """Describe why a store cannot be read.

    Parameters
    ----------
    address
        Path or URL of the store, or of the place.
    error
        The error of reading it. Its message may begin with the address.

    Examples
    --------
    >>> describe_unreadable("a.zarr", BidsDlError("a.zarr: not finished")).reason
    'not finished'
    """
    reason = describe_os_error(error) if isinstance(error, OSError) else str(error)
    return UnreadableStore(address, reason.removeprefix(f"{mask_secrets(address)}: "))


def find_stores(
    places: Sequence[str], options: StorageOptions
) -> tuple[list[str], list[UnreadableStore]]:
    """Find the stores in places.

    Parameters
    ----------
    places
        Each a store, a folder or prefix of a bucket that is listed one level deep, or a text file
        with one address a line. Relative paths in a file begin at its folder.
    options
        Options of the file systems of the places.

    Returns
    -------
    tuple
        Paths or URLs of the stores, each once, in the order of the places; and the places that
        have none. Nothing was read of a store, so it may still turn out to be none.
    """
    found: dict[str, None] = {}
    without: list[UnreadableStore] = []
    for place in places:
        try:
            urls = _find_in(place, options)
        except (BidsDlError, OSError) as error:
            without.append(describe_unreadable(place, error))
            continue
        if not urls:
            without.append(UnreadableStore(place, "no store in it"))
        found.update(dict.fromkeys(urls))
    return list(found), without


def _find_in(place: str, options: StorageOptions) -> list[str]:
    """Return the paths or URLs of the stores in one place."""
    location = Location(place, options)
    if location.is_local and location.folder.is_file():
        return _read_addresses(location.folder)
    if location.is_web or place.rstrip("/").endswith(STORE_SUFFIX) or location.exists(ROOT):
        return [place]
    children = map(location.child, list_folders(location))
    return [child.url for child in children if _is_store(child)]


def _is_store(location: Location) -> bool:
    """Return whether a folder is a store, or was going to be one."""
    if location.name.endswith(STORE_SUFFIX):
        return True
    return location.exists(ROOT) or location.exists(UNFINISHED)


def _read_addresses(file: Path) -> list[str]:
    """Read the addresses of a text file, without empty lines and comments."""
    content = read_regular(file, max_bytes=MAX_TEXT_BYTES)
    addresses = []
    for line in content.decode("utf-8-sig", "replace").splitlines():
        address = line.strip()
        if address and not address.startswith(COMMENT):
            addresses.append(address if "://" in address else str(file.parent / address))
    return addresses
