"""Events, participants, sidecars and hashes of a recording."""

from __future__ import annotations

import json

import pytest
from bids_folder import EVENTS, write_folder

from bids_dl.config.stages import SourceConfig
from bids_dl.source import (
    find_recordings,
    hash_source_files,
    open_dataset,
    read_event_rows,
    read_sidecar_header,
)


def test_sidecars_are_merged_key_by_key_and_the_nearest_overrides(tmp_path):
    files = {
        "events.json": json.dumps({"value": {"HED": {"a": "Red"}}, "far": 1}),
        "task-x_events.json": json.dumps({"value": {"HED": {"a": "Green"}}}),
        "task-y_events.json": json.dumps({"value": {"HED": {"a": "Wrong"}}}),
        "sub-1/eeg/sub-1_task-x_events.json": json.dumps({"near": 2}),
        "sub-1/eeg/sub-1_task-x_events.tsv": EVENTS,
    }
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    [recording] = find_recordings(dataset, SourceConfig())
    assert read_event_rows(dataset, recording).sidecar == {
        "value": {"HED": {"a": "Green"}},
        "far": 1,
        "near": 2,
    }


@pytest.mark.parametrize(
    ("sidecar", "header"),
    [
        ({"SamplingFrequency": 250, "RecordingDuration": 60.5}, (250.0, 60.5)),
        ({"SamplingFrequency": "250", "RecordingDuration": -1}, (None, None)),
        ({"SamplingFrequency": float("nan")}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_a_sidecar_states_a_positive_rate_and_duration_or_none(tmp_path, sidecar, header):
    files = {
        "task-x_eeg.json": json.dumps(sidecar),
        "sub-1/eeg/sub-1_task-x_events.tsv": EVENTS,
    }
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    assert read_sidecar_header(dataset, "sub-1/eeg/sub-1_task-x") == header
    [recording] = find_recordings(dataset, SourceConfig())
    assert read_event_rows(dataset, recording).duration == header[1]


def test_the_sidecar_of_ieeg_is_ieeg_json(tmp_path):
    files = {"ieeg.json": '{"SamplingFrequency": 2000}', "eeg.json": '{"SamplingFrequency": 1}'}
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    assert read_sidecar_header(dataset, "sub-1/ieeg/sub-1_task-x").sfreq == 2000.0


def test_hashes_change_with_the_bytes_of_their_file(eegbci_copy):
    dataset = open_dataset(str(eegbci_copy))
    recording = find_recordings(dataset, SourceConfig())[0]
    before = hash_source_files(dataset, recording).digests
    signal = eegbci_copy / recording.signal
    signal.write_bytes(signal.read_bytes()[:-1] + b"\x01")
    after = hash_source_files(dataset, recording).digests
    assert {file for file in before if before[file] != after[file]} == {recording.signal}


@pytest.mark.parametrize(
    ("rows", "columns", "kinds"),
    [
        ("5,5\t1,25\n6\tn/a\n", (("5.5", "6"), ("1.25", "n/a")), {"decimal_comma": 2}),
        ("5,123\t1.5\n6\tn/a\n", (("5,123", "6"), ("1.5", "n/a")), {}),
        ("5\n6\t1\n", (("5", "6"), ("n/a", "1")), {"short_row": 1}),
        ("5\t1\tx\n6\t1\n", (("n/a", "6"), ("n/a", "1")), {"long_row": 1}),
    ],
)
def test_decimal_commas_and_rows_of_another_length_are_counted(tmp_path, rows, columns, kinds):
    files = {"sub-1/eeg/sub-1_task-x_events.tsv": f"onset\tduration\n{rows}"}
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    [recording] = find_recordings(dataset, SourceConfig())
    table = read_event_rows(dataset, recording)
    assert tuple(table.columns.values()) == columns
    counts: dict[str, int] = {}
    for issue in table.issues:
        counts[issue.kind] = counts.get(issue.kind, 0) + issue.number
        assert "row 0 of" in issue.place
    assert counts == kinds
