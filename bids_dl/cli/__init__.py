"""The command `bids-dl`: parse, call, print."""

from bids_dl.cli.main import app, main

__all__ = ["app", "main"]
