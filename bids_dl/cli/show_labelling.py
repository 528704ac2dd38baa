"""Print the derivative that the answers of experts became."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bids_dl.cli import console
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.annotate.derivative import Export


def print_labels(export: Export | None) -> None:
    """Print the folder of a derivative, and the lines of the log that were ignored.

    Parameters
    ----------
    export
        The derivative; None if no answer holds.
    """
    if export is None:
        console.print_message("no answers, so no derivative was written")
        return
    console.print_warnings(export.problems)
    items = count(len(export.items), "item")
    console.print_message(f"{items} in {count(len(export.files), 'table')}")
    console.print_path(export.folder)
