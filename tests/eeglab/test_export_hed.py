"""HED is taken from the places where EEGLAB keeps it, in order, and reaches the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eeglab.octave import HERE, run_cases
from exported_data import convert_as_is

QUERIES = {"1-back": "Blue", "end": "Press", "a/b": "Red", "é": "Green", "S  1": "Yellow"}
TYPES = ["1-back", "end", "a/b", "é", "S  1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hed")


@pytest.fixture(scope="module")
def cases(folder) -> Mapping[str, Mapping[str, Any]]:
    emitted = run_cases(
        HERE / "datasets" / "export_hed.m",
        paths=[HERE / "datasets"],
        environment={"CASES": str(folder)},
    )
    return {case["case"]: case for case in emitted}


@pytest.mark.parametrize("name", ["etc", "named"])
def test_a_sidecar_selects_types_of_every_spelling(cases, folder, tmp_path, name):
    assert cases[name]["places"] == [{"etc": "etc", "named": "file"}[name]]
    written = folder / name / "task-eeglab_events.json"
    assert written.read_text(encoding="utf-8") == cases["etc"]["sidecar"]
    store = convert_as_is(folder / name, tmp_path / "s.zarr", hed=QUERIES, tmin=0, tmax=0.5)
    assert list(store.table["label"]) == TYPES
    assert list(store.table["type"]) == TYPES


def test_the_events_come_before_the_sidecar_of_the_dataset(cases, folder):
    case = cases["events"]
    assert case["places"] == ["events"]
    assert case["warnings"] == [
        "dataset 1: HED is from EEG.event.HED; the sidecar in etc.HED is not used"
    ]
    assert not list((folder / "events").rglob("*events.json"))
    (table,) = (folder / "events").rglob("*events.tsv")
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t")[-1] == "HED"
    assert [line.split("\t")[-1] for line in lines[1:]] == [
        *("Sensory-event,(Label/1-back,Blue)", "Agent-action,Press", "n/a"),
        *("Sensory-event,Red", "n/a"),
    ]


def test_datasets_with_unequal_sidecars_have_them_beside_their_recordings(cases, folder, tmp_path):
    assert cases["in study"]["places"] == ["etc", "etc"]
    written = sorted(path.name for path in (folder / "in study").rglob("*events.json"))
    assert written == ["sub-A_task-eeglab_events.json", "sub-B_task-eeglab_events.json"]
    hed = {"blue": "Blue", "purple": "Purple"}
    store = convert_as_is(folder / "in study", tmp_path / "s.zarr", hed=hed, tmin=0, tmax=0.5)
    assert list(zip(store.table["subject"], store.table["label"], strict=True)) == [
        ("A", "blue"),
        ("B", "purple"),
    ]


def test_the_sidecars_of_the_bids_folder_apply_to_its_columns(cases, folder, tmp_path):
    assert cases["bids"]["places"] == ["bids"]
    written = sorted(
        path.relative_to(folder / "bids").as_posix()
        for path in (folder / "bids").rglob("*events.json")
    )
    assert written == [
        "sub-07/eeg/sub-07_task-look_run-2_events.json",
        "task-look_events.json",
    ]
    store = convert_as_is(folder / "bids", tmp_path / "s.zarr", hed=QUERIES, tmin=0, tmax=0.5)
    assert list(store.table["label"]) == TYPES
    assert list(store.table["trial_type"]) == TYPES
    assert set(store.table["age"]) == {31.5}
    assert set(store.table["sex"]) == {"M"}


def test_the_description_tells_source_licence_and_version(cases, folder):
    text = (folder / "bids" / "dataset_description.json").read_text(encoding="utf-8")
    description = json.loads(text)
    assert description["Name"] == "Faces, processed in EEGLAB"
    assert description["DatasetType"] == "derivative"
    assert description["License"] == "CC0"
    assert description["Authors"] == ["A. B."]
    assert description["HEDVersion"] == "8.3.0"
    assert [tool["Name"] for tool in description["GeneratedBy"]] == ["EEGLAB", "bids_dl"]
    assert description["GeneratedBy"][0]["Version"] == "2024.2"
    assert description["SourceDatasets"] == [
        {
            "DOI": "doi:10.18112/openneuro.ds000001.v1.0.0",
            "URL": "https://doi.org/10.18112/openneuro.ds000001.v1.0.0",
        }
    ]


def test_tags_of_old_releases_are_refused_with_the_way_out(cases):
    case = cases["old"]
    assert "EEG.event.usertags are of an old release of HED" in case["message"]
    assert "'event', {'type'}" in case["message"]
    assert not case["exists"]
    assert cases["ignored"]["places"] == [""]


def test_keys_of_a_sidecar_are_read_as_they_are_written(cases):
    assert cases["keys"]["keys"] == ['a\\"b', "e", "h"]
