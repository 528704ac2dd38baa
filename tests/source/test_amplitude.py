"""Plausibility of amplitudes."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bids_dl.errors import RecordingError
from bids_dl.source import check_amplitudes
from bids_dl.source.amplitude import (
    USUAL_MAX_VOLTS,
    USUAL_MIN_VOLTS,
    _are_usual,
    _finite_medians,
)

MICROVOLTS = np.round(np.random.default_rng(0).normal(scale=30, size=(2, 1000)))


def make_raw(volts: np.ndarray, names: tuple[str, ...] = ("Cz", "Pz")) -> mne.io.RawArray:
    return mne.io.RawArray(volts, mne.create_info(list(names), 100.0, "eeg"), verbose="error")


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        (1e6, r"typical amplitude .* V is impossible for brain signal"),
        (1e-6, "below the resolution of any amplifier"),
    ],
)
@pytest.mark.parametrize("is_loaded", [False, True])
def test_amplitudes_a_million_times_off_are_refused(factor, message, is_loaded):
    raw = make_raw(MICROVOLTS * 1e-6 * factor)
    with pytest.raises(RecordingError, match=message):
        check_amplitudes(raw.load_data() if is_loaded else raw)


def test_real_signals_and_parts_of_them_pass(eegbci, shared):
    files = (
        eegbci / "sub-001/eeg/sub-001_task-motion_run-1_eeg.edf",
        shared / "formats/test.edf",
    )
    for file in files:
        raw = mne.io.read_raw_edf(file, verbose="error")
        assert check_amplitudes(raw) == ()
        assert check_amplitudes(raw.crop(3.0, 3.5)) == ()
    assert check_amplitudes(mne.io.read_raw_bdf(shared / "formats/test.bdf", verbose="error")) == ()


def test_only_the_named_channels_of_brain_signal_are_checked():
    raw = make_raw(np.vstack([MICROVOLTS[0] * 1e-6, MICROVOLTS[1]]), ("Cz", "Knob"))
    assert check_amplitudes(raw, ["Cz"]) == ()
    with pytest.raises(RecordingError, match=r"^read: Knob: typical amplitude"):
        check_amplitudes(raw)
    raw.set_channel_types({"Knob": "misc"}, verbose="error")
    assert check_amplitudes(raw) == ()


def test_drift_offset_and_a_flat_channel_do_not_matter():
    drift = MICROVOLTS[0] * 1e-6 + np.linspace(-0.3, 0.3, 1000) / 10
    assert check_amplitudes(make_raw(np.vstack([drift + 0.2, np.zeros(1000)]))) == ()


def test_an_unusual_amplitude_is_noted():
    assert "unusual amplitude" in check_amplitudes(make_raw(MICROVOLTS * 1e-3))[0]


def test_nan_is_ignored_and_does_not_hide_an_impossible_amplitude():
    volts = MICROVOLTS * 1e-6
    volts[:, :30] = np.nan
    assert check_amplitudes(make_raw(volts)) == ()
    with pytest.raises(RecordingError, match=r"^read: Cz, Pz: typical amplitude"):
        check_amplitudes(make_raw(1e6 * volts))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_recording_without_any_signal_is_refused(value):
    raw = make_raw(np.full_like(MICROVOLTS, value))
    with pytest.raises(RecordingError, match=r"^read: all channels are flat in 20 excerpts"):
        check_amplitudes(raw)


def test_only_the_spans_are_looked_at():
    volts = MICROVOLTS * 1e-6
    volts[:, 300:] *= 1e6
    spans = [(0, 100), (200, 300)]
    assert check_amplitudes(make_raw(volts), spans=spans) == ()
    with pytest.raises(RecordingError, match="impossible"):
        check_amplitudes(make_raw(volts), spans=[(0, 100), (400, 900)])


def test_no_sample_outside_of_the_spans_is_read():
    class Watched(mne.io.RawArray):
        def get_data(self, picks=None, start=0, stop=None, **options):
            read.update(range(start, stop))
            self.preload = True
            samples = super().get_data(picks=picks, start=start, stop=stop, **options)
            self.preload = False
            return samples

    read: set[int] = set()
    info = mne.create_info(["Cz", "Pz"], 100.0, "eeg")
    spans = [(0, 30), (170, 420), (420, 440), (999, 1000)]
    raw = Watched(MICROVOLTS * 1e-6, info, verbose="error")
    raw.preload = False
    check_amplitudes(raw, spans=spans)
    allowed = set()
    for start, stop in spans:
        allowed.update(range(start, stop))
    assert read <= allowed
    assert {0, 439} <= read


def test_spans_that_are_flat_are_refused_whatever_is_outside():
    volts = MICROVOLTS * 1e-6
    volts[:, 100:900] = 0
    assert check_amplitudes(make_raw(volts)) == ()
    with pytest.raises(RecordingError, match=r"^read: all channels are flat in 20 excerpts"):
        check_amplitudes(make_raw(volts), spans=[(100, 500), (600, 900)])


SIGNALS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(0, 40)),
    elements=st.floats(-1e3, 1e3) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0]),
)


@given(SIGNALS)
def test_the_medians_of_all_rows_are_those_of_numpy_row_by_row(signals):
    expected = []
    for row in signals:
        finite = row[np.isfinite(row)]
        expected.append(np.median(finite) if len(finite) else np.nan)
    np.testing.assert_array_equal(_finite_medians(signals), expected)


@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 7)),
        elements=st.sampled_from([0.0, 5e-8, 6e-8, 1e-5, 4e-3, 5e-3, 1.0, np.nan, np.inf]),
    )
)
def test_amplitudes_are_only_taken_for_usual_if_the_median_of_each_channel_is(distances):
    medians = _finite_medians(distances)
    is_usual = ((medians > USUAL_MIN_VOLTS) & (medians < USUAL_MAX_VOLTS)).all()
    assert is_usual or not _are_usual(distances)
    assert _are_usual(np.full((2, 3), 1e-5))
