from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError, SourceError
from bids_dl.source import (
    find_recordings,
    fingerprint,
    open_dataset,
    open_raw,
    positions,
    read_header,
    read_participants,
    read_rows,
)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in {"dataset_description.json": "{}", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def signal(dataset, recording):
    """Names and samples (n_chans, n_times) in V of a recording."""
    with open_raw(dataset, recording) as raw:
        return raw.ch_names, raw.get_data()


EVENTS = "onset\tduration\tvalue\n1.0\tn/a\ta\n"


def test_the_sample_has_eight_recordings_named_by_their_doi(eegbci):
    dataset = open_dataset(str(eegbci))
    recordings = find_recordings(dataset, SourceConfig())
    assert dataset.name == "ds004362"
    assert [(r.subject, r.run) for r in recordings] == [
        (f"00{i}", run) for i in range(1, 5) for run in "12"
    ]
    assert recordings[0].path == "sub-001/eeg/sub-001_task-motion_run-1"
    assert recordings[0].key == "ds004362/sub-001/eeg/sub-001_task-motion_run-1"


def test_names_of_channels_tsv_win_over_those_of_the_file(eegbci):
    dataset = open_dataset(str(eegbci))
    [recording] = find_recordings(dataset, SourceConfig(subject=("001",), run=("1",)))
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times) == (160.0, 9760)
    assert {"Fc3", "O1", "O2"} <= set(header.ch_names)
    assert set(header.ch_types) == {"eeg"}


def test_the_signal_is_that_of_the_file_in_volts(eegbci):
    import mne

    dataset = open_dataset(str(eegbci))
    [recording] = find_recordings(dataset, SourceConfig(subject=("002",), run=("2",)))
    alone = mne.io.read_raw_edf(eegbci / recording.signal, verbose="error")
    np.testing.assert_array_equal(signal(dataset, recording)[1], alone.get_data())


def test_run_1_finds_run_01(tmp_path):
    root = write(
        tmp_path, {f"sub-1/eeg/sub-1_task-x_run-0{run}_events.tsv": EVENTS for run in (1, 2)}
    )
    found = find_recordings(open_dataset(str(root)), SourceConfig(run=("1",)))
    assert [recording.run for recording in found] == ["01"]


def test_entities_may_be_asked_for_with_their_prefix(eegbci):
    found = find_recordings(
        open_dataset(str(eegbci)), SourceConfig(subject=("sub-003",), task=("task-motion",))
    )
    assert {recording.subject for recording in found} == {"003"}


def test_an_entity_that_is_not_there_is_answered_with_those_that_are(eegbci):
    with pytest.raises(
        SourceError,
        match=r"none of 8 recordings has subject 9; there are subject 001, 002, 003, 004",
    ):
        find_recordings(open_dataset(str(eegbci)), SourceConfig(subject=("9",)))


@pytest.mark.parametrize("folder", ["sourcedata", "derivatives", "code"])
def test_other_folders_hold_no_recordings(tmp_path, folder):
    root = write(
        tmp_path,
        {
            f"{folder}/sub-1/eeg/sub-1_events.tsv": EVENTS,
            "sub-1/beh/sub-1_task-x_events.tsv": EVENTS,
        },
    )
    with pytest.raises(SourceError, match="no EEG or iEEG recordings"):
        find_recordings(open_dataset(str(root)), SourceConfig())


def test_an_inherited_events_file_without_a_signal_is_a_recording_of_its_own_path(shared):
    found = find_recordings(open_dataset(str(shared / "hed-metadata/ds003645")), SourceConfig())
    assert "sub-003/sub-003_task-FacePerception_run-1" in [recording.path for recording in found]


def test_sidecars_are_merged_key_by_key_the_nearest_last(tmp_path):
    root = write(
        tmp_path,
        {
            "events.json": json.dumps({"value": {"HED": {"a": "Red"}}, "far": 1}),
            "task-x_events.json": json.dumps({"value": {"HED": {"a": "Green"}}}),
            "task-y_events.json": json.dumps({"value": {"HED": {"a": "Wrong"}}}),
            "sub-1/eeg/sub-1_task-x_events.json": json.dumps({"near": 2}),
            "sub-1/eeg/sub-1_task-x_events.tsv": EVENTS,
        },
    )
    dataset = open_dataset(str(root))
    [recording] = find_recordings(dataset, SourceConfig())
    assert read_rows(dataset, recording).sidecar == {
        "value": {"HED": {"a": "Green"}},
        "far": 1,
        "near": 2,
    }


def test_rows_are_text_and_short_rows_are_filled(tmp_path):
    root = write(
        tmp_path,
        {"sub-1/eeg/sub-1_events.tsv": "\ufeffonset\tduration\tvalue\r\n1.50\tn/a\t01\r\n2\r\n"},
    )
    dataset = open_dataset(str(root))
    [recording] = find_recordings(dataset, SourceConfig())
    assert read_rows(dataset, recording).columns == {
        "onset": ("1.50", "2"),
        "duration": ("n/a", "n/a"),
        "value": ("01", "n/a"),
    }


def test_participants_are_rows_of_text(eegbci):
    people = read_participants(open_dataset(str(eegbci)))
    assert people.rows["004"] == {"Gender": "M", "Age": "47", "Handedness": "n/a"}
    assert people.sidecar["Age"]["Units"] == "years"


@pytest.mark.parametrize("missing", ["", "sub-001"])
def test_a_source_that_is_no_dataset_is_refused_in_one_line(tmp_path, missing):
    with pytest.raises(
        SourceError, match=r"no such folder|no dataset_description\.json"
    ) as refusal:
        open_dataset(str(tmp_path / missing))
    assert "\n" not in str(refusal.value)


def test_channels_that_cannot_be_matched_are_named(eegbci_copy):
    table = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_channels.tsv"
    table.write_text(table.read_text().replace("Cz\t", "Czz\t"))
    dataset = open_dataset(str(eegbci_copy))
    with pytest.raises(
        RecordingError, match=r"only in the file: Cz\.\.; only in channels\.tsv: Czz"
    ):
        read_header(dataset, find_recordings(dataset, SourceConfig())[0])


def test_signals_follow_their_names_where_only_the_order_differs(eegbci, eegbci_copy):
    stem = "sub-001/eeg/sub-001_task-motion_run-1"
    table = eegbci_copy / f"{stem}_channels.tsv"
    first, *rows = table.read_text().splitlines()
    dataset, copy = open_dataset(str(eegbci)), open_dataset(str(eegbci_copy))
    recording = find_recordings(dataset, SourceConfig())[0]
    in_file, in_order = signal(dataset, recording)
    names = {row.split("\t")[0]: row for row in rows}
    import mne

    exact = mne.io.read_raw_edf(eegbci / recording.signal, verbose="error").ch_names
    table.write_text(
        "\n".join(
            [
                first,
                *(
                    names[n].replace(n, e)
                    for n, e in reversed(list(zip(in_file, exact, strict=True)))
                ),
            ]
        )
        + "\n"
    )
    names_now, turned = signal(copy, recording)
    assert names_now == exact[::-1]
    np.testing.assert_array_equal(turned, in_order[::-1])


def test_a_broken_file_is_a_reason_without_a_path_of_this_machine(eegbci_copy):
    (eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf").write_bytes(b"not an EDF")
    dataset = open_dataset(str(eegbci_copy))
    with pytest.raises(RecordingError) as failure:
        read_header(dataset, find_recordings(dataset, SourceConfig())[0])
    assert failure.value.stage == "header"
    assert str(eegbci_copy.parent) not in failure.value.reason


def test_a_link_to_nothing_says_how_to_get_it(eegbci_copy):
    signal = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf"
    signal.unlink()
    signal.symlink_to("../../.git/annex/objects/nowhere")
    dataset = open_dataset(str(eegbci_copy))
    with pytest.raises(
        RecordingError, match=r"datalad get sub-001/eeg/sub-001_task-motion_run-1_eeg\.edf"
    ):
        fingerprint(dataset, find_recordings(dataset, SourceConfig())[0])


def test_the_fingerprint_follows_the_bytes_that_are_read(eegbci_copy):
    dataset = open_dataset(str(eegbci_copy))
    recording = find_recordings(dataset, SourceConfig())[0]
    before = fingerprint(dataset, recording)
    signal = eegbci_copy / recording.signal
    signal.write_bytes(signal.read_bytes()[:-1] + b"\x01")
    after = fingerprint(dataset, recording)
    assert {file for file in before if before[file] != after[file]} == {recording.signal}


def test_positions_go_by_name_whatever_its_case():
    places, _ = positions(["Cz", "fCZ", "E57"])
    assert abs(places[0][0]) < 0.01  # on the midline
    assert places[0][2] > 0.05
    assert places[1][1] > places[0][1]  # in front of Cz
    assert np.isnan(places[2]).all()


@pytest.mark.parametrize("table", ["", "participant_id\tage\nsub-001\n", "age\n3\n"])
def test_tables_of_people_and_events_do_not_stand_between_a_signal_and_its_reader(
    eegbci_copy, table
):
    (eegbci_copy / "participants.tsv").write_text(table)
    (eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_events.tsv").write_text(
        "onset\tvalue\n0.0\tBASE1T0\nabc\n"
    )
    dataset = open_dataset(str(eegbci_copy))
    assert read_header(dataset, find_recordings(dataset, SourceConfig())[0]).n_times == 9760


def test_boundaries_are_those_of_the_signal_file(eegbci_copy):
    import mne

    stem = eegbci_copy / "sub-001/eeg/sub-001_task-motion_run-1_eeg"
    raw = mne.io.read_raw_edf(stem.with_suffix(".edf"), preload=True, verbose="error").pick(
        ["Cz..", "O1.."]
    )
    raw.set_annotations(mne.Annotations([20.5], [0.0], ["boundary"]))
    stem.with_suffix(".edf").unlink()
    raw.export(stem.with_suffix(".edf"), verbose="error")
    stem.with_name(stem.name.replace("_eeg", "_channels.tsv")).write_text(
        "name\ttype\tunits\nCz\tEEG\tuV\nO1\tEEG\tuV\n"
    )
    dataset = open_dataset(str(eegbci_copy))
    assert read_header(dataset, find_recordings(dataset, SourceConfig())[0]).boundaries == (20.5,)


def test_a_person_in_two_rows_that_differ_is_refused(eegbci_copy):
    with (eegbci_copy / "participants.tsv").open("a") as file:
        file.write("sub-001\tM\t12\tL\n")
    with pytest.raises(SourceError, match="sub-001 has two rows that differ"):
        read_participants(open_dataset(str(eegbci_copy)))


def test_a_linked_subject_is_found_and_a_circle_of_links_is_not_followed(eegbci_copy, tmp_path):
    (eegbci_copy / "sub-004").rename(tmp_path / "elsewhere")
    (eegbci_copy / "sub-004").symlink_to(tmp_path / "elsewhere")
    (eegbci_copy / "sub-001" / "loop").symlink_to(eegbci_copy / "sub-001")
    assert len(find_recordings(open_dataset(str(eegbci_copy)), SourceConfig())) == 8


def test_what_fails_while_a_recording_is_open_names_no_folder_of_this_machine(eegbci):
    dataset = open_dataset(str(eegbci))
    recording = find_recordings(dataset, SourceConfig())[0]
    with pytest.raises(RecordingError) as failure, open_raw(dataset, recording) as raw:
        raise RecordingError("filter", f"{raw.filenames[0]} is too short", transient=True)
    assert failure.value.reason == f"{recording.signal} is too short"
    assert (failure.value.stage, failure.value.transient) == ("filter", True)


def test_an_events_file_above_all_folders_is_a_recording_unless_a_nearer_one_takes_its_place(
    tmp_path,
):
    (tmp_path / "dataset_description.json").write_text("{}")
    (tmp_path / "task-t_events.tsv").write_text("onset\tduration\n1\t0\n")
    found = find_recordings(open_dataset(str(tmp_path)), SourceConfig())
    assert [(r.path, r.subject, r.events) for r in found] == [("task-t", "", "task-t_events.tsv")]
    nearer = tmp_path / "sub-1" / "eeg" / "sub-1_task-t_events.tsv"
    nearer.parent.mkdir(parents=True)
    nearer.write_text("onset\tduration\n1\t0\n")
    found = find_recordings(open_dataset(str(tmp_path)), SourceConfig())
    assert [r.path for r in found] == ["sub-1/eeg/sub-1_task-t"]


def test_a_json_file_nested_beyond_reason_is_refused(tmp_path):
    (tmp_path / "dataset_description.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000)
    with pytest.raises(SourceError, match="cannot be read as JSON"):
        open_dataset(str(tmp_path))


def test_positions_are_found_whatever_space_they_count_in_those_of_the_head_first(tmp_path):
    beside = "sub-1/eeg/sub-1"
    files = {
        f"{beside}_space-{space}_{ending}": ""
        for space in ("Talairach", "CapTrak")
        for ending in ("electrodes.tsv", "coordsystem.json")
    }
    dataset = open_dataset(str(write(tmp_path, files)))
    for ending in ("electrodes.tsv", "coordsystem.json"):
        assert (
            dataset.inherited("sub-1/eeg/sub-1_task-x_run-1", ending)[-1]
            == f"{beside}_space-CapTrak_{ending}"
        )
