"""A catalogue is read as a table, whose addresses open the stores."""

from __future__ import annotations

import json
import shutil

import pytest
from counting_server import CountingServer

import bids_dl
from bids_dl.errors import StoreError
from bids_dl.store import open_store


@pytest.fixture
def site(eyes_store, tmp_path):
    (tmp_path / "my site").mkdir()
    (tmp_path / "eyes.zarr").symlink_to(eyes_store)
    bids_dl.catalogue(tmp_path / "eyes.zarr", output=tmp_path / "my site")
    return tmp_path / "my site"


def test_addresses_of_a_local_catalogue_open_the_stores(site):
    for place in (site, site / "catalogue.json"):
        table = bids_dl.read_catalogue(place)
        [row] = table.itertuples()
        store = open_store(row.address)
        assert row.Index == store.attributes["content"]
        assert (row.n_windows, row.n_chans, row.labels["eyes_open"]) == (240, 24, 120)


def test_addresses_of_a_served_catalogue_open_the_stores(eyes_store, tmp_path):
    shutil.copytree(eyes_store, tmp_path / "my eyes.zarr")
    bids_dl.catalogue(tmp_path / "my eyes.zarr", output=tmp_path / "site")
    with CountingServer(tmp_path) as server:
        table = bids_dl.read_catalogue(f"{server.url}/site")
        [address] = table["address"]
        assert address == f"{server.url}/my%20eyes.zarr"
        assert len(open_store(address)) == 240


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "not a catalogue of bids_dl"),
        ({"format_version": 2}, "version 2 of the format"),
        ({"entries": {"a": {"title": "x"}}}, "not as bids_dl writes it"),
        ({"entries": []}, "not as bids_dl writes it"),
        ({"entries": {"a": {"title": "x", "address": "a\0b"}}}, "an address without control"),
        ({"entries": {"a": {"title": "x", "address": "\ud800"}}}, "an address without control"),
        ({"entries": {"a": {"title": "x", "address": ""}}}, "an address without control"),
    ],
)
def test_another_document_is_refused(site, change, message):
    content = json.loads((site / "catalogue.json").read_text())
    (site / "catalogue.json").write_text(json.dumps(content | change))
    with pytest.raises(StoreError, match=message):
        bids_dl.read_catalogue(site)


def test_a_missing_catalogue_is_refused_with_the_command_that_writes_one(tmp_path):
    with pytest.raises(StoreError, match="no catalogue there; `bids-dl catalogue"):
        bids_dl.read_catalogue(tmp_path)
