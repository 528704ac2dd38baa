from __future__ import annotations

import json

import pytest

from bids_dl.publishing.object_order import find_unsafe_name, is_shard, order_objects


def test_the_order_is_shards_columns_documents_manifest_root(eyes_store):
    names = [*json.loads((eyes_store / "manifest.json").read_text())["objects"], "manifest.json"]
    arrays = {name.partition("/")[0] for name in names if "/" in name}
    ordered = order_objects(sorted(names), arrays)
    assert sorted(ordered) == sorted(names)
    assert ordered[0] == "signals/c/0/0/0"
    assert ordered[-2:] == ["manifest.json", "zarr.json"]
    documents = ordered[-8:-2]
    assert all("/" not in name for name in documents)
    assert all("/" in name for name in ordered[:-8])


def test_shards_are_in_the_order_of_their_numbers():
    names = [f"signals/c/{number}/0/0" for number in (10, 9, 100, 1)]
    assert [name.split("/")[2] for name in order_objects(names, ["signals"])] == [
        *("1", "9", "10", "100")
    ]


def test_dropout_has_shards_too():
    assert is_shard("dropout/c/0/0/0")
    assert not is_shard("label/c/0")


@pytest.mark.parametrize(
    "name",
    [
        *("../a", "/a", "a/../b", "a//b", "", "a/", "./a", "a\\b", "C:/a", "a\0b"),
        *("a/b.", "a/b ", "zarr.json.part", "a/c?"),
    ],
)
def test_a_name_that_leaves_the_folder_is_found(name):
    assert find_unsafe_name(["a/c/0", name]) == name


def test_the_names_of_a_store_are_safe(content):
    assert find_unsafe_name(content.entries) is None
