"""Stores are found in folders, buckets, repositories of the hub and lists of addresses."""

from __future__ import annotations

import pytest
from hub_server import HubServer, use_hub

from bids_dl.cataloguing.places import find_stores
from bids_dl.remote.location import Location


def make_folders(url, options=None):
    """Write the roots of two stores, an unfinished one, and a folder that is none."""
    location = Location(url, options or {})
    location.write("b.zarr/zarr.json", b"{}")
    location.write("named-otherwise/zarr.json", b"{}")
    location.write("begun/unfinished.json", b"{}")
    location.write("notes/readme.txt", b"")
    location.write("deeper/more/c.zarr/zarr.json", b"{}")


EXPECTED = ["b.zarr", "begun", "named-otherwise"]


def test_a_folder_is_listed_one_level_deep(tmp_path):
    make_folders(str(tmp_path))
    found, without = find_stores([str(tmp_path)], {})
    assert found == [str(tmp_path / name) for name in EXPECTED]
    assert without == []


def test_a_prefix_of_a_bucket_is_listed_one_level_deep(options):
    make_folders("s3://bucket/stores", options)
    found, _ = find_stores(["s3://bucket/stores"], options)
    assert found == [f"s3://bucket/stores/{name}" for name in EXPECTED]


def test_a_repository_of_the_hub_is_listed_one_level_deep():
    with HubServer() as hub, use_hub(hub):
        files = {"eyes.zarr/zarr.json": b"{}", "README.md": b"", "notes/a.txt": b""}
        hub.add_repository("lab/eyes").put(files)
        found, without = find_stores(["hf://datasets/lab/eyes"], {})
    assert (found, without) == (["hf://datasets/lab/eyes/eyes.zarr"], [])


def test_a_text_file_names_addresses_and_paths_beside_it(tmp_path):
    lines = ["# stores of the lab", "", " s3://bucket/eyes.zarr ", "sub/a.zarr", "sub/a.zarr"]
    (tmp_path / "list.txt").write_text("\n".join(lines), encoding="utf-8-sig")
    found, _ = find_stores([str(tmp_path / "list.txt")], {})
    assert found == ["s3://bucket/eyes.zarr", str(tmp_path / "sub/a.zarr")]


def test_an_address_is_a_store_because_plain_http_has_no_listing():
    url = "https://example.org/eyes.zarr"
    assert find_stores([url, url], {}) == ([url], [])


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_place_without_a_store_is_named_and_the_others_are_kept(tmp_path, name):
    (tmp_path / "empty").mkdir()
    make_folders(str(tmp_path / "stores"))
    found, [place] = find_stores([str(tmp_path / name), str(tmp_path / "stores")], {})
    assert len(found) == len(EXPECTED)
    assert place.address == str(tmp_path / name)
    assert "no store in it" in place.reason or "no such folder" in place.reason
