"""EDF and BDF: header, samples and data records."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signal_files import EdfChannel, edf_bytes, read_microvolts, write_recording

from bids_dl.errors import RecordingError
from bids_dl.source import read_header, read_header_with_notes
from bids_dl.source.formats import edf
from bids_dl.source.formats.edf import parse_header, read_edf_header

CZ_IS_EEG = "Cz: no type given, EEG because of their 10-05 names"


def ramp(n_times: int = 1000, start: int = 0) -> np.ndarray:
    return np.arange(start, start + n_times) % 2000 - 1000


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(edf).failed == 0


@given(
    st.lists(
        st.tuples(
            st.text("ABCxyz 0123", min_size=1, max_size=16).map(str.strip), st.integers(1, 500)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_written_header_is_read_back(signals):
    channels = [EdfChannel(label, np.zeros(3 * rate), rate) for label, rate in signals]
    content = edf_bytes(channels, reserved="EDF+C", onsets=[0, 1, 2])
    n_bytes = 256 * (len(signals) + 2)
    header = parse_header(content[:256], content[256:n_bytes])
    assert [(signal.label, signal.n_samples) for signal in header.recorded] == signals
    assert header.signals[-1].is_annotations
    assert (header.n_records, header.record_duration, header.header_bytes) == (3, 1.0, n_bytes)
    assert len(content) == header.header_bytes + 3 * header.record_bytes


@given(st.binary(max_size=2000), st.integers(0, 600))
def test_a_damaged_header_raises_a_recording_error_or_is_valid(junk, at):
    content = bytearray(edf_bytes([EdfChannel("Cz", np.zeros(100))]))
    content[at : at + len(junk)] = junk
    try:
        header = parse_header(bytes(content[:256]), bytes(content[256:512]))
    except RecordingError:
        return
    assert header.record_bytes > 0
    assert header.record_duration > 0


@pytest.mark.parametrize("bdf", [False, True])
def test_samples_are_those_of_the_bytes(tmp_path, bdf):
    channels = [
        EdfChannel("Cz", ramp(), scale=0.5),
        EdfChannel("Pz", ramp(start=100), unit="mV", scale=0.001),
    ]
    files = {"_eeg.bdf" if bdf else "_eeg.edf": edf_bytes(channels, bdf=bdf)}
    names, signals = read_microvolts(*write_recording(tmp_path, files))
    assert names == ["Cz", "Pz"]
    np.testing.assert_allclose(signals, [0.5 * ramp(), ramp(start=100)], atol=1e-6)


def test_channels_at_another_rate_than_the_brain_signal_are_omitted_with_a_note(tmp_path):
    channels = [
        EdfChannel("Cz", ramp(400)),
        EdfChannel("Pz", ramp(400)),
        EdfChannel("Sound", ramp(4000), rate=1000),
        EdfChannel("SpO2", ramp(4), rate=1),
    ]
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf_bytes(channels)})
    report = read_header_with_notes(dataset, recording)
    header = report.header
    assert (header.sfreq, header.n_times, header.ch_names) == (100.0, 400, ("Cz", "Pz"))
    assert report.notes == (
        "omitted, at another rate than the 100 Hz of the brain signal: "
        "Sound (1000 Hz), SpO2 (1 Hz)",
        "Cz, Pz: no type given, EEG because of their 10-05 names",
    )
    np.testing.assert_allclose(read_microvolts(dataset, recording)[1], [ramp(400)] * 2, atol=1e-6)


def test_the_types_of_channels_tsv_determine_the_rate_of_the_brain_signal(tmp_path):
    channels = [
        EdfChannel("X1", ramp(40), rate=10),
        EdfChannel("X2", ramp(400)),
        EdfChannel("X3", ramp(400)),
    ]
    table = "name\ttype\tunits\nX1\tSEEG\tuV\nX2\tMISC\tn/a\nX3\tMISC\tn/a\n"
    dataset, recording = write_recording(
        tmp_path, {"_eeg.edf": edf_bytes(channels)}, channels=table
    )
    assert read_header(dataset, recording).ch_names == ("X1",)


SLEEP_RATES = dict.fromkeys(("C3-M2", "C4-M1", "E1-M2"), 128) | {"ECG": 256}
SLEEP_RATES |= dict.fromkeys(("Flow", "Thor", "Abdo", "SpO2", "Pulse"), 32)


@pytest.mark.parametrize("bdf", [False, True])
@pytest.mark.parametrize("table", ["", "name\ttype\n" + "\tn/a\n".join([*SLEEP_RATES, ""])])
def test_the_rate_of_a_sleep_recording_is_that_of_its_eeg(tmp_path, bdf, table):
    channels = [EdfChannel(label, ramp(4 * n), rate=n) for label, n in SLEEP_RATES.items()]
    files = {"_eeg.bdf" if bdf else "_eeg.edf": edf_bytes(channels, bdf=bdf)}
    report = read_header_with_notes(*write_recording(tmp_path, files, channels=table))
    types = dict(zip(report.header.ch_names, report.header.ch_types, strict=True))
    assert types == {"C3-M2": "eeg", "C4-M1": "eeg", "E1-M2": "eog"}
    assert report.header.sfreq == 128.0
    assert report.notes == (
        "omitted, at another rate than the 128 Hz of the brain signal: ECG (256 Hz), Flow (32 Hz), "
        "Thor (32 Hz), Abdo (32 Hz), SpO2 (32 Hz), Pulse (32 Hz)",
        "C3-M2, C4-M1: no type given, EEG because their names are pairs of electrodes, "
        "which have no common reference",
        "E1-M2 (eog): no type given, not brain signal because of their names",
    )


def test_other_signals_alone_are_refused_if_their_rates_differ(tmp_path):
    channels = [EdfChannel("Flow", ramp(100), rate=25), EdfChannel("ECG", ramp(400))]
    with pytest.raises(RecordingError, match=r"different rates \(25 Hz, 100 Hz\): Flow, ECG;"):
        read_header(*write_recording(tmp_path, {"_eeg.edf": edf_bytes(channels)}))


@pytest.mark.parametrize("labels", [("Fz", "Cz", "Cz", "Cz"), ("EEG Fz-Ref", *["EEG Cz-Ref"] * 3)])
def test_repeated_labels_are_read_by_the_names_that_mne_gives_them(tmp_path, labels):
    signals = [ramp(400, start=10 * i) for i in range(4)]
    channels = [EdfChannel(*channel) for channel in zip(labels, signals, strict=True)]
    table = "name\ttype\tunits\nCz-2\tEEG\tuV\nFz\tEEG\tuV\nCz-0\tEOG\tuV\nCz-1\tEEG\tuV\n"
    files = {"_eeg.edf": edf_bytes(channels)}
    dataset, recording = write_recording(tmp_path, files, channels=table)
    assert read_header(dataset, recording).ch_types == ("eeg", "eeg", "eog", "eeg")
    names, microvolts = read_microvolts(dataset, recording)
    assert names == ["Cz-2", "Fz", "Cz-0", "Cz-1"]
    np.testing.assert_allclose(microvolts, [signals[i] for i in (3, 0, 1, 2)], atol=1e-6)


def test_a_label_that_is_repeated_at_another_rate_keeps_its_number(tmp_path):
    channels = [
        EdfChannel("Cz", ramp(4), rate=1),
        EdfChannel("Cz", ramp(400)),
        EdfChannel("Oz", ramp(400, start=10)),
    ]
    dataset, recording = write_recording(tmp_path, {"_eeg.edf": edf_bytes(channels)})
    names, microvolts = read_microvolts(dataset, recording)
    assert names == ["Cz-1", "Oz"]
    np.testing.assert_allclose(microvolts, [ramp(400), ramp(400, start=10)], atol=1e-6)


def test_a_channel_without_a_range_is_omitted_with_a_note(tmp_path):
    channels = [EdfChannel("Cz", ramp(200)), EdfChannel("Pz", ramp(200), scale=0.0)]
    report = read_header_with_notes(*write_recording(tmp_path, {"_eeg.edf": edf_bytes(channels)}))
    assert report.header.ch_names == ("Cz",)
    assert report.notes == ("omitted, without a physical or digital range: Pz", CZ_IS_EEG)


def test_a_file_without_any_range_is_refused(tmp_path):
    content = edf_bytes([EdfChannel("Cz", ramp(200), scale=0.0)])
    with pytest.raises(RecordingError, match="no channel has a physical and a digital range: Cz"):
        read_header(*write_recording(tmp_path, {"_eeg.edf": content}))


@pytest.mark.parametrize(
    ("n_records_header", "note"),
    [
        (5, "truncated: the header promises 5 s, the file has 3 s"),
        (-1, ""),
        (2, "the header promises 2 s, the file has 3 s; all were read"),
    ],
)
def test_a_file_ends_with_its_last_data_record_whatever_its_header_promises(
    tmp_path, n_records_header, note
):
    content = edf_bytes([EdfChannel("Cz", ramp(300))], n_records_header=n_records_header)
    report = read_header_with_notes(*write_recording(tmp_path, {"_eeg.edf": content}))
    assert report.header.n_times == 300
    assert report.notes == ((note, CZ_IS_EEG) if note else (CZ_IS_EEG,))


def test_an_incomplete_data_record_is_not_read(tmp_path):
    content = edf_bytes([EdfChannel("Cz", ramp(300))])
    report = read_header_with_notes(*write_recording(tmp_path, {"_eeg.edf": content[:-51]}))
    assert report.header.n_times == 200
    assert report.notes == ("truncated: the header promises 3 s, the file has 2 s", CZ_IS_EEG)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crlf_S001R03", "corrupted in transfer (line ends were rewritten)"),
        ("tefaltaxabor_S001R01", "corrupted in transfer (decoded as text)"),
        ("zero-data-records", "has a header but no data records"),
        ("invalid-date", "has a header but no data records"),
    ],
)
def test_damaged_real_files_are_refused_in_one_line(shared, tmp_path, name, reason):
    with pytest.raises(RecordingError) as refusal:
        read_header(*write_recording(tmp_path, {"_eeg.edf": shared / f"malformed/{name}.edf"}))
    assert reason in refusal.value.reason
    assert "\n" not in str(refusal.value)


def test_an_invalid_date_is_ignored(tmp_path):
    content = edf_bytes([EdfChannel("Cz", ramp(300))]).replace(b"01.02.03", b"00.00.00")
    assert read_header(*write_recording(tmp_path, {"_eeg.edf": content})).n_times == 300


@pytest.mark.parametrize(
    ("at", "text", "reason"),
    [
        (244, b"0       ", "a data record lasts 0 s"),
        (244, b"-1      ", "a data record lasts -1 s"),
        (184, b"999     ", "states 999"),
        (252, b"0   ", "states 0 signals"),
        (0, b"hello   ", "begins with b'hello"),
        (236, b"many    ", "number of data records: the header states 'many'"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_with_its_value(tmp_path, at, text, reason):
    content = bytearray(edf_bytes([EdfChannel("Cz", ramp(300))]))
    content[at : at + len(text)] = text
    with pytest.raises(RecordingError, match=r"^header: ") as refusal:
        read_header(*write_recording(tmp_path, {"_eeg.edf": bytes(content)}))
    assert reason in refusal.value.reason


def test_a_bdf_file_with_the_extension_edf_is_refused(tmp_path):
    content = edf_bytes([EdfChannel("Cz", ramp(300))], bdf=True)
    with pytest.raises(RecordingError, match="is BDF according to its first byte; rename it"):
        read_header(*write_recording(tmp_path, {"_eeg.edf": content}))


def test_annotations_in_latin_1_are_accepted(tmp_path):
    channels = [EdfChannel("Cz", ramp(300))]
    content = edf_bytes(channels, onsets=[0, 1, 2], reserved="EDF+C")
    at = content.rindex(b"+2\x14\x14\x00") + 5
    content = content[:at] + b"+2.5\x14M\xfcde\x14\x00" + content[at + 11 :]
    assert read_header(*write_recording(tmp_path, {"_eeg.edf": content})).n_times == 300


def test_a_real_bdf_header_without_a_number_of_records_is_read(shared):
    header = read_edf_header(shared / "formats/test.bdf")
    assert (len(header.signals), header.n_records) == (17, -1)
    assert (header.sample_bytes, header.record_duration) == (3, 1.0)


def test_the_real_edf_has_the_samples_of_its_bytes(shared, tmp_path):
    file = shared / "formats/test.edf"
    digital = np.frombuffer(file.read_bytes()[17 * 256 :], "<i2").reshape(60, 16, 256)
    names, signals = read_microvolts(*write_recording(tmp_path, {"_eeg.edf": file}))
    assert names[0] == "EEG Fp1"
    np.testing.assert_allclose(signals, digital.swapaxes(0, 1).reshape(16, -1) / 3, atol=1e-9)


def test_the_real_bdf_has_the_samples_of_its_bytes(shared, tmp_path):
    file = shared / "formats/test.bdf"
    dataset, recording = write_recording(tmp_path, {"_eeg.bdf": file})
    content = np.frombuffer(file.read_bytes()[18 * 256 :], np.uint8).reshape(60, 17, 256, 3)
    content = content.astype(np.int32)
    digital = (content[..., 0] << 8 | content[..., 1] << 16 | content[..., 2] << 24) >> 8
    physical = digital.swapaxes(0, 1).reshape(17, -1) * (524288 / 16777215)
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times, set(header.ch_types)) == (256.0, 15360, {"eeg", "stim"})
    signals = read_microvolts(dataset, recording)[1]
    # µV; the physical range is not symmetric, by one digital step
    np.testing.assert_allclose(signals[:16], physical[:16], atol=0.02)
