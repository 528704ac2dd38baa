"""Folders are listed one level deep, wherever a listing exists."""

from __future__ import annotations

import pytest

from bids_dl.errors import StoreError
from bids_dl.remote.folders import list_folders
from bids_dl.remote.location import Location


@pytest.mark.parametrize("kind", ["local", "memory", "s3"])
def test_folders_are_listed_without_files_and_without_what_is_deeper(kind, tmp_path, options):
    urls = {"local": str(tmp_path), "memory": "memory://listed", "s3": "s3://bucket/listed"}
    location = Location(urls[kind], options if kind == "s3" else {})
    for name in ("b/deep/deeper/x", "a/x", "file"):
        location.write(name, b"1")
    assert list_folders(location) == ["a", "b"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreError, match="nothing: no such folder"):
        list_folders(Location(str(tmp_path / "nothing")))


def test_a_web_server_has_no_listing():
    with pytest.raises(StoreError, match="give the addresses of the stores"):
        list_folders(Location("https://example.org/stores"))
