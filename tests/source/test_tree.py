"""Folders of a dataset: raw and other files, datasets inside, and links."""

from __future__ import annotations

import pytest
from bids_folder import write_folder

from bids_dl.errors import SourceError
from bids_dl.source.tree import MAX_FOLDERS, find_datasets, read_tree


def test_files_of_subject_folders_and_of_other_folders_are_apart(tmp_path):
    root = write_folder(tmp_path, {"sub-1/eeg/a.edf": "", "old/sub-1/eeg/a.edf": "", "x.tsv": ""})
    tree = read_tree(root)
    assert tree.files == ["dataset_description.json", "sub-1/eeg/a.edf", "x.tsv"]
    assert tree.other_files == ["old/sub-1/eeg/a.edf"]
    assert tree.subjects == ["sub-1"]


@pytest.mark.parametrize("folder", ["ds1", "group/ds1"])
def test_a_dataset_inside_is_named_and_its_files_are_not_listed(tmp_path, folder):
    write_folder(tmp_path / folder, {"sub-1/eeg/a.edf": ""})
    tree = read_tree(write_folder(tmp_path, {}))
    assert (tree.datasets, tree.other_files) == ([folder], [])


@pytest.mark.parametrize(
    ("link", "target"), [("sub-0", "sub-1"), ("sub-2", "sub-1"), ("sub-1/up", "."), ("a", "..")]
)
def test_a_link_to_a_folder_that_is_listed_elsewhere_is_not_followed(tmp_path, link, target):
    root = write_folder(tmp_path / "ds", {"sub-1/eeg/a.edf": ""}).resolve()
    (root / link).symlink_to((root / target).resolve())
    tree = read_tree(root)
    assert tree.files == ["dataset_description.json", "sub-1/eeg/a.edf"]
    assert list(tree.links) == [link]
    assert "/" not in tree.links[link]  # nothing of this machine


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path):
    write_folder(tmp_path / "kept", {"eeg/a.edf": ""})
    root = write_folder(tmp_path / "ds", {})
    (root / "sub-1").symlink_to(tmp_path / "kept")
    tree = read_tree(root.resolve())
    assert "sub-1/eeg/a.edf" in tree.files
    assert tree.subjects == ["sub-1"]
    assert tree.outside == ["sub-1"]


def test_datasets_below_a_folder_are_found_closest_first_without_derivatives(tmp_path):
    for folder in ("b", "study/a", "derivatives/c", "b/sourcedata/raw", "x/y/z/too_deep"):
        write_folder(tmp_path / folder, {})
    assert find_datasets(tmp_path) == ["b", "study/a"]


def test_the_search_for_datasets_ends_in_a_large_folder(tmp_path):
    for i in range(MAX_FOLDERS + 1):
        (tmp_path / f"{i}").mkdir()
    write_folder(tmp_path / "0" / "ds", {})
    assert find_datasets(tmp_path) == []


def test_a_folder_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(SourceError, match="cannot be read"):
        read_tree(tmp_path)
