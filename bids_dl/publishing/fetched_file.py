"""One object fetched to a file: as ``NAME.part``, hashed, then renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bids_dl.errors import StoreError
from bids_dl.publishing.content import ObjectEntry, damaged_object
from bids_dl.remote.location import Location

PART = ".part"  # end of the name of an unfinished file
RANGE_BYTES = 32_000_000  # of one request, so that an interrupted shard is not fetched again


def fetch_file(
    location: Location, entry: ObjectEntry, path: Path, on_bytes: Callable[[int], None]
) -> None:
    """Fetch an object, or the rest of it.

    Parameters
    ----------
    location
        Location of the store.
    entry
        Name, size and SHA-256 of the object.
    path
        File to write. It appears complete.
    on_bytes
        Called with the number of bytes of each range.

    Raises
    ------
    DamagedStoreError
        The object is missing, or differs from the manifest.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}{PART}")
    was_begun = part.exists()
    is_right = _fetch_rest(location, entry, part, on_bytes)
    if not is_right and was_begun:  # another program may have changed the first part
        part.unlink()
        on_bytes(-entry.n_bytes)
        is_right = _fetch_rest(location, entry, part, on_bytes)
    if not is_right:
        part.unlink()
        problem = "differs from the object written (SHA-256 mismatch)"
        raise damaged_object(location, entry.name, problem)
    part.replace(path)


def has_bytes(path: Path, entry: ObjectEntry) -> bool:
    """Return whether a file has the size and the SHA-256 of an entry."""
    if path.stat().st_size != entry.n_bytes:
        return False
    digest = hashlib.sha256()
    _hash_file(path, digest)
    return digest.hexdigest() == entry.sha256


def _fetch_rest(
    location: Location, entry: ObjectEntry, part: Path, on_bytes: Callable[[int], None]
) -> bool:
    """Append to an unfinished file what it lacks, and return whether its SHA-256 is right."""
    digest = hashlib.sha256()
    start = part.stat().st_size if part.exists() else 0
    if start > entry.n_bytes:
        part.unlink()
        start = 0
    if start:
        _hash_file(part, digest)
        on_bytes(start)
    with part.open("ab") as file:
        while start < entry.n_bytes:
            stop = min(start + RANGE_BYTES, entry.n_bytes)
            content = _read(location, entry, start, stop)
            file.write(content)
            digest.update(content)
            on_bytes(len(content))
            start = stop
    return digest.hexdigest() == entry.sha256


def _read(location: Location, entry: ObjectEntry, start: int, stop: int) -> bytes:
    """Read a range of an object, or all of a small one.

    Raises
    ------
    DamagedStoreError
        The object is missing or has another size.
    """
    is_whole = (start, stop) == (0, entry.n_bytes)
    try:
        if is_whole:
            content = location.read(entry.name, max_bytes=entry.n_bytes)
        else:
            content = location.read(entry.name, start, stop)
    except (FileNotFoundError, NotADirectoryError):
        raise damaged_object(location, entry.name, "is missing") from None
    except StoreError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise damaged_object(location, entry.name, f"cannot be read ({reason})") from None
    if len(content) != stop - start:
        problem = f"has {start + len(content)} bytes, the manifest says {entry.n_bytes}"
        raise damaged_object(location, entry.name, problem)
    return content


def _hash_file(path: Path, digest: Any) -> None:
    """Add the bytes of a file to a digest."""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
