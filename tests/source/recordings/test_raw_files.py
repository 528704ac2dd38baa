"""Rules by which a file is a recording or is left out, and the note on each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bids_folder import EVENTS, write_folder

from bids_dl.errors import SourceError
from bids_dl.source import open_dataset
from bids_dl.source.recordings.raw_files import find_raw_files

RAW = {"sub-1/eeg/sub-1_task-x_eeg.edf": "1", "sub-1/eeg/sub-1_task-x_events.tsv": EVENTS}


def find(root, files):
    """Write files beside a raw recording, and return the other paths and the notes."""
    raw = find_raw_files(open_dataset(str(write_folder(root / "ds", RAW | files))))
    assert raw.files["sub-1/eeg/sub-1_task-x"] == ("sub-1/eeg/sub-1_task-x_eeg.edf",)
    return [path for path in raw.files if path != "sub-1/eeg/sub-1_task-x"], list(raw.notes)


def test_an_ordinary_dataset_has_no_notes(tmp_path):
    others = {"sub-2/eeg/sub-2_eeg.vhdr": "", "sub-2/eeg/sub-2_eeg.eeg": "", "README": "x"}
    skipped = dict.fromkeys(["derivatives/a_eeg.edf", "sourcedata/a_eeg.edf"], "")
    assert find(tmp_path, others | skipped) == (["sub-2/eeg/sub-2"], [])


@pytest.mark.parametrize(
    ("file", "note"),
    [
        (
            "derivatives_old/sub-1/eeg/sub-1_task-x_eeg.edf",
            "ds: left out 1 recording outside of the sub-* folders at the top, the first "
            "derivatives_old/sub-1/eeg/sub-1_task-x",
        ),
        ("backup/s1.edf", "1 recording outside of the sub-* folders at the top"),
        ("Sub-2/eeg/Sub-2_task-x_eeg.edf", "outside of the sub-* folders at the top"),
        ("sub-1/eeg_old/sub-1_task-y_eeg.edf", "left out 1 file neither named *_eeg in a folder"),
        ("sub-1/eeg/old/sub-1_task-y_eeg.edf", "left out 1 file neither named *_eeg"),
        ("sub-1/sub-1_task-y_eeg.edf", "left out 1 file neither named *_eeg"),
        ("sub-1/ieeg/sub-1_task-y_eeg.edf", "left out 1 file neither named *_eeg"),
        ("sub-1/eeg/sub-1_task-x_eeg copy.edf", "left out 1 file neither named *_eeg"),
        ("sub-1/eeg/recording.BDF", "left out 1 file neither named *_eeg"),
        ("sub-1/eeg/sub-1_task-x_desc-clean_eeg.set", "1 recording with desc- in the name"),
        ("sub-1/eeg/sub-1_task-x_desc-a_events.tsv", "1 recording with desc- in the name"),
        (
            "sub-1/eeg/sub-2_task-x_eeg.edf",
            "contradict each other, the first sub-1/eeg/sub-2_task-x (the folder is sub-1, the "
            "name says sub-2); rename one",
        ),
        ("sub-1_old/eeg/sub-1_task-x_eeg.edf", "whose folders and name contradict each other"),
        ("sub-1/eeg/sub-2_task-y_events.tsv", "whose folders and name contradict each other"),
    ],
)
def test_what_is_not_raw_data_is_left_out_with_a_note(tmp_path, file, note):
    paths, [line] = find(tmp_path, {file: EVENTS})
    assert paths == []
    assert note in line


def test_a_note_counts_all_and_names_the_first(tmp_path):
    files = {f"old/sub-{i}/eeg/sub-{i}_eeg.set": "" for i in range(3)}
    _, [line] = find(tmp_path, files)
    assert "left out 3 recordings" in line
    assert "the first old/sub-0/eeg/sub-0" in line


def test_an_events_table_with_desc_does_not_override_a_raw_one(tmp_path):
    folder = "sub-2/eeg/sub-2_task-x"
    files = {f"{folder}_events.tsv": EVENTS, f"{folder}_desc-a_events.tsv": EVENTS}
    paths, _ = find(tmp_path, files)
    assert paths == [folder]


def test_a_dataset_inside_is_left_out_as_one(tmp_path):
    files = {"ds1/dataset_description.json": "{}", "ds1/sub-1/eeg/sub-1_task-x_eeg.edf": ""}
    paths, [line] = find(tmp_path, files)
    assert paths == []
    assert line == (
        "ds: left out 1 dataset inside this one, the first ds1; pass each as a SOURCE of its own"
    )


@pytest.mark.parametrize("pattern", ["sub-2/", "*_task-y_eeg.edf", "/sub-2/**", "*.edf\n!*task-x*"])
def test_recordings_that_bidsignore_lists_are_left_out(tmp_path, pattern):
    files = {"sub-2/eeg/sub-2_task-y_eeg.edf": "", ".bidsignore": f"# comment\n{pattern}\n"}
    paths, [line] = find(tmp_path, files)
    assert paths == []
    assert "left out 1 recording listed in .bidsignore, the first sub-2/eeg/sub-2_task-y" in line


def test_bidsignore_leaves_tables_and_sidecars(tmp_path):
    assert find(tmp_path, {".bidsignore": "*.tsv\n*.json\nextra/\n"}) == ([], [])


def test_a_bidsignore_that_cannot_be_read_is_refused(tmp_path):
    root = write_folder(tmp_path, RAW)
    (root / ".bidsignore").write_bytes(b"\xff\xfe")
    with pytest.raises(SourceError, match=r"\.bidsignore: cannot be read"):
        find_raw_files(open_dataset(str(root)))


def link(root: Path, path: str, target: str) -> None:
    """Make a symbolic link in a dataset, both relative to it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(os.path.relpath(root / target, (root / path).parent))


@pytest.mark.parametrize("name", ["sub-0", "sub-2"])
def test_a_link_to_another_recording_is_left_out(tmp_path, name):
    root = write_folder(tmp_path / "ds", RAW)
    signal = "sub-1/eeg/sub-1_task-x_eeg.edf"
    link(root, f"{name}/eeg/{name}_task-x_eeg.edf", signal)
    link(root, "sub-3/eeg/sub-3_task-x_eeg.edf", f"{name}/eeg/{name}_task-x_eeg.edf")
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x"]
    assert "left out 2 recordings whose file is that of another recording" in raw.notes[0]
    assert raw.notes[0].endswith("(sub-1/eeg/sub-1_task-x)")


@pytest.mark.parametrize("folder", ["code", "../elsewhere"])
def test_a_link_to_a_recording_in_a_linked_folder_is_left_out(tmp_path, folder):
    root = write_folder(tmp_path / "ds", {"dataset_description.json": "{}"})
    file = "sub-1/eeg/sub-1_task-x_eeg.edf"
    write_folder(root / folder, {file: "x"})
    link(root, "sub-1", f"{folder}/sub-1")
    link(root, "sub-2/eeg/sub-2_task-x_eeg.edf", file)
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x"]


def test_a_link_to_a_file_that_is_not_read_is_a_recording(tmp_path):
    root = write_folder(tmp_path / "ds", RAW | {"sub-1/eeg/sub-1_task-x_eeg.bdf": "other"})
    link(root, "sub-2/eeg/sub-2_task-x_eeg.bdf", "sub-1/eeg/sub-1_task-x_eeg.bdf")
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x", "sub-2/eeg/sub-2_task-x"]


def test_a_hard_link_is_a_recording(tmp_path):
    root = write_folder(tmp_path / "ds", RAW)
    (root / "sub-2/eeg").mkdir(parents=True)
    twin = root / "sub-2/eeg/sub-2_task-x_eeg.edf"
    twin.hardlink_to(root / "sub-1/eeg/sub-1_task-x_eeg.edf")
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x", "sub-2/eeg/sub-2_task-x"]
    assert raw.notes == ()


def test_links_in_a_circle_are_recordings_that_cannot_be_read(tmp_path):
    root = write_folder(tmp_path / "ds", {})
    first, second = (f"sub-{i}/eeg/sub-{i}_task-x_eeg.edf" for i in "12")
    link(root, first, second)
    link(root, second, first)
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x", "sub-2/eeg/sub-2_task-x"]


def test_a_link_through_a_circle_of_folders_is_a_recording(tmp_path):
    root = write_folder(tmp_path / "ds", {})
    link(root, "circle", "circle")
    link(root, "sub-1/eeg/sub-1_task-x_eeg.edf", "circle/sub-2_task-x_eeg.edf")
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x"]


def test_links_to_one_object_of_the_annex_are_recordings(tmp_path):
    root = write_folder(tmp_path / "ds", {})
    for subject in "12":
        link(root, f"sub-{subject}/eeg/sub-{subject}_task-x_eeg.edf", ".git/annex/objects/key")
    raw = find_raw_files(open_dataset(str(root)))
    assert list(raw.files) == ["sub-1/eeg/sub-1_task-x", "sub-2/eeg/sub-2_task-x"]


def test_links_out_of_the_dataset_are_told_once_with_their_number(tmp_path):
    kept = write_folder(tmp_path / "kept", {"a_eeg.edf": "x", "b_eeg.edf": "y"})
    write_folder(tmp_path / "other", {"eeg/sub-3_task-x_eeg.edf": "z"})
    root = write_folder(tmp_path / "ds", {})
    for subject, name in (("1", "a"), ("2", "b")):
        folder = root / f"sub-{subject}" / "eeg"
        folder.mkdir(parents=True)
        (folder / f"sub-{subject}_task-x_eeg.edf").symlink_to(kept / f"{name}_eeg.edf")
    (root / "sub-3").symlink_to(tmp_path / "other")
    raw = find_raw_files(open_dataset(str(root)))
    assert len(raw.files) == 3
    assert raw.notes == (
        "ds: 1 link to folders outside of the dataset, the first sub-3: "
        "signals are read there, texts are not",
        "ds: 3 signal files outside of the dataset, read through links, "
        "the first sub-1/eeg/sub-1_task-x_eeg.edf",
    )


@pytest.mark.parametrize("kind", ["outside", "pipe", "large"])
def test_a_bidsignore_that_is_no_file_of_the_dataset_is_refused(tmp_path, kind):
    root = write_folder(tmp_path / "ds", RAW)
    if kind == "outside":
        (tmp_path / "private").write_text("*")
        (root / ".bidsignore").symlink_to(tmp_path / "private")
    elif kind == "pipe":
        os.mkfifo(root / ".bidsignore")
    else:
        with (root / ".bidsignore").open("wb") as file:
            file.truncate(10**10)
    with pytest.raises(SourceError, match=r"ds/\.bidsignore: (is a link|is a named|cannot be)"):
        find_raw_files(open_dataset(str(root)))


def test_a_second_format_of_a_recording_is_named(tmp_path):
    paths, [line] = find(
        tmp_path,
        {"sub-1/eeg/sub-1_task-x_events.json": "{}"}
        | {
            "sub-2/eeg/sub-2_eeg.set": "",
            "sub-2/eeg/sub-2_eeg.fdt": "",
            "sub-2/eeg/sub-2_eeg.bdf": "",
        },
    )
    assert paths == ["sub-2/eeg/sub-2"]
    assert line == (
        "ds: 1 recording in several formats, the first sub-2/eeg/sub-2: .set is read, .bdf is not"
    )
