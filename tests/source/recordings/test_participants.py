"""participants.tsv, and its agreement with the folders."""

from __future__ import annotations

import pytest
from bids_folder import EVENTS, write_folder

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import SourceError
from bids_dl.source import list_recordings, open_dataset, read_participants


def read(root, *rows, header="participant_id\tage"):
    table = "\n".join([header, *rows]) + "\n"
    return read_participants(open_dataset(str(write_folder(root, {"participants.tsv": table}))))


def people_notes(root, rows, subjects):
    """Return the notes on a dataset of one recording per subject."""
    files = {f"sub-{name}/eeg/sub-{name}_task-t_events.tsv": EVENTS for name in subjects}
    files["participants.tsv"] = "\n".join(["participant_id\tage", *rows]) + "\n"
    dataset = open_dataset(str(write_folder(root / "ds", files)))
    return list(list_recordings(dataset, SourceConfig()).notes)


def test_participants_are_rows_of_text(eegbci):
    participants = read_participants(open_dataset(str(eegbci)))
    assert participants.rows["004"] == {"Gender": "M", "Age": "47", "Handedness": "n/a"}
    assert participants.columns == ("Gender", "Age", "Handedness")
    assert participants.sidecar["Age"]["Units"] == "years"
    assert participants.notes == ()


def test_a_dataset_without_participants_has_no_rows(tmp_path):
    participants = read_participants(open_dataset(str(write_folder(tmp_path, {}))))
    assert (participants.rows, participants.columns, participants.sidecar) == ({}, (), {})


def test_a_table_without_ids_is_refused(tmp_path):
    with pytest.raises(SourceError, match="the column participant_id is missing, found age"):
        read(tmp_path, "3", header="age")


def test_cells_that_differ_between_rows_of_a_person_are_not_available(tmp_path):
    rows = ("sub-1\t3\tM", "sub-1\t4\tM", "sub-2\t5\tF", "sub-2\t5\tF")
    participants = read(tmp_path, *rows, header="participant_id\tage\tsex")
    assert participants.rows == {"1": {"age": "n/a", "sex": "M"}, "2": {"age": "5", "sex": "F"}}
    [note] = participants.notes
    assert note.endswith(
        "2 people with several rows, 1 of them with different cells, the first sub-1 "
        "(age: 3, 4); cells that differ are n/a"
    )


def test_rows_without_an_id_are_counted(tmp_path):
    participants = read(tmp_path, "sub-1\t3", "n/a\t4", "\t5")
    assert list(participants.rows) == ["1"]
    assert "2 rows without participant_id omitted" in participants.notes[0]


def test_ids_without_prefix_are_counted(tmp_path):
    participants = read(tmp_path, "01\t3", "02\t4", "sub-03\t5")
    assert list(participants.rows) == ["01", "02", "03"]
    assert "2 ids without sub-, the first 01: read as sub-01" in participants.notes[0]


@pytest.mark.parametrize(
    ("ids", "hint"),
    [
        (["sub-1", "sub-A2"], "the first sub-01 (it has sub-1)"),
        (["sub-01", "sub-a2"], "the first sub-A2 (it has sub-a2)"),
        (["sub-01", "sub-A-2"], "the first sub-A2 (it has sub-A-2)"),
        (["sub-01"], "the first sub-A2; their columns are n/a"),
    ],
)
def test_people_without_a_row_are_counted_with_a_row_of_a_similar_label(tmp_path, ids, hint):
    notes = people_notes(tmp_path, [f"{name}\t3" for name in ids], ["01", "A2"])
    assert "1 of 2 people with recordings without a row" in notes[0]
    assert hint in notes[0]
    assert len(notes) == len(ids)  # and the row that nobody has


def test_people_without_a_folder_are_counted(tmp_path):
    [note] = people_notes(tmp_path, ["sub-1\t3", "sub-2\t3", "sub-3\t4"], ["1"])
    assert note == ("ds/participants.tsv: 2 of 3 people without a sub-* folder, the first sub-2")


def test_people_without_a_recording_are_counted(tmp_path):
    write_folder(tmp_path / "ds", {"sub-2/anat/sub-2_T1w.json": "{}"})
    [note] = people_notes(tmp_path, ["sub-1\t3", "sub-2\t3"], ["1"])
    assert note == ("ds: 1 of 2 sub-* folders without an EEG or iEEG recording, the first sub-2")


def test_people_that_agree_are_not_mentioned(tmp_path):
    assert people_notes(tmp_path, ["sub-NDAR-INV1\t3", "sub-2\t3"], ["NDAR-INV1", "2"]) == []


def test_rows_of_another_length_are_counted(tmp_path):
    table = "participant_id\tage\nsub-1\t5\nsub-2\nsub-3\t6\tx\n"
    dataset = open_dataset(str(write_folder(tmp_path, {"participants.tsv": table})))
    participants = read_participants(dataset)
    assert participants.rows == {"1": {"age": "5"}, "2": {"age": "n/a"}}
    assert any("1 row with fewer cells than columns" in note for note in participants.notes)
    assert any("1 row with more cells than columns" in note for note in participants.notes)
