"""Filters against MNE, EEGLAB's formulas and eegprep, and the context that they need."""

from __future__ import annotations

import math
from fractions import Fraction

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mne.filter import create_filter
from numpy.testing import assert_allclose, assert_array_equal
from step_runs import assert_signals_close, make_noise, make_raw, run_step, run_steps

from bids_dl.datamodel import SignalSpec
from bids_dl.errors import RecordingError
from bids_dl.preprocess import read_excerpt
from bids_dl.preprocess.recipe import spec_of
from bids_dl.preprocess.step import Context
from bids_dl.preprocess.steps.filter import Filter
from bids_dl.preprocess.steps.notch import Notch
from bids_dl.preprocess.steps.reference import Reference

BANDS = [
    (0.25, 25.0),
    (1.0, 40.0),
    (0.5, None),
    (10.0, None),
    (None, 30.0),
    (None, 63.0),
    (1.0, 60.0),
    (4.0, 8.0),
    (30.0, 45.0),
]
RATES = [128.0, 160.0, 250.0, 500.0, 499.998, 512.0]


@pytest.fixture(scope="module")
def real(shared):
    """Eight channels of EEGLAB's sample, 128 Hz, 238 s."""
    raw = mne.io.read_raw_eeglab(shared / "eeglab/eeglab_data.set", preload=True, verbose="error")
    return raw.pick(raw.ch_names[:8])


def filtered_data(raw, step):
    return run_step(raw, step)[0].get_data()


def lowpass_kernel(order, cutoff, sfreq):
    """Return the kernel of EEGLAB's firws: a Hamming-windowed sinc with unit gain at 0 Hz."""
    samples = np.arange(order + 1)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * samples / order)
    kernel = np.sinc(2 * cutoff / sfreq * (samples - order / 2)) * window
    return kernel / kernel.sum()


def eeglab_kernel(low, high, sfreq):
    """Return the kernel of pop_eegfiltnew by its documentation.

    One transition width for both edges gives the order; cutoffs are in the middle of the
    transitions.
    """
    room_below = low or math.inf
    room_above = sfreq / 2 - high if high else math.inf
    width = min(max(0.25 * (low or high), 2), room_below, room_above)
    order = math.ceil(3.3 / (width / sfreq) / 2) * 2
    kernel = np.zeros(order + 1)
    kernel[order // 2] = 1
    if high:
        kernel = lowpass_kernel(order, high + width / 2, sfreq)
    if low:
        kernel = kernel - lowpass_kernel(order, low - width / 2, sfreq)
    return kernel


def eeglab_filter(signals, kernel):
    """Filter like firfilt: with zero phase, repeating the first and the last sample."""
    half = len(kernel) // 2
    padded = np.pad(signals, ((0, 0), (half, half)), mode="edge")
    return np.array([np.convolve(signal, kernel, "valid") for signal in padded])


def assert_close(signals, expected):
    assert_allclose(signals, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(
    "parameters",
    [
        {"low": 0.5, "high": 45.0},
        {"low": 1.0},
        {"high": 30.0},
        {"low": 1.0, "high": 40.0, "fir_window": "blackman"},
        {"low": 1.0, "fir_design": "firwin2"},
        {"high": 30.0, "phase": "minimum"},
        {"low": 1.0, "high": 40.0, "method": "iir"},
    ],
)
def test_filter_equals_mne(parameters):
    raw = make_noise()
    mne_names = {"low": "l_freq", "high": "h_freq"}
    arguments = {"l_freq": None, "h_freq": None}
    arguments |= {mne_names.get(name, name): value for name, value in parameters.items()}
    filtered, _ = run_step(raw, Filter(**parameters))
    assert_signals_close(filtered, raw.copy().filter(**arguments, verbose="error"))


@pytest.mark.parametrize(
    "step",
    [
        Filter(0.5, 45.0),
        Filter(low=2.0),
        Filter(high=30.0),
        Filter(1.0, 20.0, phase="zero-double"),
        Notch((50.0,)),
    ],
)
@pytest.mark.parametrize("sfreq", [128.0, 160.0, 500.0])
def test_an_excerpt_with_its_context_is_filtered_as_the_whole_signal(step, sfreq):
    raw = make_noise(sfreq, n_times=int(40 * sfreq), n_chans=2)
    context = step.required_context(spec_of(raw))
    assert context.kind == "samples"
    margin = math.ceil(context.margin * sfreq)
    start = int(15 * sfreq)
    stop = int(25 * sfreq)
    excerpt = make_raw(raw.get_data(start=start - margin, stop=stop + margin), sfreq)
    whole = filtered_data(raw, step)[:, start:stop]
    part = filtered_data(excerpt, step)[:, margin : margin + stop - start]
    assert_allclose(part * 1e6, whole * 1e6, rtol=0, atol=1e-9)


@given(
    low=st.floats(0.1, 20),
    width=st.floats(1, 30),
    sfreq=st.sampled_from([128.0, 250.0, 1000.0]),
    window=st.sampled_from(["hamming", "hann", "blackman"]),
)
@settings(max_examples=25)
def test_the_context_is_half_of_the_kernel_that_mne_designs(low, width, sfreq, window):
    step = Filter(low, low + width, fir_window=window)
    kernel = create_filter(None, sfreq, step.low, step.high, fir_window=window, verbose="error")
    spec = SignalSpec(("E1",), ("eeg",), Fraction(sfreq))
    margin = step.required_context(spec).margin * sfreq
    assert len(kernel) // 2 <= margin <= len(kernel) // 2 + 2


def test_an_iir_filter_requires_the_whole_segment():
    context = Filter(low=1.0, method="iir").required_context(spec_of(make_noise()))
    assert context == Context("samples", math.inf)


def test_channels_of_other_types_are_neither_filtered_nor_referenced():
    noise = np.random.default_rng(2).standard_normal((3, 1600)) * 1e-5
    raw = make_raw(noise, 160.0, ["eeg", "eeg", "eog"])
    processed, reports = run_steps(raw, Filter(low=1.0), Reference())
    assert_array_equal(processed.get_data()[2], raw.get_data()[2])
    assert reports[0].notes == ("not filtered: E3",)


@pytest.mark.parametrize(("low", "high"), BANDS)
@pytest.mark.parametrize("sfreq", RATES)
def test_transition_eeglab_has_the_kernel_and_edges_of_pop_eegfiltnew(low, high, sfreq):
    signals = np.cumsum(np.random.default_rng(0).standard_normal((2, 8000)), axis=1) * 1e-5 + 1e-3
    filtered = filtered_data(make_raw(signals, sfreq), Filter(low, high, transition="eeglab"))
    assert_close(filtered, eeglab_filter(signals, eeglab_kernel(low, high, sfreq)))


@pytest.mark.parametrize(("low", "high"), BANDS)
def test_transition_eeglab_on_real_eeg_equals_pop_eegfiltnew_of_eegprep(real, low, high):
    pop_eegfiltnew = pytest.importorskip(
        "eegprep.plugins.firfilt.pop_eegfiltnew", reason="needs bids_dl[clean]"
    ).pop_eegfiltnew
    signals = real.get_data() * 1e6
    structure = {
        "data": signals,
        "srate": 128.0,
        "nbchan": 8,
        "pnts": signals.shape[1],
        "trials": 1,
        "event": [],
        "chanlocs": [],
    }
    expected = pop_eegfiltnew(structure, locutoff=low, hicutoff=high, gui=False)["data"]
    filtered = filtered_data(real, Filter(low, high, transition="eeglab"))
    assert_close(filtered * 1e6, expected)


def test_eeglabs_upper_transition_is_as_narrow_as_the_lower_one(real):
    # From 0.25 to 25 Hz, the upper transition of MNE is 6.25 Hz wide, that of EEGLAB 0.25 Hz.
    power = {}
    for transition in ("auto", "eeglab"):
        filtered, _ = run_step(real, Filter(0.25, 25.0, transition=transition))
        spectrum = filtered.compute_psd(fmin=26, fmax=30, verbose="error")
        power[transition] = spectrum.get_data().mean()
    assert power["eeglab"] < 1e-3 * power["auto"]


def test_a_transition_in_hz_is_the_width_of_both_transitions_in_mne(real):
    expected = real.copy().filter(
        4.0, 30.0, l_trans_bandwidth=1.5, h_trans_bandwidth=1.5, verbose="error"
    )
    filtered = filtered_data(real, Filter(4.0, 30.0, transition=1.5))
    assert_close(filtered, expected.get_data())


@settings(max_examples=25)
@given(
    band=st.sampled_from(BANDS),
    transition=st.sampled_from(["eeglab", 0.2]),
    first=st.integers(0, 20000),
    length=st.integers(1, 8000),
)
def test_an_excerpt_of_real_eeg_is_filtered_as_the_whole_recording(
    real, band, transition, first, length
):
    step = Filter(*band, transition=transition)
    margin = math.ceil(step.required_context(spec_of(real)).margin * 128)
    last = min(first + length, real.n_times)
    low = max(0, first - margin)
    high = min(real.n_times, last + margin)
    part = filtered_data(read_excerpt(real, low, high), step)[:, first - low : last - low]
    whole = filtered_data(real, step)[:, first:last]
    assert_allclose(part, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize(("low", "high", "sfreq"), [(0.25, 25.0, 500.0), (None, 30.0, 128.0)])
def test_the_context_of_transition_eeglab_is_half_its_kernel(low, high, sfreq):
    spec = SignalSpec(("E1",), ("eeg",), Fraction(sfreq))
    margin = Filter(low, high, transition="eeglab").required_context(spec).margin
    assert margin * sfreq == pytest.approx(len(eeglab_kernel(low, high, sfreq)) // 2)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"low": 1, "transition": "eeglab", "phase": "minimum"},
            "transition eeglab requires phase zero",
        ),
        (
            {"low": 1, "transition": "eeglab", "fir_window": "hann"},
            "transition eeglab requires phase zero",
        ),
        (
            {"low": 1, "transition": "eeglab", "method": "iir"},
            "transition eeglab cannot be combined with method iir",
        ),
        ({"low": 1, "transition": 2}, "transition must not be wider than low, got 2 and 1 Hz"),
        ({"low": 1, "transition": "wide"}, "'auto' or 'eeglab'"),
        ({"low": 1, "transition": 0}, "greater than 0"),
        ({"low": 1, "transition": True}, "expected a number"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Filter(**parameters)


def test_a_transition_beyond_the_nyquist_frequency_is_refused(real):
    with pytest.raises(
        RecordingError,
        match="filter: 60 Hz and a transition of 5 Hz end above the Nyquist frequency, 64 Hz",
    ):
        run_step(real, Filter(high=60.0, transition=5.0))
