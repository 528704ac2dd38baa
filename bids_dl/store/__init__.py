"""The store format: one sharded Zarr group of windows, on disk or in a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bids_dl.store.reader import Store, open_store

__all__ = ["Store", "open_store"]


def __getattr__(name: str) -> Any:
    """Import the reader when it is first used, because workers of a conversion need no Zarr."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bids_dl.store import reader

    return getattr(reader, name)
