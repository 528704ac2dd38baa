"""Exclusive use of a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location


@contextmanager
def exclusive_lock(location: Location) -> Iterator[None]:
    """Lock a local folder inside the context, so that no other conversion writes to it.

    The operating system releases the lock if this process dies. Buckets have no locks, and neither
    has Windows: there, nothing happens.

    Raises
    ------
    StoreError
        Another process holds the lock, or the folder beside it cannot be written to.
    """
    if not location.is_local or fcntl is None:
        yield
        return
    lock = location.folder.with_name(f".{location.folder.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise StoreError(
            f"{location.url}: cannot be written to ({error.strerror or error})"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"{location.url}: another conversion is writing here; "
                "wait for it, or choose another DEST"
            ) from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
