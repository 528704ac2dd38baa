"""A store below `derivatives/` has a valid dataset_description.json of its derivative."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from store_attributes import SOURCE, attributes_of

from bids_dl.remote.location import Location
from bids_dl.sharing.derivative import (
    DESCRIPTION,
    build_description,
    describe_derivative,
    find_derivative_folder,
)

DOI_SOURCE = {**SOURCE, "doi": "doi:10.18112/openneuro.ds004362.v1.0.0"}


@pytest.mark.parametrize(
    ("store", "folder"),
    [
        ("/ds/derivatives/eyes/eyes.zarr", "/ds/derivatives/eyes"),
        ("/ds/derivatives/eyes/v1/eyes.zarr", "/ds/derivatives/eyes"),
        ("/ds/derivatives/eyes.zarr", "/ds/derivatives"),
        ("/ds/derivatives/a/derivatives/b/eyes.zarr", "/ds/derivatives/a/derivatives/b"),
        ("bucket/ds/derivatives/eyes/eyes.zarr", "bucket/ds/derivatives/eyes"),
    ],
)
def test_the_derivative_is_the_folder_in_the_innermost_derivatives(store, folder):
    assert find_derivative_folder(PurePosixPath(store)) == PurePosixPath(folder)


@pytest.mark.parametrize("store", ["/ds/eyes.zarr", "/ds/derivatives", "/derivatives2/eyes.zarr"])
def test_a_store_elsewhere_is_no_derivative(store):
    assert find_derivative_folder(PurePosixPath(store)) is None


def test_the_description_has_what_bids_requires_of_a_derivative():
    attributes = attributes_of(DOI_SOURCE, creators=["Ada"], licence="CC-BY-NC-4.0")
    assert build_description(attributes, {}) == {
        "Name": "A store: [1] & more",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "License": "CC-BY-NC-4.0",
        "Authors": ["Ada"],
        "GeneratedBy": [{"Name": "bids_dl", "Version": "0"}],
        "SourceDatasets": [
            {
                "DOI": "doi:10.18112/openneuro.ds004362.v1.0.0",
                "URL": "https://doi.org/10.18112/openneuro.ds004362.v1.0.0",
                "Version": "1.0.0",
            }
        ],
    }


def test_the_description_is_beside_the_store_of_a_bids_dataset(tmp_path):
    (tmp_path / DESCRIPTION).write_text("{}")
    folder = tmp_path / "derivatives" / "eyes"
    store = Location(str(folder / "v1" / "eyes.zarr"))
    roots = {"ds1": tmp_path.resolve(), "ds2": Path("/elsewhere")}
    attributes = attributes_of(SOURCE, {**SOURCE, "dataset": "ds2"})
    assert describe_derivative(store, attributes, roots) == ""
    written = json.loads((folder / DESCRIPTION).read_text())
    assert written["SourceDatasets"] == [{"URL": "../.."}, {"Name": "ds2"}]
    assert written["License"] == "CC-BY-4.0"
    assert "Authors" not in written


def test_a_source_of_an_archive_without_doi_is_named_by_its_address():
    source = {**SOURCE, "doi": "", "address": "openneuro:ds000001", "version": "1.2.0"}
    description = build_description(attributes_of(source), {})
    assert description["SourceDatasets"] == [{"URL": "openneuro:ds000001", "Version": "1.2.0"}]


@pytest.mark.parametrize("url", ["{folder}/derivatives/a/b/x.zarr", "memory://derivatives/a/b/x"])
def test_derivatives_outside_of_a_dataset_are_described_beside_the_store(tmp_path, url):
    store = Location(url.format(folder=tmp_path))
    assert describe_derivative(store, attributes_of(SOURCE), {}) == ""
    beside = Location(store.url.rpartition("/")[0])
    assert json.loads(beside.read(DESCRIPTION))["DatasetType"] == "derivative"


def test_an_existing_description_is_never_changed(tmp_path):
    folder = tmp_path / "derivatives" / "eyes"
    folder.mkdir(parents=True)
    (folder / DESCRIPTION).write_text("{}")
    store = Location(str(folder / "eyes.zarr"))
    warning = describe_derivative(store, attributes_of(SOURCE), {})
    assert "exists and was not changed" in warning
    assert (folder / DESCRIPTION).read_text() == "{}"


def test_a_folder_that_cannot_be_written_gives_a_warning(tmp_path):
    (tmp_path / "derivatives").mkdir()
    (tmp_path / "derivatives" / "eyes").write_text("a file")
    store = Location(str(tmp_path / "derivatives" / "eyes" / "eyes.zarr"))
    assert "cannot be written" in describe_derivative(store, attributes_of(SOURCE), {})
