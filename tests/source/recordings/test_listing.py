"""Recordings found in a BIDS folder, and selection by entities."""

from __future__ import annotations

import pytest
from bids_folder import EVENTS, write_folder

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.source import find_recordings, list_recordings, open_dataset


def test_the_sample_has_eleven_recordings(eegbci):
    recordings = find_recordings(open_dataset(str(eegbci)), SourceConfig())
    runs = {"001": "124", "002": "124", "003": "124", "004": "12"}
    expected = [(subject, run) for subject in runs for run in runs[subject]]
    assert [(recording.subject, recording.run) for recording in recordings] == expected
    assert recordings[0].path == "sub-001/eeg/sub-001_task-motion_run-1"
    assert recordings[0].key == "ds004362/sub-001/eeg/sub-001_task-motion_run-1"


def test_runs_are_compared_as_numbers(tmp_path):
    files = {f"sub-1/eeg/sub-1_task-x_run-0{run}_events.tsv": EVENTS for run in (1, 2)}
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    recordings = find_recordings(dataset, SourceConfig(run=("1",)))
    assert [recording.run for recording in recordings] == ["01"]


def test_entities_may_have_their_prefix(eegbci):
    config = SourceConfig(subject=("sub-003",), task=("task-motion",))
    recordings = find_recordings(open_dataset(str(eegbci)), config)
    assert {recording.subject for recording in recordings} == {"003"}


def test_a_missing_entity_is_answered_with_the_available_ones(eegbci):
    message = r"none of 11 recordings has subject 9 \(available: subject 001, 002, 003, 004\)"
    with pytest.raises(SourceError, match=message):
        find_recordings(open_dataset(str(eegbci)), SourceConfig(subject=("9",)))


@pytest.mark.parametrize("folder", ["sourcedata", "derivatives", "code"])
def test_other_folders_do_not_have_recordings(tmp_path, folder):
    files = {
        f"{folder}/sub-1/eeg/sub-1_events.tsv": EVENTS,
        "sub-1/beh/sub-1_task-x_events.tsv": EVENTS,
    }
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    with pytest.raises(SourceError, match="no EEG or iEEG recordings"):
        find_recordings(dataset, SourceConfig())


def test_an_inherited_events_file_without_a_signal_is_a_recording(shared):
    dataset = open_dataset(str(shared / "hed-metadata/ds003645"))
    paths = [recording.path for recording in find_recordings(dataset, SourceConfig())]
    assert "sub-003/sub-003_task-FacePerception_run-1" in paths


def test_an_events_file_at_the_root_is_a_recording_unless_a_nearer_one_overrides_it(tmp_path):
    root = write_folder(tmp_path, {"task-t_events.tsv": EVENTS})
    [recording] = find_recordings(open_dataset(str(root)), SourceConfig())
    assert (recording.path, recording.subject) == ("task-t", "")
    assert recording.events == "task-t_events.tsv"
    write_folder(tmp_path, {"sub-1/eeg/sub-1_task-t_events.tsv": EVENTS})
    [recording] = find_recordings(open_dataset(str(root)), SourceConfig())
    assert recording.path == "sub-1/eeg/sub-1_task-t"


@pytest.mark.parametrize("labels", [("NDAR-INV1", "NDAR-INV2"), ("A_1", "A_2"), ("é.1", "é.2")])
def test_people_with_similar_labels_are_different_people(tmp_path, labels):
    files = {f"sub-{label}/eeg/sub-{label}_task-x_events.tsv": EVENTS for label in labels}
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    recordings = find_recordings(dataset, SourceConfig())
    assert tuple(recording.subject for recording in recordings) == labels
    [recording] = find_recordings(dataset, SourceConfig(subject=(f"sub-{labels[1]}",)))
    assert recording.subject == labels[1]


def test_labels_that_look_alike_are_named(tmp_path):
    names = ["sub-1/eeg/sub-1_task-rest", "sub-01/eeg/sub-01_task-Rest"]
    files = {f"{name}_events.tsv": EVENTS for name in names}
    listing = list_recordings(
        open_dataset(str(write_folder(tmp_path / "ds", files))), SourceConfig()
    )
    assert len(listing.recordings) == 2
    alike = "differ only by case, leading zeros or Unicode form: read as 2"
    assert list(listing.notes) == [
        f"ds: sub-01, sub-1 {alike} subjects",
        f"ds: task-Rest, task-rest {alike} tasks",
    ]


def test_a_key_that_bids_does_not_define_is_named(tmp_path):
    files = {f"sub-1/eeg/sub-1_task-x_cond-{i}_events.tsv": EVENTS for i in range(2)}
    listing = list_recordings(open_dataset(str(write_folder(tmp_path, files))), SourceConfig())
    assert {recording.task for recording in listing.recordings} == {"x"}
    assert "2 names with a key that BIDS does not define, the first cond- of" in listing.notes[0]


def test_a_dataset_without_recordings_names_the_datasets_inside_it(tmp_path):
    for name in ("ds1", "sourcedata/raw"):
        write_folder(tmp_path / name, {"sub-1/eeg/sub-1_task-x_events.tsv": EVENTS})
    dataset = open_dataset(str(write_folder(tmp_path, {})))
    with pytest.raises(
        SourceError, match=r"pass the 2 datasets below it as SOURCEs: \S+/ds1 \S+/raw"
    ):
        find_recordings(dataset, SourceConfig())


def test_a_dataset_of_derivatives_says_why_it_has_no_recordings(tmp_path):
    files = {"sub-1/eeg/sub-1_task-x_desc-clean_eeg.set": ""}
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    with pytest.raises(SourceError, match="left out 1 recording with desc- in the name"):
        find_recordings(dataset, SourceConfig())


def test_calibration_files_of_meg_are_not_recordings(tmp_path):
    files = {
        "sub-1/meg/sub-1_acq-crosstalk_meg.fif": "x",
        "sub-1/meg/sub-1_acq-calibration_meg.dat": "x",
        "sub-1/eeg/sub-1_task-x_eeg.edf": "x",
    }
    dataset = open_dataset(str(write_folder(tmp_path, files)))
    [recording] = find_recordings(dataset, SourceConfig())
    assert recording.signal == "sub-1/eeg/sub-1_task-x_eeg.edf"
