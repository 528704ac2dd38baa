"""The Croissant description of a published copy is valid, and is not that of its source."""

from __future__ import annotations

import json

import pytest

from bids_dl.sharing.published_copy import PublishedCopy
from bids_dl.sharing.published_croissant import build_published_croissant
from bids_dl.store import open_store

ADDRESS = "hf://datasets/lab/eyes@v1/my eyes.zarr"
PAGE = "https://huggingface.co/datasets/lab/eyes"
COPY = PublishedCopy(ADDRESS, PAGE, doi="10.5281/zenodo.1", creators=("Ada",), date="2026-11-30")


@pytest.fixture(scope="module")
def description(eyes_store) -> dict:
    store = open_store(str(eyes_store))
    objects = json.loads((eyes_store / "manifest.json").read_text())["objects"]
    return build_published_croissant(store.root, objects, COPY)


def test_mlcroissant_validates_the_description_as_its_latest_version(description):
    croissant = pytest.importorskip("mlcroissant", reason="pip install mlcroissant")
    dataset = croissant.Dataset(jsonld=description)
    context = dataset.metadata.ctx
    assert (set(context.issues.errors), set(context.issues.warnings)) == (set(), set())
    assert context.is_latest_version()
    labels = [record["classes/name"] for record in dataset.records("classes")]
    assert len(labels) == 2


def test_the_windows_are_a_record_set_of_samples_and_columns(description, eyes_store):
    store = open_store(str(eyes_store))
    [windows] = [records for records in description["recordSet"] if records["name"] == "windows"]
    fields = {field["name"]: field for field in windows["field"]}
    assert set(fields) == {"signals", *store.columns}
    assert fields["signals"]["arrayShape"] == "24,256"
    assert fields["signals"]["dataType"] == "cr:Float32"
    assert fields["label"]["references"] == {"field": {"@id": "classes/name"}}
    assert fields["Age"]["description"].startswith("Participant age")


def test_the_copy_is_not_its_source(description):
    assert description["creator"] == [{"@type": "sc:Person", "name": "Ada"}]
    assert description["url"] == PAGE
    assert description["identifier"][0] == "https://doi.org/10.5281/zenodo.1"
    [source] = description["isBasedOn"]
    assert source["url"] == "https://doi.org/10.18112/openneuro.ds004362.v1.0.0"
    assert source["creator"][0]["name"] == "Gerwin Schalk"


def test_addresses_are_absolute_and_escaped(description, eyes_store):
    [shard, _] = description["distribution"]
    base = "https://huggingface.co/datasets/lab/eyes/resolve/v1/my%20eyes.zarr"
    assert shard["contentUrl"] == f"{base}/signals/c/0/0/0"
    objects = json.loads((eyes_store / "manifest.json").read_text())["objects"]
    assert shard["sha256"] == objects["signals/c/0/0/0"]["sha256"]


def test_a_copy_without_makers_says_so(eyes_store):
    root = open_store(str(eyes_store)).root
    description = build_published_croissant(root, {}, PublishedCopy("s3://b/eyes.zarr"))
    assert description["creator"] == [{"@type": "sc:Organization", "name": "not stated"}]
    assert description["url"] == "s3://b/eyes.zarr"
    assert "datePublished" not in description
