"""Facets of a catalogue: properties of stores to choose from, with their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bids_dl.cataloguing.entries import CatalogueEntry
from bids_dl.reporting.formatting import format_value

CHANNEL_STEPS = (8, 32, 64, 128)
PEOPLE_STEPS = (10, 50, 200, 1000)
NO_LICENCE = "as each source"


@dataclass(frozen=True, slots=True)
class Facet:
    """A property of stores, and its values in the order of the page with their numbers of stores.

    Attributes
    ----------
    name
        Key of the property in `facet_values`, and its title on the page.
    """

    name: str
    values: tuple[tuple[str, int], ...]


def facet_values(entry: CatalogueEntry) -> dict[str, list[str]]:
    """Return the values of each facet that a store has.

    Parameters
    ----------
    entry
        Entry of the store.
    """
    return {
        "label": list(entry.labels),
        "source": [source["dataset"] for source in entry.sources],
        "licence": [entry.licence or NO_LICENCE],
        "channels": [_range_of(entry.n_chans, CHANNEL_STEPS)],
        "rate": [f"{format_value(entry.sfreq)} Hz"],
        "people": [_range_of(entry.n_people, PEOPLE_STEPS)],
    }


def list_facets(entries: Sequence[CatalogueEntry]) -> list[Facet]:
    """List the facets of a catalogue. A facet is left out if all stores have all its values.

    Parameters
    ----------
    entries
        Entries of the catalogue.
    """
    orders: dict[str, dict[str, Any]] = {}
    counts: dict[str, Counter[str]] = {}
    for entry in entries:
        numbers = {"channels": entry.n_chans, "rate": entry.sfreq, "people": entry.n_people}
        for name, values in facet_values(entry).items():
            counts.setdefault(name, Counter()).update(set(values))
            for value in values:
                order = (numbers.get(name, 0), value.casefold(), value)
                known = orders.setdefault(name, {})
                known[value] = min(order, known.get(value, order))
    facets = []
    for name, known in orders.items():
        values = sorted(known, key=known.__getitem__)
        pairs = tuple((value, counts[name][value]) for value in values)
        if any(number < len(entries) for _, number in pairs):
            facets.append(Facet(name, pairs))
    return facets


def searched_text(entry: CatalogueEntry) -> str:
    """Join the texts of an entry that the search of the page looks into.

    Parameters
    ----------
    entry
        Entry of the store.
    """
    parts = [entry.title, entry.description, entry.address, entry.content, entry.recipe]
    parts += [*entry.labels, *entry.queries.values(), *entry.creators, *entry.steps]
    for source in entry.sources:
        parts += [source["dataset"], source["title"], source["doi"], *source["authors"]]
    return " ".join(filter(None, parts))


def _range_of(number: int, steps: Sequence[int]) -> str:
    """Return the range that a number is in, such as "9 to 32".

    The ranges end at the steps, and the last one has no end.
    """
    low = 1
    for high in steps:
        if number <= high:
            return f"{low} to {high}"
        low = high + 1
    return f"{low} and more"
