"""A conversion writes nothing into a source, except below its `derivatives/`."""

from __future__ import annotations

import pytest

from bids_dl.errors import StoreError
from bids_dl.pipeline.destination import check_can_be_folder, check_outside_sources
from bids_dl.remote.location import Location


@pytest.fixture
def source(tmp_path):
    """Return a BIDS dataset with another one inside."""
    root = tmp_path / "ds"
    (root / "inner").mkdir(parents=True)
    for folder in (root, root / "inner"):
        (folder / "dataset_description.json").write_text("{}")
    return root


@pytest.mark.parametrize(
    "name", ["out.zarr", "sub-01/out.zarr", "a/../b.zarr", "code/derivatives/x.zarr", "derivatives"]
)
def test_a_store_inside_a_source_is_refused_with_a_place_for_it(source, name):
    with pytest.raises(StoreError, match=r"inside the source .*/ds/derivatives/bids_dl/"):
        check_outside_sources(Location(f"{source}/{name}"), ["elsewhere", str(source)])


def test_a_dataset_as_destination_is_refused_with_the_order(source):
    with pytest.raises(StoreError, match=r"/ds: is a BIDS dataset, .* DEST follows all SOURCEs"):
        check_outside_sources(Location(str(source)), ["eyes.zarr"])


@pytest.mark.parametrize("name", [".", "ds/inner/.."])
def test_a_destination_that_holds_a_source_is_refused(source, tmp_path, name):
    (source / "dataset_description.json").unlink()
    with pytest.raises(StoreError, match=r"holds the source .*/ds/inner, which would be overwr"):
        check_outside_sources(Location(str(tmp_path / name)), [str(source / "inner")])


@pytest.mark.parametrize("name", ["notes.txt", "notes.txt/a.zarr", "notes.txt/a/b.zarr"])
def test_a_file_in_the_way_is_named(tmp_path, name):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(StoreError, match=r"notes\.txt is a file, not a folder; choose another"):
        check_can_be_folder(Location(str(tmp_path / name)))
    check_can_be_folder(Location(str(tmp_path / "new/a.zarr")))
    check_can_be_folder(Location("memory://notes.txt/a.zarr"))


def test_a_link_into_a_source_is_resolved(source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(StoreError, match="lies inside the source"):
        check_outside_sources(Location(f"{tmp_path}/link/out.zarr"), [str(source)])


@pytest.mark.parametrize(
    "name", ["derivatives/x.zarr", "derivatives/eyes/x.zarr", "inner/derivatives/x.zarr", "../x"]
)
def test_derivatives_of_a_source_and_other_folders_are_accepted(source, name):
    check_outside_sources(Location(f"{source}/{name}"), [str(source)])


def test_a_bucket_and_a_folder_that_is_no_dataset_are_accepted(source, tmp_path):
    check_outside_sources(Location("memory://ds/x.zarr"), [str(source)])
    check_outside_sources(Location(f"{tmp_path}/x.zarr"), [str(tmp_path)])
