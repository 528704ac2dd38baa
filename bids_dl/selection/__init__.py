"""Rows of events.tsv and queries -> Event -> Block: the selected parts of recordings."""

from bids_dl.startup import import_inflect

import_inflect()  # before hedtools, which the modules below import

from bids_dl.selection.blocks import plan_blocks  # noqa: E402
from bids_dl.selection.queries.request import parse_queries  # noqa: E402
from bids_dl.selection.selection import Selection, find_boundaries, select  # noqa: E402
from bids_dl.selection.tables.added_hed import add_hed  # noqa: E402
from bids_dl.selection.tables.column_classes import expand_columns  # noqa: E402

__all__ = [
    "Selection",
    "add_hed",
    "expand_columns",
    "find_boundaries",
    "parse_queries",
    "plan_blocks",
    "select",
]
