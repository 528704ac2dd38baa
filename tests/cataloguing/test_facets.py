"""Facets have the values of the entries, and the search finds what a card names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bids_dl.cataloguing.entries import describe_entry
from bids_dl.cataloguing.facets import facet_values, list_facets, searched_text
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def entry(eyes_store):
    return describe_entry(open_store(str(eyes_store)), "a.zarr")


@pytest.mark.parametrize(
    ("n_chans", "expected"),
    [(1, "1 to 8"), (8, "1 to 8"), (9, "9 to 32"), (128, "65 to 128"), (129, "129 and more")],
)
def test_numbers_of_channels_are_in_ranges(entry, n_chans, expected):
    assert facet_values(replace(entry, n_chans=n_chans))["channels"] == [expected]


def test_facets_are_in_order_of_their_numbers(entry):
    others = [replace(entry, sfreq=sfreq) for sfreq in (1000.0, 128.0, 64.5)]
    [rate] = list_facets([entry, *others])
    assert rate.name == "rate"
    assert rate.values == (("64.5 Hz", 1), ("128 Hz", 2), ("1000 Hz", 1))


def test_a_label_that_a_store_has_twice_is_counted_once(entry):
    other = replace(entry, labels={"eyes_open": 3}, sources=[*entry.sources, *entry.sources])
    [label] = list_facets([entry, other])
    assert label.values == (("eyes_closed", 1), ("eyes_open", 2))


def test_the_search_finds_authors_queries_and_recipe(entry):
    text = searched_text(entry)
    for part in ("Gerwin Schalk", "Eyes-open", "default", "ds004362", entry.content):
        assert part in text
