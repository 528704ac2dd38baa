"""Rejection of windows, against the epochs that MNE drops."""

from __future__ import annotations

from dataclasses import replace

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_runs import dropped_reasons, make_raw, run_window_step

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.step import Windows
from bids_dl.preprocess.steps.reject import Reject


@pytest.fixture(scope="module")
def windows(eegbci):
    """30 windows of 2 s of real EEG in µV, 24 channels; one window is flat, one has a jump."""
    raw = mne.io.read_raw_edf(sorted(eegbci.rglob("*_eeg.edf"))[0], preload=True, verbose="error")
    signals = raw.get_data()[:, :9600].reshape(24, 30, 320).swapaxes(0, 1) * 1e6
    signals[7, 3] = 5.0
    signals[11, 8, 100:] += 5000.0
    return Windows(signals, np.arange(320) / 160, raw.info, np.zeros(signals.shape, dtype=bool))


def dropped(step, windows):
    """Return the reasons of the windows that a step drops, by their indices."""
    return dropped_reasons(run_window_step(windows, step)[0])


def dropped_by_mne(windows, **limits):
    """Return the indices of the windows that MNE drops."""
    epochs = mne.EpochsArray(windows.signals * 1e-6, windows.info, verbose="error")
    criteria = {name: {"eeg": value * 1e-6} for name, value in limits.items()}
    epochs.drop_bad(verbose="error", **criteria)
    return [i for i, log in enumerate(epochs.drop_log) if log]


@settings(max_examples=40)
@given(loud=st.one_of(st.none(), st.floats(60, 500)), flat=st.one_of(st.none(), st.floats(0.5, 60)))
def test_the_same_windows_are_dropped_as_by_mne(windows, loud, flat):
    if loud is None and flat is None:
        return
    limits = {}
    if loud is not None:
        limits["reject"] = loud
    if flat is not None:
        limits["flat"] = flat
    results, report = run_window_step(windows, Reject(peak_to_peak=loud, flat=flat))
    assert [index for index, _, _ in results.dropped] == dropped_by_mne(windows, **limits)
    np.testing.assert_array_equal(results.windows.signals, windows.signals[list(results.kept)])
    assert report.share == len(results.dropped) / 30


def test_the_reason_has_the_value_the_limit_and_the_worst_channel(windows):
    names = windows.info["ch_names"]
    span = np.ptp(windows.signals[11, 8])
    peak = np.abs(windows.signals[11, 8]).max()
    assert dropped(Reject(peak_to_peak=2500.0, flat=1.0), windows) == {
        7: f"0 µV peak to peak on {names[3]}, 1 or more expected",
        11: f"{span:.4g} µV peak to peak on {names[8]}, 2500 allowed",
    }
    assert dropped(Reject(absolute=2500.0), windows) == {
        11: f"{peak:.4g} µV from 0 on {names[8]}, 2500 allowed"
    }


def test_the_report_names_the_channels_for_which_windows_were_dropped(windows):
    names = windows.info["ch_names"]
    _, report = run_window_step(windows, Reject(peak_to_peak=2500.0, flat=1.0))
    assert report.channels == (names[3], names[8])


@pytest.mark.parametrize(
    ("limit", "share", "flag"),
    [(1e5, 0.0, "changed nothing"), (1.0, 1.0, "changed nearly everything")],
)
def test_a_limit_that_drops_no_or_all_windows_is_flagged(windows, limit, share, flag):
    _, report = run_window_step(windows, Reject(absolute=limit))
    assert (report.share, report.flag, report.notes) == (share, flag, ())


def test_a_channel_marked_bad_drops_no_window(windows):
    info = windows.info.copy()
    info["bads"] = [info["ch_names"][3], info["ch_names"][8]]
    marked = replace(windows, info=info)
    assert dropped(Reject(peak_to_peak=2500.0, flat=1.0), marked) == {}
    assert dropped_by_mne(marked, reject=2500.0, flat=1.0) == []
    info["bads"] = info["ch_names"]
    with pytest.raises(RecordingError, match="reject: all channels to check are marked bad"):
        dropped(Reject(flat=1.0), marked)


def test_only_the_named_channels_are_checked(windows):
    names = windows.info["ch_names"]
    step = Reject(peak_to_peak=2500.0, flat=1.0, channels=names[3].upper())
    assert list(dropped(step, windows)) == [7]


def test_channels_of_other_types_are_checked_only_if_named(windows):
    names = windows.info["ch_names"]
    info = mne.create_info(names, 160.0, ["eeg"] * 8 + ["eog"] * 16, verbose="error")
    typed = replace(windows, info=info)
    assert list(dropped(Reject(peak_to_peak=2500.0, flat=1.0), typed)) == [7]
    assert list(dropped(Reject(peak_to_peak=2500.0, channels=names[8]), typed)) == [11]


def test_a_window_with_a_larger_share_of_dropouts_than_allowed_is_dropped(windows):
    mask = windows.dropout_mask.copy()
    mask[0, :, :160] = True  # half of the samples
    mask[1, :12] = True  # half of the channels
    mask[2, :12] = True
    mask[2, 12, 0] = True  # one sample more
    masked = replace(windows, dropout_mask=mask)
    results, _ = run_window_step(masked, Reject(dropout=0.5))
    assert dropped_reasons(results) == {2: "50.0% in dropouts, 50.0% allowed"}
    np.testing.assert_array_equal(results.windows.dropout_mask[:2], mask[:2])
    assert list(dropped(Reject(dropout=0.0), masked)) == [0, 1, 2]


def test_no_windows_give_no_windows(windows):
    empty = replace(windows, signals=windows.signals[:0], dropout_mask=windows.dropout_mask[:0])
    results, _ = run_window_step(empty, Reject(peak_to_peak=1.0))
    assert (results.kept, results.dropped) == ((), ())


def test_a_recording_without_the_channels_is_refused_by_the_plan():
    raw = make_raw(np.zeros((1, 10)), 100.0, "stim")
    with pytest.raises(
        RecordingError, match="reject: no EEG or intracranial channel; the recording has E1"
    ):
        Reject(flat=1.0).output_spec(spec_of(raw))
    with pytest.raises(RecordingError, match="no channel EOG"):
        Reject(flat=1.0, channels="EOG").output_spec(SignalSpec(("Cz",), ("eeg",), 100))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "give one or more of dropout"),
        ({"peak_to_peak": -1}, "peak_to_peak"),
        ({"dropout": 1.0}, "dropout"),
        ({"flat": True}, "flat"),
    ],
)
def test_invalid_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Reject(**parameters)


def test_dropouts_are_needed_only_to_reject_by_them():
    assert Reject(dropout=0.5).traits.needs_dropouts
    assert not Reject(flat=1.0).traits.needs_dropouts
