"""The store format: one sharded Zarr group of windows, on disk or in a bucket."""

from bids_dl.store.reader import Store, open_store

__all__ = ["Store", "open_store"]
