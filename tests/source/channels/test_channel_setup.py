"""Names, order, types and units of channels after opening a recording."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from signal_files import EdfChannel, edf_bytes, read_microvolts, write_recording

from bids_dl.config.stages import SourceConfig
from bids_dl.errors import RecordingError
from bids_dl.source import (
    find_recordings,
    open_dataset,
    open_raw,
    read_header,
    read_header_with_notes,
)

MICROVOLTS = np.round(np.random.default_rng(0).normal(scale=30, size=(2, 1000)))


def edf(unit: str, *labels: str) -> bytes:
    channels = []
    for label, row in zip(labels or ("Cz", "Pz"), MICROVOLTS, strict=False):
        channels.append(EdfChannel(label, row, unit=unit))
    return edf_bytes(channels)


@pytest.mark.parametrize("unit", ["uV", "UV", "uv", "MICROV", "\xb5V", "\xc2\xb5V"])
def test_an_edf_in_microvolts_is_in_microvolts_in_every_spelling(tmp_path, unit):
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf(unit)})
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], MICROVOLTS, atol=1e-6)


def test_a_corrected_unit_is_noted(tmp_path):
    report = read_header_with_notes(*write_recording(tmp_path, {"_eeg.edf": edf("UV")}))
    assert report.notes[-1] == "Cz, Pz: unit 'UV' was read as µV"


def test_a_part_of_a_recording_is_scaled_like_the_whole(tmp_path):
    table = "name\ttype\tunits\nPz\tEEG\tuV\nCz\tEEG\tuV\n"
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf("UV")}, channels=table)
    with open_raw(dataset, recording) as raw:
        part = raw.copy().crop(2.0, 4.0, include_tmax=False).pick(["Cz"]).load_data().get_data()
    np.testing.assert_allclose(part * 1e6, MICROVOLTS[:1, 200:400], atol=1e-6)


def test_the_units_of_channels_tsv_are_used_if_the_file_has_none(tmp_path):
    table = "name\ttype\tunits\nCz\tEEG\tuV\nPz\tEEG\tmV\n"
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf("")}, channels=table)
    expected = MICROVOLTS * [[1], [1000]]
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], expected, atol=1e-6)
    notes = read_header_with_notes(dataset, recording).notes
    assert notes[0] == "Cz: the file has no unit; uV from channels.tsv was used"


@pytest.mark.parametrize("table", ["", "name\ttype\tunits\nCz\tEEG\tn/a\nPz\tEEG\tn/a\n"])
def test_brain_signal_without_a_unit_is_refused_by_channel(tmp_path, table):
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf("")}, channels=table)
    with pytest.raises(RecordingError, match=r"^channels: Cz: its unit is '' in the file and"):
        read_header(dataset, recording)


def test_the_type_of_a_channel_that_is_not_a_voltage_is_misc(tmp_path):
    channels = [EdfChannel("Cz", MICROVOLTS[0]), EdfChannel("ECG", MICROVOLTS[1], unit="%")]
    report = read_header_with_notes(*write_recording(tmp_path, {"_eeg.edf": edf_bytes(channels)}))
    assert report.header.ch_types == ("eeg", "misc")
    note = "ECG: unit '%' is not a voltage; the channel type was set to misc"
    assert report.notes[-1] == note


def test_the_unit_of_the_file_takes_precedence_over_channels_tsv(tmp_path):
    table = "name\ttype\tunits\nCz\tEEG\tV\nPz\tEEG\tV\n"
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf("uV")}, channels=table)
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], MICROVOLTS, atol=1e-6)


def test_names_order_and_types_are_those_of_channels_tsv(tmp_path):
    table = "name\ttype\tunits\tstatus\nPz\tEEG\tuV\tbad\nCz\tEOG\tuV\tgood\n"
    files = {"_eeg.edf": edf("uV", "EEG Cz-REF", "EEG pz-REF")}
    dataset, recording = write_recording(tmp_path, files, channels=table)
    header = read_header(dataset, recording)
    assert (header.ch_names, header.ch_types) == (("Pz", "Cz"), ("eeg", "eog"))
    with open_raw(dataset, recording) as raw:
        assert raw.info["bads"] == ["Pz"]


def test_a_channel_that_is_missing_from_channels_tsv_is_omitted_with_a_note(tmp_path):
    files = {"_eeg.edf": edf("uV", "Cz", "Sync")}
    table = "name\ttype\tunits\nCz\tEEG\tuV\n"
    report = read_header_with_notes(*write_recording(tmp_path, files, channels=table))
    assert report.header.ch_names == ("Cz",)
    assert report.notes == ("omitted, not in channels.tsv: Sync",)


def test_types_determined_by_name_are_noted(tmp_path):
    files = {"_eeg.edf": edf("uV", "cz.", "Knee")}
    table = "name\ttype\tunits\nCz\tn/a\tn/a\nKnee\tn/a\tn/a\n"
    report = read_header_with_notes(*write_recording(tmp_path, files, channels=table))
    assert report.header.ch_types == ("eeg", "misc")
    assert report.notes == (
        "cz.: no type given, EEG because of their 10-05 names",
        "Knee: no type given and no known name, so misc",
    )


@pytest.mark.parametrize(
    "table",
    [
        "name\nCz\nPz\n",
        "type\tunits\nEEG\tuV\n",
        "",
        "\ufeffname\ttype\tunits\r\nCz\teeg\tuV\r\nPz\tEEG\tuV\r\n",
    ],
)
def test_an_incomplete_table_or_one_with_a_byte_order_mark_is_accepted(tmp_path, table):
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf("uV")}, channels=table)
    assert read_header(dataset, recording).ch_types == ("eeg", "eeg")


def test_signals_follow_their_names_if_only_the_order_of_channels_tsv_differs(eegbci, eegbci_copy):
    stem = "sub-001/eeg/sub-001_task-motion_run-1"
    dataset = open_dataset(str(eegbci))
    recording = find_recordings(dataset, SourceConfig())[0]
    file_names = mne.io.read_raw_edf(eegbci / recording.signal, verbose="error").ch_names
    names, signals = read_microvolts(dataset, recording)
    table = eegbci_copy / f"{stem}_channels.tsv"
    first, *lines = table.read_text().splitlines()
    line_by_name = {line.split("\t")[0]: line for line in lines}
    reversed_lines = []
    for name, file_name in reversed(list(zip(names, file_names, strict=True))):
        reversed_lines.append(line_by_name[name].replace(name, file_name))
    table.write_text("\n".join([first, *reversed_lines]) + "\n")
    new_names, new_signals = read_microvolts(open_dataset(str(eegbci_copy)), recording)
    assert new_names == file_names[::-1]
    np.testing.assert_array_equal(new_signals, signals[::-1])
