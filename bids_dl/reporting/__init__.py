"""A store -> one HTML page that tells what was selected, what was left out and what was done to each recording."""

from bids_dl.reporting.page import render, write

__all__ = ["render", "write"]
