from __future__ import annotations

import json

import pytest

import bids_dl
from bids_dl.errors import StoreError
from bids_dl.publishing.content import read_content
from bids_dl.publishing.existing_copy import CopyState, ExistingCopy, build_marker, plan_copy

URL = "s3://bucket/eyes.zarr"


def sizes_of(content, *names):
    return {name: content.entries[name].n_bytes for name in names or content.entries}


def other_content(store):
    return read_content(bids_dl.open_store(store))


def test_everything_is_missing_at_an_empty_destination(content):
    plan = plan_copy(URL, content, ExistingCopy({}))
    assert plan.state is CopyState.EMPTY
    assert [entry.name for entry in plan.missing] == list(content.entries)
    assert plan.missing[-1].name == "zarr.json"
    assert plan.missing_bytes == content.n_bytes


def test_an_unfinished_copy_of_the_same_store_goes_on(content):
    names = list(content.entries)[:5]
    existing = ExistingCopy(sizes_of(content, *names), marker=build_marker(content))
    plan = plan_copy(URL, content, existing)
    assert plan.state is CopyState.UNFINISHED
    assert [entry.name for entry in plan.present] == names
    assert len(plan.missing) == len(content.entries) - 5


def test_a_marker_alone_is_an_unfinished_copy(content):
    existing = ExistingCopy({"unfinished.json": 9}, marker=build_marker(content))
    assert plan_copy(URL, content, existing).state is CopyState.UNFINISHED


def test_nothing_is_missing_at_a_finished_copy(content):
    existing = ExistingCopy(sizes_of(content), content.read("zarr.json"))
    plan = plan_copy(URL, content, existing)
    assert plan.state is CopyState.FINISHED
    assert plan.missing == ()


def test_a_lost_object_of_a_finished_copy_is_missing(content):
    sizes = sizes_of(content)
    del sizes["label/c/0"]
    plan = plan_copy(URL, content, ExistingCopy(sizes, content.read("zarr.json")))
    assert [entry.name for entry in plan.missing] == ["label/c/0"]


def test_other_files_beside_a_finished_copy_are_ignored(content):
    sizes = {**sizes_of(content), ".DS_Store": 9}
    plan = plan_copy(URL, content, ExistingCopy(sizes, content.read("zarr.json")))
    assert plan.state is CopyState.FINISHED


def test_an_edited_card_is_no_difference(content):
    sizes = {**sizes_of(content), "README.md": 1}
    plan = plan_copy(URL, content, ExistingCopy(sizes, content.read("zarr.json")))
    assert plan.missing == ()


def test_another_store_is_refused_with_the_difference(content, other_store):
    other = other_content(other_store)
    existing = ExistingCopy(sizes_of(other), other.read("zarr.json"))
    expected = rf"its content is {other.content[:16]}, that of this one {content.content[:16]}"
    with pytest.raises(StoreError, match=expected) as caught:
        plan_copy(URL, content, existing)
    assert "its title is 'one person'" in str(caught.value)
    assert "choose another name" in str(caught.value)
    assert caught.value.exit_status == 2


def test_the_same_windows_with_other_documents_are_refused(content):
    root = json.loads(content.read("zarr.json"))
    root["attributes"]["title"] = "new title"
    existing = ExistingCopy(sizes_of(content), json.dumps(root).encode())
    with pytest.raises(StoreError, match="the same windows, but other title"):
        plan_copy(URL, content, existing)


@pytest.mark.parametrize("root", [b"{}", b"no JSON", b"[1]", b'{"attributes": 3}'])
def test_a_root_of_another_program_is_refused(content, root):
    with pytest.raises(StoreError, match="not a store of bids_dl"):
        plan_copy(URL, content, ExistingCopy({"zarr.json": len(root)}, root))


def test_an_unfinished_copy_of_another_store_is_refused(content, other_store):
    marker = build_marker(other_content(other_store))
    with pytest.raises(StoreError, match="unfinished copy of another store"):
        plan_copy(URL, content, ExistingCopy({"unfinished.json": 9}, marker=marker))


def test_an_unfinished_conversion_is_refused(content):
    marker = json.dumps({"format": "bids-dl", "format_version": 1, "plan": "a", "writer": "b"})
    with pytest.raises(StoreError, match="unfinished store that another program writes"):
        plan_copy(URL, content, ExistingCopy({"unfinished.json": 9}, marker=marker.encode()))


def test_a_folder_with_other_files_is_refused(content):
    with pytest.raises(StoreError, match=r"not empty and not a copy of this store \(it contains a"):
        plan_copy(URL, content, ExistingCopy({"a.txt": 3}))


def test_an_object_of_another_size_is_refused(content):
    sizes = {**sizes_of(content, "label/c/0", "plan.json"), "label/c/0": 3}
    with pytest.raises(StoreError, match="label/c/0 has 3 bytes, not "):
        plan_copy(URL, content, ExistingCopy(sizes))


def test_the_marker_is_the_same_for_the_same_store(content, eyes_store):
    assert build_marker(content) == build_marker(other_content(eyes_store))
    assert {"format", "format_version", "plan", "writer"} <= set(json.loads(build_marker(content)))
