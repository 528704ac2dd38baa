from __future__ import annotations

import shutil

import pytest

import bids_dl
from bids_dl.errors import DamagedStoreError
from bids_dl.publishing.content import read_content


@pytest.fixture
def copied(eyes_store, tmp_path):
    return shutil.copytree(eyes_store, tmp_path / "eyes.zarr")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_every_object_is_read_as_it_was_written(content, eyes_store):
    for name in content.entries:
        assert content.read(name) == (eyes_store / name).read_bytes()


@pytest.mark.parametrize("name", ["signals/c/0/0/0", "label/c/0", "plan.json"])
def test_a_changed_object_is_found_while_it_is_read(copied, name):
    content = read_content(bids_dl.open_store(copied))
    flip(copied / name)
    with pytest.raises(DamagedStoreError, match=f"{name} differs from the object written"):
        content.read(name)


def test_a_missing_object_is_named(copied):
    content = read_content(bids_dl.open_store(copied))
    (copied / "label/c/0").unlink()
    with pytest.raises(DamagedStoreError, match="label/c/0 is missing"):
        content.read("label/c/0")


def test_a_root_that_was_replaced_meanwhile_is_found(copied, other_store):
    store = bids_dl.open_store(copied)
    shutil.copy(other_store / "zarr.json", copied)
    with pytest.raises(DamagedStoreError, match=r"zarr\.json"):
        read_content(store)


def test_the_manifest_of_another_store_is_refused(copied, other_store):
    shutil.copy(other_store / "manifest.json", copied)
    with pytest.raises(DamagedStoreError, match="belongs to another store"):
        read_content(bids_dl.open_store(copied))


def test_a_missing_manifest_is_refused(copied):
    (copied / "manifest.json").unlink()
    with pytest.raises(DamagedStoreError, match=r"manifest\.json cannot be read"):
        read_content(bids_dl.open_store(copied))


def test_an_edited_card_is_content(copied):
    (copied / "README.md").write_text("my own words")
    content = read_content(bids_dl.open_store(copied))
    assert content.read("README.md") == b"my own words"
    assert content.entries["README.md"].n_bytes == 12
