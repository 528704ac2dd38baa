"""Rows of events.tsv and HED queries -> Event -> Block: where the selected stretches begin and end."""

from bids_dl.startup import import_inflect

import_inflect()  # before hedtools is, which the modules below import

from bids_dl.selection.blocks import blocks  # noqa: E402
from bids_dl.selection.queries.request import parse  # noqa: E402
from bids_dl.selection.selection import Selection, select  # noqa: E402

__all__ = ["Selection", "blocks", "parse", "select"]
