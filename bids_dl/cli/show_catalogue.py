"""Output of `bids-dl catalogue`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bids_dl.cli import console
from bids_dl.wording import count

if TYPE_CHECKING:
    from bids_dl.cataloguing.site import Catalogue


def print_catalogue(catalogue: Catalogue, *, as_json: bool) -> None:
    """Print the first page of a catalogue and its stores, and those that could not be read.

    Parameters
    ----------
    catalogue
        The catalogue that was written.
    as_json
        Print one JSON object instead.
    """
    page = catalogue.folder / "index.html"
    if as_json:
        unreadable = [asdict(store) for store in catalogue.unreadable]
        stores = [asdict(entry) for entry in catalogue.entries]
        console.print_json({"page": str(page), "stores": stores, "unreadable": unreadable})
        return
    console.print_failures(list(map(str, catalogue.unreadable)))
    console.out.print(f"{page}: {count(len(catalogue.entries), 'store')}", soft_wrap=True)
