"""Export of a store to a file of another program, chosen by the name of the file."""

from bids_dl.exporting.export import SUFFIXES, export_store

__all__ = ["SUFFIXES", "export_store"]
