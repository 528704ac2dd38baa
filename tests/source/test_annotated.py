"""Annotations in derivatives: which files are read, and of which recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.source import open_annotations, open_dataset, read_annotation_rows
from bids_dl.source.recordings.listing import find_recordings

PATH = "sub-1/eeg/sub-1_task-x"
ROWS = "onset\tduration\tkind\n1.5\t2\tDESC\n"


def write_derivative(folder: Path, *descs: str) -> Path:
    """Write a derivative with a table of one recording for each ``desc-``."""
    (folder / PATH).parent.mkdir(parents=True, exist_ok=True)
    description = {"Name": "d", "BIDSVersion": "1.10.0", "HEDVersion": "8.3.0"}
    (folder / "dataset_description.json").write_text(json.dumps(description))
    for desc in descs:
        (folder / f"{PATH}_desc-{desc}_events.tsv").write_text(ROWS.replace("DESC", desc))
        sidecar = {"kind": {"HED": {desc: "Red"}}}
        (folder / f"desc-{desc}_events.json").write_text(json.dumps(sidecar))
    return folder


def write_raw(folder: Path) -> Path:
    """Write a dataset with the events.tsv of one recording."""
    (folder / PATH).parent.mkdir(parents=True)
    (folder / "dataset_description.json").write_text('{"Name": "r", "BIDSVersion": "1.9.0"}')
    (folder / f"{PATH}_events.tsv").write_text("onset\tduration\n9\t1\n")
    return folder


def kinds(location: str) -> list[str]:
    return sorted(
        Path(file).name for file in open_annotations(location, ["raw"])["raw"].files.values()
    )


def test_the_labels_of_experts_are_read_unless_others_are_named(tmp_path):
    folder = write_derivative(tmp_path / "d", "labels", "eegnet")
    assert kinds(str(folder)) == ["sub-1_task-x_desc-labels_events.tsv"]
    assert kinds(f"eegnet={folder}") == ["sub-1_task-x_desc-eegnet_events.tsv"]
    assert kinds(f"desc-eegnet={folder}") == ["sub-1_task-x_desc-eegnet_events.tsv"]


def test_a_choice_is_asked_for_if_there_are_several_and_no_labels(tmp_path):
    folder = write_derivative(tmp_path / "d", "eegnet", "vgg")
    with pytest.raises(SourceError, match="desc- eegnet, vgg; choose one: --annotations DESC="):
        open_annotations(str(folder), ["raw"])
    with pytest.raises(SourceError, match="choose one"):
        open_annotations(f"deep4={folder}", ["raw"])


def test_rows_and_sidecars_are_those_of_the_derivative(tmp_path):
    raw = open_dataset(str(write_raw(tmp_path / "raw")))
    [recording] = find_recordings(raw, SourceConfig())
    folder = write_derivative(tmp_path / "d", "labels", "vgg")
    annotations = open_annotations(str(folder), ["raw"])["raw"]
    rows = read_annotation_rows(annotations, raw, recording)
    assert rows.recording == f"raw/{PATH}"
    assert rows.columns == {"onset": ("1.5",), "duration": ("2",), "kind": ("labels",)}
    assert rows.sidecar == {"kind": {"HED": {"labels": "Red"}}}
    assert set(annotations.hash_files(PATH)) == {
        *("desc-labels_events.json", f"{PATH}_desc-labels_events.tsv")
    }


def test_annotations_inside_a_dataset_are_no_recordings_of_it(tmp_path):
    folder = write_raw(tmp_path / "raw")
    (folder / f"{PATH}_desc-labels_events.tsv").write_text(ROWS)
    (folder / "desc-labels_events.json").write_text('{"onset": {"Description": "x"}}')
    dataset = open_dataset(str(folder))
    [recording] = find_recordings(dataset, SourceConfig())
    assert recording.events == f"{PATH}_events.tsv"
    assert dataset.inherited_files(PATH, "events.json") == []


def test_each_of_several_sources_has_a_derivative_of_its_name(tmp_path):
    with pytest.raises(SourceError, match=r"no dataset_description\.json in this folder"):
        open_annotations(str(tmp_path), ["a", "b"])
    write_derivative(tmp_path / "a", "labels")
    write_derivative(tmp_path / "b", "labels")
    found = open_annotations(str(tmp_path), ["a", "b"])
    assert [found[name].dataset.root.name for name in found] == ["a", "b"]
    with pytest.raises(SourceError, match="annotates one dataset, but the sources are c, d"):
        open_annotations(str(tmp_path / "a"), ["c", "d"])


def test_a_folder_without_annotations_is_refused(tmp_path):
    folder = write_raw(tmp_path / "raw")
    with pytest.raises(SourceError, match=r"no file named sub-\*/eeg/\*_desc-\*_events.tsv"):
        open_annotations(str(folder), ["raw"])
    with pytest.raises(SourceError, match=r"nope': no dataset_description\.json in this folder"):
        open_annotations(str(tmp_path / "nope"), ["raw"])


@pytest.mark.parametrize("name", ["~nobody-of-this-name", "x" * 300])
@pytest.mark.parametrize("sources", [["raw"], ["raw", "more"]])
def test_a_folder_of_an_unknown_user_or_with_a_long_name_is_no_derivative(name, sources):
    with pytest.raises(SourceError, match="no dataset_description"):
        open_annotations(name, sources)
