from __future__ import annotations

import pytest

from bids_dl.errors import ConfigError
from bids_dl.publishing.hub_destination import (
    parse_hub_destination,
    parse_store_destination,
    path_in,
    tag_name,
)


def test_a_store_without_a_folder_gets_that_of_its_name():
    address = parse_store_destination("hf://datasets/lab/eyes", "eyes.zarr")
    assert address.url == "hf://datasets/lab/eyes/eyes.zarr"
    assert path_in(address, "zarr.json") == "eyes.zarr/zarr.json"


def test_a_run_goes_to_the_root_of_its_repository():
    address = parse_hub_destination("hf://lab/eyes-net")
    assert (address.kind, path_in(address, "README.md")) == ("models", "README.md")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hf://datasets/lab", "names no repository"),
        ("hf://", "names no repository"),
        ("hf://buckets/lab/eyes", "have no versions"),
        ("hf://datasets/lab/ey es", "cannot be a repository"),
        ("hf://datasets/lab/eyes/../up", "cannot be a folder"),
        (f"hf://datasets/lab/eyes@{'0' * 40}/a.zarr", "a commit cannot be written to"),
        ("hf://lab/eyes", "a store goes to a dataset repository"),
    ],
)
def test_an_impossible_destination_of_a_store_is_refused(url, message):
    with pytest.raises(ConfigError, match=message):
        parse_store_destination(url, "eyes.zarr")


@pytest.mark.parametrize(
    ("folder", "tag"),
    [("a/b.zarr", "a-b.zarr-0123456789abcdef"), ("-é-", "store-0123456789abcdef")],
)
def test_a_tag_has_the_folder_and_the_content(folder, tag):
    assert tag_name(folder, "0123456789abcdef" * 4) == tag
