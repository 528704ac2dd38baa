"""catalogue.json has each content once, and equal bytes for equal stores."""

from __future__ import annotations

import json
from dataclasses import replace

from bids_dl.cataloguing.document import SCHEMA, build_document, merge_copies
from bids_dl.cataloguing.entries import describe_entry
from bids_dl.config.json_schema import find_violation
from bids_dl.store import open_store


def test_copies_of_one_content_are_one_entry(eyes_store):
    entry = describe_entry(open_store(str(eyes_store)), "s3://b/eyes.zarr")
    other = replace(entry, address="https://a.org/eyes.zarr")
    [merged] = merge_copies([entry, other])
    assert merged.address == "https://a.org/eyes.zarr"
    assert merged.also_at == ("s3://b/eyes.zarr",)


def test_the_order_of_the_stores_does_not_change_a_byte(eyes_store):
    entry = describe_entry(open_store(str(eyes_store)), "a.zarr")
    entries = [entry, replace(entry, content="0" * 64, address="b.zarr", title="another")]
    document = build_document("Stores", merge_copies(entries), [])
    assert document == build_document("Stores", merge_copies(entries[::-1]), [])
    content = json.loads(document)
    assert list(content["entries"]) == sorted(content["entries"])
    assert find_violation(content, SCHEMA) is None


def test_an_entry_has_what_a_card_shows(eyes_store):
    entry = describe_entry(open_store(str(eyes_store)), "a.zarr")
    assert (entry.n_windows, entry.n_chans, entry.n_times, entry.sfreq) == (240, 24, 256, 128.0)
    assert entry.labels == {"eyes_open": 120, "eyes_closed": 120}
    assert entry.queries["eyes_open"] == "Eyes-open"
    assert (entry.n_people, entry.n_recordings, entry.licence) == (4, 8, "CC0-1.0")
    assert entry.signal_bytes == 240 * 24 * 256 * 4
    [source] = entry.sources
    assert source["doi"] == "10.18112/openneuro.ds004362.v1.0.0"
