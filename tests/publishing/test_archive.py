from __future__ import annotations

import json
import zipfile

import pytest
import yaml
from counting_server import CountingServer

import bids_dl
from bids_dl.errors import ConfigError, DamagedStoreError


def test_an_archive_holds_the_store_uncompressed_and_opens(eyes_store, tmp_path, content):
    file = bids_dl.export(eyes_store, tmp_path / "eyes.zip")
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    assert [member.filename for member in members] == [
        f"eyes.zarr/{name}" for name in content.entries
    ]
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
    assert bids_dl.verify(f"zip://eyes.zarr::{file}").damages == ()


def test_an_archive_streams_over_http(eyes_store, tmp_path):
    bids_dl.export(eyes_store, tmp_path / "eyes.zip")
    with CountingServer(tmp_path) as server:
        store = bids_dl.open_store(f"zip://eyes.zarr::{server.url}/eyes.zip")
        assert store[3].row["label"] in ("eyes_open", "eyes_closed")


def test_the_same_store_gives_the_same_bytes(eyes_store, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        bids_dl.export(eyes_store, tmp_path / name / "eyes.zip")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_record_has_what_zenodo_asks_for(eyes_store, tmp_path, content):
    bids_dl.export(
        eyes_store, tmp_path / "eyes.zip", doi="10.5281/zenodo.1234", author=["Ada Lovelace"]
    )
    metadata = json.loads((tmp_path / "zenodo.json").read_text())["metadata"]
    assert metadata["creators"] == [{"name": "Ada Lovelace"}]
    assert metadata["license"] == "cc-zero"
    assert metadata["doi"] == "10.5281/zenodo.1234"
    assert metadata["related_identifiers"][0]["relation"] == "isDerivedFrom"
    assert f"bids-dl:{content.content}" in metadata["notes"]
    citation = yaml.safe_load((tmp_path / "CITATION.cff").read_text())
    assert citation["doi"] == "10.5281/zenodo.1234"
    card = (tmp_path / "README.md").read_text()
    assert "zip://eyes.zarr::https://zenodo.org/records/1234/files/eyes.zip" in card
    assert json.loads((tmp_path / "croissant.json").read_text())["creator"]


def test_licences_are_told(eyes_store, tmp_path):
    told = []
    bids_dl.export(eyes_store, tmp_path / "eyes.zip", on_message=told.append)
    assert told[0] == "licence: CC0-1.0"


@pytest.mark.parametrize("name", ["eyes.zip", "README.md", "zenodo.json"])
def test_an_existing_file_is_replaced_only_if_asked(eyes_store, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match=f"{name}: exists"):
        bids_dl.export(eyes_store, tmp_path / "eyes.zip")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    bids_dl.export(eyes_store, tmp_path / "eyes.zip", overwrite=True)
    assert (tmp_path / name).read_bytes() != b"mine"


def test_a_damaged_store_leaves_no_archive(eyes_store, tmp_path):
    import shutil

    store = shutil.copytree(eyes_store, tmp_path / "eyes.zarr")
    (store / "label" / "c" / "0").write_bytes(b"x")
    (tmp_path / "out").mkdir()
    with pytest.raises(DamagedStoreError, match="label/c/0"):
        bids_dl.export(store, tmp_path / "out" / "eyes.zip")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("option", [{"label": "eyes_open"}, {"max_windows": 3}])
def test_an_archive_has_all_windows(eyes_store, tmp_path, option):
    with pytest.raises(ConfigError, match="an archive has the whole store"):
        bids_dl.export(eyes_store, tmp_path / "eyes.zip", **option)


def test_a_doi_is_for_archives(eyes_store, tmp_path):
    with pytest.raises(ConfigError, match=r"for \.zip files"):
        bids_dl.export(eyes_store, tmp_path / "eyes.npz", doi="10.5281/zenodo.1234")
