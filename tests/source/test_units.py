from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signal_files import Channel, edf_bytes, wrap

from bids_dl.errors import RecordingError
from bids_dl.source import check_amplitudes, examine, open_raw, read_header
from bids_dl.source.units import volts

MICROVOLTS = np.round(np.random.default_rng(0).normal(scale=30, size=(2, 1000)))


def edf(unit: str, *labels: str) -> bytes:
    return edf_bytes(
        [
            Channel(label, row, unit=unit)
            for label, row in zip(labels or ("Cz", "Pz"), MICROVOLTS, strict=False)
        ]
    )


def samples(dataset, recording) -> np.ndarray:
    """Samples (n_chans, n_times) in µV."""
    with open_raw(dataset, recording) as raw:
        return raw.get_data() * 1e6


@pytest.mark.parametrize(
    "text",
    [
        "uV",
        "UV",
        "uv",
        "µV",
        "μV",
        "microV",
        "MicroVolts",
        "µVolt",
        "Âµv",
        "Î¼V",
        "\x83\xcaV",
        "?V",
        "uV\x00\x00",
        " uV ",
    ],
)
def test_microvolts_are_known_in_every_spelling(text):
    assert volts(text) == 1e-6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("V", 1),
        ("v", 1),
        ("Volts", 1),
        ("mV", 1e-3),
        ("MV", 1e-3),
        ("milliVolt", 1e-3),
        ("nV", 1e-9),
    ],
)
def test_other_voltages_are_what_they_say(text, value):
    assert volts(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "%", "degC", "Boolean", "bpm", "-", "uV/10", "kV", "uS", "mmHg", "m", "10uV"],
)
def test_what_is_no_voltage_is_none(text):
    assert volts(text) is None


@given(st.text(max_size=10))
def test_any_text_has_an_answer(text):
    assert volts(text) in {None, 1.0, 1e-3, 1e-6, 1e-9}


@pytest.mark.parametrize("unit", ["uV", "UV", "uv", "MICROV", "\xb5V", "\xc2\xb5V"])
def test_an_edf_in_microvolts_is_in_microvolts_whatever_its_spelling(tmp_path, unit):
    dataset, recording = wrap(tmp_path, {"_eeg.edf": edf(unit)})
    np.testing.assert_allclose(samples(dataset, recording), MICROVOLTS, atol=1e-6)


def test_a_unit_that_had_to_be_mended_is_said(tmp_path):
    assert examine(*wrap(tmp_path, {"_eeg.edf": edf("UV")})).notes == (
        "Cz, Pz: unit 'UV' was read as µV",
    )


def test_parts_of_a_recording_are_scaled_as_the_whole(tmp_path):
    dataset, recording = wrap(
        tmp_path, {"_eeg.edf": edf("UV")}, channels="name\ttype\tunits\nPz\tEEG\tuV\nCz\tEEG\tuV\n"
    )
    with open_raw(dataset, recording) as raw:
        part = raw.copy().crop(2.0, 4.0, include_tmax=False).pick(["Cz"]).load_data().get_data()
        np.testing.assert_allclose(part * 1e6, MICROVOLTS[:1, 200:400], atol=1e-6)


def test_the_unit_of_channels_tsv_stands_in_for_one_the_file_does_not_give(tmp_path):
    dataset, recording = wrap(
        tmp_path, {"_eeg.edf": edf("")}, channels="name\ttype\tunits\nCz\tEEG\tuV\nPz\tEEG\tmV\n"
    )
    np.testing.assert_allclose(samples(dataset, recording), MICROVOLTS * [[1], [1000]], atol=1e-6)
    assert (
        examine(dataset, recording).notes[0]
        == "Cz: the file gives no unit; uV was taken from channels.tsv"
    )


@pytest.mark.parametrize("unit", ["", "Ohm", "%"])
@pytest.mark.parametrize("table", ["", "name\ttype\tunits\nCz\tEEG\tn/a\nPz\tEEG\tn/a\n"])
def test_brain_signal_without_a_unit_is_refused_by_channel_and_unit(tmp_path, unit, table):
    with pytest.raises(
        RecordingError,
        match=f"^channels: Cz: its unit is '{unit}' in the file and 'n/a' in channels.tsv",
    ):
        read_header(*wrap(tmp_path, {"_eeg.edf": edf(unit)}, channels=table))


def test_a_channel_of_another_quantity_is_no_eeg_and_said(tmp_path):
    channels = [Channel("X1", MICROVOLTS[0]), Channel("SaO2", MICROVOLTS[1], unit="%")]
    found = examine(*wrap(tmp_path, {"_eeg.edf": edf_bytes(channels)}))
    assert found.header.ch_types == ("eeg", "misc")
    assert found.notes == ("SaO2: unit '%' is no voltage; taken as misc",)


def test_the_unit_of_the_file_goes_before_that_of_channels_tsv(tmp_path):
    dataset, recording = wrap(
        tmp_path, {"_eeg.edf": edf("uV")}, channels="name\ttype\tunits\nCz\tEEG\tV\nPz\tEEG\tV\n"
    )
    np.testing.assert_allclose(samples(dataset, recording), MICROVOLTS, atol=1e-6)
    assert examine(dataset, recording).notes == (
        "Cz, Pz: channels.tsv says V, the file uV; the file's unit was taken",
    )


def test_names_that_edf_dresses_up_find_their_row(tmp_path):
    content = edf("uV", "EEG Cz-REF", "EEG pz-REF")
    found = examine(
        *wrap(
            tmp_path,
            {"_eeg.edf": content},
            channels="name\ttype\tunits\tstatus\nPz\tEEG\tuV\tbad\nCz\tEOG\tuV\tgood\n",
        )
    )
    assert (found.header.ch_names, found.header.ch_types) == (("Pz", "Cz"), ("eeg", "eog"))


def test_a_channel_that_channels_tsv_leaves_out_is_left_out_and_said(tmp_path):
    found = examine(
        *wrap(
            tmp_path,
            {"_eeg.edf": edf("uV", "Cz", "Sync")},
            channels="name\ttype\tunits\nCz\tEEG\tuV\n",
        )
    )
    assert (found.header.ch_names, found.notes) == (
        ("Cz",),
        ("left out, not in channels.tsv: Sync",),
    )


def test_types_that_are_not_given_are_chosen_by_name_and_said(tmp_path):
    found = examine(
        *wrap(
            tmp_path,
            {"_eeg.edf": edf("uV", "cz.", "Knee")},
            channels="name\ttype\tunits\nCz\tn/a\tn/a\nKnee\tn/a\tn/a\n",
        )
    )
    assert found.header.ch_types == ("eeg", "misc")
    assert found.notes == (
        "cz.: no type given, EEG by their 10-05 names",
        "Knee: no type given and no 10-05 name, so misc",
    )


def test_a_name_twice_in_channels_tsv_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"channels\.tsv has Cz more than once"):
        read_header(
            *wrap(
                tmp_path,
                {"_eeg.edf": edf("uV")},
                channels="name\ttype\tunits\nCz\tEEG\tuV\nCz\tEEG\tuV\n",
            )
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
def test_a_table_that_says_little_or_with_a_byte_order_mark_stops_nobody(tmp_path, table):
    assert read_header(*wrap(tmp_path, {"_eeg.edf": edf("uV")}, channels=table)).ch_types == (
        "eeg",
        "eeg",
    )


@pytest.mark.parametrize(
    ("scale", "reason"),
    [
        (1.0, "typical amplitude .* V, which no brain signal has"),
        (1e-12, "which no amplifier resolves"),
    ],
)
@pytest.mark.parametrize("loaded", [False, True])
def test_amplitudes_a_million_times_off_are_refused(scale, reason, loaded):
    import mne

    raw = mne.io.RawArray(
        MICROVOLTS * 1e-6 * (1e6 if scale == 1.0 else 1e-6),
        mne.create_info(["Cz", "Pz"], 100.0, "eeg"),
        verbose="error",
    )
    with pytest.raises(RecordingError, match=reason):
        check_amplitudes(raw.load_data() if loaded else raw)


def test_real_signals_and_their_parts_pass(eegbci, shared):
    import mne

    for file in (
        eegbci / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf",
        shared / "formats/test.edf",
    ):
        raw = mne.io.read_raw_edf(file, verbose="error")
        assert check_amplitudes(raw) == ()
        assert check_amplitudes(raw.crop(3.0, 3.5)) == ()
    assert check_amplitudes(mne.io.read_raw_bdf(shared / "formats/test.bdf", verbose="error")) == ()


def test_only_the_channels_that_matter_are_judged():
    import mne

    signal = np.vstack([MICROVOLTS[0] * 1e-6, MICROVOLTS[1]])
    raw = mne.io.RawArray(signal, mne.create_info(["Cz", "Knob"], 100.0, "eeg"), verbose="error")
    assert check_amplitudes(raw, ["Cz"]) == ()
    with pytest.raises(RecordingError, match=r"^read: Knob: typical amplitude"):
        check_amplitudes(raw)
    assert check_amplitudes(raw.set_channel_types({"Knob": "misc"}, verbose="error")) == ()


def test_drift_and_offset_are_no_amplitude_and_a_flat_channel_says_nothing():
    import mne

    drift = MICROVOLTS[0] * 1e-6 + np.linspace(-0.3, 0.3, 1000) / 10
    raw = mne.io.RawArray(
        np.vstack([drift + 0.2, np.zeros(1000)]),
        mne.create_info(["Cz", "Pz"], 100.0, "eeg"),
        verbose="error",
    )
    assert check_amplitudes(raw) == ()


def test_an_unusual_amplitude_is_noted():
    import mne

    raw = mne.io.RawArray(
        MICROVOLTS * 1e-3, mne.create_info(["Cz", "Pz"], 100.0, "eeg"), verbose="error"
    )
    assert "unusual amplitude" in check_amplitudes(raw)[0]


def test_samples_that_are_no_numbers_say_nothing_and_hide_nothing():
    import mne

    signals = MICROVOLTS * 1e-6
    info = mne.create_info(["Cz", "Pz"], 100.0, "eeg")
    holes = signals.copy()
    holes[:, :30] = np.nan
    assert check_amplitudes(mne.io.RawArray(holes, info, verbose="error")) == ()
    with pytest.raises(RecordingError, match=r"^read: Cz, Pz: typical amplitude"):
        check_amplitudes(mne.io.RawArray(1e6 * holes, info, verbose="error"))
    with pytest.raises(RecordingError, match=r"^read: no channel moves"):
        check_amplitudes(mne.io.RawArray(np.full_like(signals, np.nan), info, verbose="error"))
