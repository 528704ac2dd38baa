"""Exclusive use of a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bids_dl.errors import StoreError
from bids_dl.remote.caching.file_lock import lock_file
from bids_dl.remote.location import Location


@contextmanager
def exclusive_lock(location: Location) -> Iterator[None]:
    """Lock a local folder inside the context, so that no other conversion writes to it.

    The operating system releases the lock if this process dies. Buckets have no locks, and neither
    has Windows: there, nothing is locked.

    Raises
    ------
    StoreError
        Another process holds the lock, or the folder beside it cannot be written to.
    """
    if not location.is_local:
        yield
        return
    path = location.folder.with_name(f".{location.folder.name}.lock")
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_held = stack.enter_context(lock_file(path, blocking=False))
        except OSError as error:
            raise StoreError(
                f"{location.url}: cannot be written to ({error.strerror or error})"
            ) from None
        if not is_held:
            raise StoreError(
                f"{location.url}: another conversion is writing here; "
                "wait for it, or choose another DEST"
            )
        yield
