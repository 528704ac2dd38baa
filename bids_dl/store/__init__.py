"""Samples <-> one sharded Zarr group, on disk or in a bucket; card, citation, licence and manifest."""

from bids_dl.store.reader import Store, open_store

__all__ = ["Store", "open_store"]
