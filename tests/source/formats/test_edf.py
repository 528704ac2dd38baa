from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signal_files import Channel, edf_bytes, wrap

from bids_dl.errors import RecordingError
from bids_dl.source import examine, open_raw, read_header, read_rows
from bids_dl.source.formats.edf import find_gaps, parse_header, read_edf_header
from bids_dl.source.gaps import Gap, on_file, place

counts = st.integers(1, 30)


def ramp(n_times: int = 1000, start: int = 0) -> np.ndarray:
    return np.arange(start, start + n_times) % 2000 - 1000


def samples(dataset, recording) -> tuple[list[str], np.ndarray]:
    """Names and samples (n_chans, n_times) in µV."""
    with open_raw(dataset, recording) as raw:
        return raw.ch_names, raw.get_data() * 1e6


@given(
    st.lists(
        st.tuples(
            st.text("ABCxyz 0123", min_size=1, max_size=16).map(str.strip), st.integers(1, 500)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_parser_reads_back_every_header_it_is_given(signals):
    content = edf_bytes(
        [Channel(label, np.zeros(3 * rate), rate) for label, rate in signals],
        reserved="EDF+C",
        onsets=[0, 1, 2],
    )
    header = parse_header(content[:256], content[256 : 256 * (len(signals) + 2)])
    assert [(signal.label, signal.n_samples) for signal in header.signals[:-1]] == signals
    assert header.signals[-1].is_annotations
    assert (header.promised, header.duration, header.length) == (3, 1.0, 256 * (len(signals) + 2))
    assert len(content) == header.length + 3 * header.record_bytes


@given(st.binary(max_size=2000), st.integers(0, 600))
def test_bytes_that_are_no_header_are_refused_and_nothing_else_happens(junk, at):
    content = bytearray(edf_bytes([Channel("Cz", np.zeros(100))]))
    content[at : at + len(junk)] = junk
    try:
        header = parse_header(bytes(content[:256]), bytes(content[256:512]))
    except RecordingError:
        return
    assert header.record_bytes > 0
    assert header.duration > 0


@given(st.lists(st.tuples(counts, st.integers(0, 5)), min_size=1, max_size=10))
def test_gaps_are_where_records_do_not_follow_each_other(runs):
    onsets, time = [], 0.0
    for count, pause in runs:
        onsets += [time + i for i in range(count)]
        time += count + pause
    gaps = find_gaps(onsets, 1.0, 0.001)
    before = list(accumulate(count for count, _ in runs))[:-1]
    wanted = [(place, pause) for place, (_, pause) in zip(before, runs[:-1], strict=True) if pause]
    assert [(gap.onset, gap.length) for gap in gaps] == wanted


@given(
    st.lists(st.tuples(st.floats(0.5, 50), st.floats(0.01, 500)), min_size=1, max_size=6),
    st.floats(0, 1e4),
)
def test_a_time_and_its_place_differ_by_the_gaps_before_it(steps, time):
    places = list(accumulate(step for step, _ in steps))
    gaps = [Gap(at, length) for at, (_, length) in zip(places, steps, strict=True)]
    found = place(time, gaps)
    ahead = [
        gap for i, gap in enumerate(gaps) if gap.onset + sum(g.length for g in gaps[:i]) <= time
    ]
    if found is None:
        assert time <= ahead[-1].onset + sum(gap.length for gap in ahead)
    else:
        assert found == pytest.approx(time - sum(gap.length for gap in ahead), abs=1e-5)


def test_records_that_overlap_are_refused():
    with pytest.raises(
        RecordingError,
        match=r"data record 3 begins at 1\.5 s, before the one before it ends \(2 s\)",
    ):
        find_gaps([0, 1, 1.5], 1.0, 0.001)


def test_a_real_edf_with_gaps_has_its_samples_in_a_row_and_its_jumps_as_boundaries(
    shared, tmp_path
):
    file = shared / "malformed/edfPlusD.edf"
    dataset, recording = wrap(tmp_path, {"_eeg.edf": file})
    header = read_header(dataset, recording)
    assert (header.sfreq, header.n_times) == (200.0, 2200)
    assert header.boundaries == (1.0, 2.0, 8.0, 9.0, 10.0)
    records = np.frombuffer(file.read_bytes()[3328:], "<i2").reshape(11, -1)
    names, found = samples(dataset, recording)
    true = records[:, :2200].reshape(11, 11, 200)[:, names.index("sine 8 Hz")].ravel() * (
        2000 / 65535
    ) + (-1000 + 32768 * 2000 / 65535)
    np.testing.assert_allclose(found[names.index("sine 8 Hz")], true, atol=1e-6)


def test_onsets_after_a_gap_are_moved_to_the_files_clock(shared, tmp_path):
    events = (
        "onset\tduration\tvalue\n0.5\t0\ta\n1.5\t1\tb\n2.25\t0\tc\n4\t5\td\n15\t10\te\nn/a\t0\tf\n"
    )
    dataset, recording = wrap(
        tmp_path, {"_eeg.edf": shared / "malformed/edfPlusD.edf"}, events=events
    )
    columns = read_rows(dataset, recording).columns
    assert columns["onset"] == ("0.5", "n/a", "1.25", "2.0", "9.0", "n/a")
    assert columns["duration"] == (
        "0",
        "1",
        "0",
        "5",
        "7.0",
        "0",
    )  # 3 of the 10 s from 15 on lie in a gap
    assert columns["value"] == ("a", "b", "c", "d", "e", "f")


def test_rows_of_a_file_without_gaps_stay_as_they_are():
    columns = {"onset": ("1.50", "x"), "duration": ("n/a", "2")}
    assert on_file(columns, ()) == columns


def test_a_gap_of_less_than_a_sample_is_rounding(tmp_path):
    content = edf_bytes(
        [Channel("Cz", ramp(500))], onsets=[0, 1.0004, 2.0, 2.9996, 9], reserved="EDF+D"
    )
    assert read_header(*wrap(tmp_path, {"_eeg.edf": content})).boundaries == (4.0,)


def test_an_edf_with_gaps_that_hides_them_is_refused(tmp_path):
    content = edf_bytes([Channel("Cz", ramp(300))], reserved="EDF+D")
    with pytest.raises(
        RecordingError, match="without annotations, so nobody knows where it leaves out time"
    ):
        read_header(*wrap(tmp_path, {"_eeg.edf": content}))
    content = edf_bytes([Channel("Cz", ramp(300))], onsets=[0, 1, 2], reserved="EDF+D").replace(
        b"+1\x14", b"x1\x14"
    )
    with pytest.raises(
        RecordingError, match="data record 2 of an EDF\\+D file does not say when it begins"
    ):
        read_header(*wrap(tmp_path / "again", {"_eeg.edf": content}))


@pytest.mark.parametrize("bdf", [False, True])
def test_samples_are_what_the_bytes_say(tmp_path, bdf):
    channels = [
        Channel("Cz", ramp(), scale=0.5),
        Channel("Pz", ramp(start=100), unit="mV", scale=0.001),
    ]
    dataset, recording = wrap(
        tmp_path, {"_eeg.bdf" if bdf else "_eeg.edf": edf_bytes(channels, bdf=bdf)}
    )
    names, found = samples(dataset, recording)
    assert names == ["Cz", "Pz"]
    np.testing.assert_allclose(found, [0.5 * ramp(), ramp(start=100)], atol=1e-6)


def test_channels_at_another_rate_than_the_brain_signal_are_left_out_and_said(tmp_path):
    channels = [
        Channel("Cz", ramp(400)),
        Channel("Pz", ramp(400)),
        Channel("Sound", ramp(4000), rate=1000),
        Channel("SpO2", ramp(4), rate=1),
    ]
    dataset, recording = wrap(tmp_path, {"_eeg.edf": edf_bytes(channels)})
    header, notes = examine(dataset, recording).header, examine(dataset, recording).notes
    assert (header.sfreq, header.n_times, header.ch_names) == (100.0, 400, ("Cz", "Pz"))
    assert notes == (
        "left out, at another rate than the 100 Hz of the brain signal: Sound (1000 Hz), SpO2 (1 Hz)",
    )
    np.testing.assert_allclose(samples(dataset, recording)[1], [ramp(400)] * 2, atol=1e-6)


def test_the_types_of_channels_tsv_say_which_rate_is_that_of_the_brain_signal(tmp_path):
    channels = [
        Channel("X1", ramp(40), rate=10),
        Channel("X2", ramp(400)),
        Channel("X3", ramp(400)),
    ]
    table = "name\ttype\tunits\nX1\tSEEG\tuV\nX2\tMISC\tn/a\nX3\tMISC\tn/a\n"
    assert read_header(
        *wrap(tmp_path, {"_eeg.edf": edf_bytes(channels)}, channels=table)
    ).ch_names == ("X1",)


def test_a_channel_without_a_range_is_left_out_and_said(tmp_path):
    found = examine(
        *wrap(
            tmp_path,
            {
                "_eeg.edf": edf_bytes(
                    [Channel("Cz", ramp(200)), Channel("Pz", ramp(200), scale=0.0)]
                )
            },
        )
    )
    assert found.header.ch_names == ("Cz",)
    assert found.notes == ("left out, without a physical or digital range: Pz",)


@pytest.mark.parametrize(
    ("promised", "note"),
    [
        (5, "cut off: the header promises 5 s, the file holds 3 s"),
        (-1, ""),
        (2, "the header promises 2 s"),
    ],
)
def test_a_file_with_other_records_than_promised_ends_where_they_end(tmp_path, promised, note):
    found = examine(
        *wrap(tmp_path, {"_eeg.edf": edf_bytes([Channel("Cz", ramp(300))], promised=promised)})
    )
    assert found.header.n_times == 300
    assert [text[: len(note)] for text in found.notes] == ([note] if note else [])


def test_a_file_cut_within_a_record_ends_with_the_record_before(tmp_path):
    content = edf_bytes([Channel("Cz", ramp(300))])
    found = examine(*wrap(tmp_path, {"_eeg.edf": content[:-51]}))
    assert found.header.n_times == 200
    assert found.notes == ("cut off: the header promises 3 s, the file holds 2 s",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crlf_S001R03", "altered on its way (its line ends were rewritten)"),
        ("tefaltaxabor_S001R01", "altered on its way (decoded as text)"),
        ("zero-data-records", "holds no data records"),
        ("invalid-date", "holds no data records"),
    ],
)
def test_files_broken_in_the_wild_are_refused_in_one_line(shared, tmp_path, name, reason):
    with pytest.raises(RecordingError) as refusal:
        read_header(*wrap(tmp_path, {"_eeg.edf": shared / f"malformed/{name}.edf"}))
    assert reason in refusal.value.reason
    assert "\n" not in str(refusal.value)


def test_an_impossible_date_does_not_matter(tmp_path):
    content = edf_bytes([Channel("Cz", ramp(300))]).replace(b"01.02.03", b"00.00.00")
    assert read_header(*wrap(tmp_path, {"_eeg.edf": content})).n_times == 300


@pytest.mark.parametrize(
    ("at", "text", "reason"),
    [
        (244, b"0       ", "a data record lasts 0 s"),
        (244, b"-1      ", "a data record lasts -1 s"),
        (184, b"999     ", "says 999"),
        (252, b"0   ", "gives 0 signals"),
        (0, b"hello   ", "begins with b'hello"),
        (236, b"many    ", "number of data records: the header says 'many'"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_with_its_value(tmp_path, at, text, reason):
    content = bytearray(edf_bytes([Channel("Cz", ramp(300))]))
    content[at : at + len(text)] = text
    with pytest.raises(RecordingError, match=r"^header: ") as refusal:
        read_header(*wrap(tmp_path, {"_eeg.edf": bytes(content)}))
    assert reason in refusal.value.reason


def test_bdf_bytes_in_a_file_called_edf_are_not_read_as_edf(tmp_path):
    with pytest.raises(RecordingError, match="is BDF by its first byte; rename it"):
        read_header(*wrap(tmp_path, {"_eeg.edf": edf_bytes([Channel("Cz", ramp(300))], bdf=True)}))


def test_annotations_in_latin_1_do_not_stop_the_reader(tmp_path):
    content = edf_bytes([Channel("Cz", ramp(300))], onsets=[0, 1, 2], reserved="EDF+C")
    at = content.rindex(b"+2\x14\x14\x00") + 5
    content = content[:at] + b"+2.5\x14M\xfcde\x14\x00" + content[at + 11 :]
    assert read_header(*wrap(tmp_path, {"_eeg.edf": content})).n_times == 300


def test_the_header_of_a_real_bdf_is_read_without_a_promised_length(shared):
    header = read_edf_header(shared / "formats/test.bdf")
    assert (len(header.signals), header.promised, header.width, header.duration) == (17, -1, 3, 1.0)
