"""Windows that are left out by amplitude are those that MNE's epochs drop."""

from __future__ import annotations

from dataclasses import replace

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.config.stages import PreprocessConfig
from bids_dl.datamodel import SignalSpec
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.preprocess import load_recipe
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.step import Windows
from bids_dl.preprocess.steps.reject import Reject


@pytest.fixture(scope="module")
def windows(eegbci):
    """30 windows of 2 s of real EEG, 24 channels, in µV; one is silent, one has a jump."""
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    signals = raw.get_data()[:, :9600].reshape(24, 30, 320).swapaxes(0, 1) * 1e6
    signals[7, 3] = 5.0
    signals[11, 8, 100:] += 5000.0
    return Windows(signals, np.arange(320) / 160, raw.info, np.zeros(signals.shape, dtype=bool))


def dropped(step, windows):
    sifted = Recipe("test", "", (), (step,)).run_windows(windows)
    return sifted, dict(sifted.dropped)


def by_mne(windows, **limits):
    """Numbers of the windows that MNE drops."""
    epochs = mne.EpochsArray(windows.signals * 1e-6, windows.info, verbose="error")
    epochs.drop_bad(
        verbose="error", **{name: {"eeg": value * 1e-6} for name, value in limits.items()}
    )
    return [i for i, log in enumerate(epochs.drop_log) if log]


@settings(max_examples=40, deadline=None)
@given(loud=st.one_of(st.none(), st.floats(60, 500)), flat=st.one_of(st.none(), st.floats(0.5, 60)))
def test_windows_go_that_mne_drops(windows, loud, flat):
    if loud is None and flat is None:
        return
    limits = {
        name: value for name, value in (("reject", loud), ("flat", flat)) if value is not None
    }
    sifted, reasons = dropped(Reject(peak_to_peak=loud, flat=flat), windows)
    assert sorted(reasons) == by_mne(windows, **limits)
    np.testing.assert_array_equal(sifted.windows.signals, windows.signals[list(sifted.kept)])
    assert sifted.reports[0].share == len(reasons) / 30


def test_the_reason_gives_the_numbers_and_the_worst_channel(windows):
    names = windows.info["ch_names"]
    span = np.ptp(windows.signals[11, 8])
    _, reasons = dropped(Reject(peak_to_peak=2500.0, flat=1.0), windows)
    assert reasons == {
        7: f"reject: 0 µV peak to peak on {names[3]}, 1 or more expected",
        11: f"reject: {span:.4g} µV peak to peak on {names[8]}, 2500 allowed",
    }
    _, reasons = dropped(Reject(absolute=2500.0), windows)
    assert reasons == {
        11: f"reject: {np.abs(windows.signals[11, 8]).max():.4g} µV from 0 on {names[8]}, 2500 allowed"
    }


def test_the_report_names_the_channels_for_which_windows_went(windows):
    sifted, _ = dropped(Reject(peak_to_peak=2500.0, flat=1.0), windows)
    assert sifted.reports[0].channels == (windows.info["ch_names"][3], windows.info["ch_names"][8])
    assert dropped(Reject(absolute=1e5), windows)[0].reports[0].notes == ("changed nothing",)
    assert dropped(Reject(absolute=1.0), windows)[0].reports[0].notes == (
        "changed nearly everything: 100% of the windows",
    )


def test_a_channel_marked_bad_takes_no_window_with_it(windows):
    info = windows.info.copy()
    info["bads"] = [info["ch_names"][3], info["ch_names"][8]]
    marked = replace(windows, info=info)
    assert dropped(Reject(peak_to_peak=2500.0, flat=1.0), marked)[1] == {}
    assert by_mne(marked, reject=2500.0, flat=1.0) == []
    info["bads"] = info["ch_names"]
    with pytest.raises(RecordingError, match="reject: all channels to look at are marked bad"):
        dropped(Reject(flat=1.0), marked)


def test_only_the_channels_named_are_looked_at(windows):
    names = windows.info["ch_names"]
    assert sorted(
        dropped(Reject(peak_to_peak=2500.0, flat=1.0, channels=names[3].upper()), windows)[1]
    ) == [7]


def test_channels_of_other_types_are_looked_at_only_by_name(windows):
    info = windows.info.copy()
    typed = replace(
        windows,
        info=mne.create_info(info["ch_names"], 160.0, ["eeg"] * 8 + ["eog"] * 16, verbose="error"),
    )
    assert sorted(dropped(Reject(peak_to_peak=2500.0, flat=1.0), typed)[1]) == [7]
    assert sorted(dropped(Reject(peak_to_peak=2500.0, channels=info["ch_names"][8]), typed)[1]) == [
        11
    ]


def test_a_window_goes_when_more_of_it_is_silent_than_allowed(windows):
    silent = windows.silent.copy()
    silent[0, :, :160] = True  # half
    silent[1, :12] = True  # half
    silent[2, :12] = True
    silent[2, 12, 0] = True  # one sample more
    sifted, reasons = dropped(Reject(dropout=0.5), replace(windows, silent=silent))
    assert reasons == {2: "reject: 50.0% in dropouts, 50.0% allowed"}
    np.testing.assert_array_equal(sifted.windows.silent[:2], silent[:2])
    assert sorted(dropped(Reject(dropout=0.0), replace(windows, silent=silent))[1]) == [0, 1, 2]


def test_no_window_is_judged_where_there_is_none(windows):
    none = replace(windows, signals=windows.signals[:0], silent=windows.silent[:0])
    sifted, reasons = dropped(Reject(peak_to_peak=1.0), none)
    assert (sifted.kept, reasons) == ((), {})


def test_a_recording_without_the_channels_is_refused_by_its_layout(windows):
    raw = mne.io.RawArray(
        np.zeros((1, 10)), mne.create_info(["STI"], 100.0, "stim"), verbose="error"
    )
    with pytest.raises(
        RecordingError, match="reject: no EEG or intracranial channel; the recording has STI"
    ):
        Reject(flat=1.0).output_spec(spec_of(raw))
    with pytest.raises(RecordingError, match="no channel EOG"):
        Reject(flat=1.0, channels="EOG").output_spec(SignalSpec(("Cz",), ("eeg",), 100))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "give one or more of dropout"),
        ({"peak_to_peak": -1}, "peak_to_peak"),
        ({"dropout": 1.0}, "dropout"),
        ({"flat": True}, "flat"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Reject(**wrong)


def test_dropouts_must_be_looked_for_before_windows_go_by_them(tmp_path):
    (tmp_path / "own.yaml").write_text("steps: [{reject: {dropout: 0.5}}]")
    with pytest.raises(ConfigError, match="reject by dropout needs the step dropouts"):
        load_recipe(PreprocessConfig(str(tmp_path / "own.yaml")))
    (tmp_path / "own.yaml").write_text("steps: [dropouts, {reject: {dropout: 0.5}}]")
    load_recipe(PreprocessConfig(str(tmp_path / "own.yaml")))
