"""Filters with a transition band of their own: EEGLAB's pop_eegfiltnew against its formula and eegprep's port, and widths in Hz."""

from __future__ import annotations

import math

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from bids_dl.errors import RecordingError
from bids_dl.preprocess import excerpt
from bids_dl.preprocess.recipe import Recipe, spec_of
from bids_dl.preprocess.steps.filter import Filter

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


def run(raw, step):
    return Recipe("test", "", (step,)).run(raw.copy())[0]


def sinc(order, cutoff, sfreq):
    """firws' low-pass kernel: a sinc of this cutoff under a Hamming window, with a gain of one at 0 Hz."""
    at = np.arange(order + 1) - order / 2
    kernel = np.sinc(2 * cutoff / sfreq * at) * (
        0.54 - 0.46 * np.cos(2 * np.pi * np.arange(order + 1) / order)
    )
    return kernel / kernel.sum()


def eeglab_kernel(low, high, sfreq):
    """pop_eegfiltnew's, from its documentation: transition, order, and cutoffs in the middle of the transitions."""
    room = [*([low] if low else []), *([sfreq / 2 - high] if high else [])]
    width = min(max(0.25 * (low or high), 2), *room, math.inf)
    order = math.ceil(3.3 / (width / sfreq) / 2) * 2
    unit = np.zeros(order + 1)
    unit[order // 2] = 1
    upper = sinc(order, high + width / 2, sfreq) if high else unit
    return upper - sinc(order, low - width / 2, sfreq) if low else upper


def eeglab_filtered(signals, kernel):
    """firfilt: the first and the last sample go on at the ends; no phase."""
    half = len(kernel) // 2
    padded = np.pad(signals, ((0, 0), (half, half)), mode="edge")
    return np.array([np.convolve(signal, kernel, "valid") for signal in padded])


def close(made, wanted):
    assert_allclose(made, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize(("low", "high"), BANDS)
@pytest.mark.parametrize("sfreq", RATES)
def test_transition_eeglab_is_pop_eegfiltnews_kernel_and_edges(low, high, sfreq):
    signals = np.cumsum(np.random.default_rng(0).standard_normal((2, 8000)), axis=1) * 1e-5 + 1e-3
    raw = mne.io.RawArray(signals, mne.create_info(2, sfreq, "eeg"), verbose="error")
    close(
        run(raw, Filter(low, high, transition="eeglab")).get_data(),
        eeglab_filtered(signals, eeglab_kernel(low, high, sfreq)),
    )


@pytest.mark.parametrize(("low", "high"), BANDS)
def test_transition_eeglab_on_real_eeg_is_eegpreps_pop_eegfiltnew(real, low, high):
    pop_eegfiltnew = pytest.importorskip(
        "eegprep.plugins.firfilt.pop_eegfiltnew", reason="needs bids_dl[clean]"
    ).pop_eegfiltnew
    signals = real.get_data() * 1e6
    given = {
        "data": signals,
        "srate": 128.0,
        "nbchan": 8,
        "pnts": signals.shape[1],
        "trials": 1,
        "event": [],
        "chanlocs": [],
    }
    wanted = pop_eegfiltnew(given, locutoff=low, hicutoff=high, gui=False)["data"]
    close(run(real, Filter(low, high, transition="eeglab")).get_data() * 1e6, wanted)


def test_eeglabs_transition_is_narrower_than_mnes_above_a_low_first_edge(real):
    """25 Hz after 0.25 Hz: MNE falls off over 6.25 Hz, EEGLAB over 0.25 Hz, the width of the first edge."""
    power = {}
    for transition in ("auto", "eeglab"):
        made = run(real, Filter(0.25, 25.0, transition=transition))
        power[transition] = made.compute_psd(fmin=26, fmax=30, verbose="error").get_data().mean()
    assert power["eeglab"] < 1e-3 * power["auto"]


def test_a_width_in_hertz_is_that_of_both_edges_in_mne(real):
    wanted = real.copy().filter(
        4.0, 30.0, l_trans_bandwidth=1.5, h_trans_bandwidth=1.5, verbose="error"
    )
    close(run(real, Filter(4.0, 30.0, transition=1.5)).get_data(), wanted.get_data())


@settings(max_examples=25, deadline=None)
@given(
    band=st.sampled_from(BANDS),
    transition=st.sampled_from(["eeglab", 0.2]),
    first=st.integers(0, 20000),
    length=st.integers(1, 8000),
)
def test_an_excerpt_with_its_margin_is_filtered_as_the_whole_recording(
    real, band, transition, first, length
):
    step = Filter(*band, transition=transition)
    margin = math.ceil(step.needs(spec_of(real)).margin * 128)
    last = min(first + length, real.n_times)
    low, high = max(0, first - margin), min(real.n_times, last + margin)
    part = run(excerpt(real, low, high), step).get_data()[:, first - low : last - low]
    whole = run(real, step).get_data()[:, first:last]
    assert_allclose(part, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize(("low", "high", "sfreq"), [(0.25, 25.0, 500.0), (None, 30.0, 128.0)])
def test_the_margin_is_half_the_kernel(low, high, sfreq):
    raw = mne.io.RawArray(np.zeros((1, 10)), mne.create_info(1, sfreq, "eeg"), verbose="error")
    margin = Filter(low, high, transition="eeglab").needs(spec_of(raw)).margin
    assert margin * sfreq == pytest.approx(len(eeglab_kernel(low, high, sfreq)) // 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"low": 1, "transition": "eeglab", "phase": "minimum"},
            "transition eeglab goes with phase zero",
        ),
        (
            {"low": 1, "transition": "eeglab", "fir_window": "hann"},
            "transition eeglab goes with phase zero",
        ),
        (
            {"low": 1, "transition": "eeglab", "method": "iir"},
            "transition eeglab does not go with method iir",
        ),
        ({"low": 1, "transition": 2}, "transition must not be wider than low, got 2 and 1 Hz"),
        ({"low": 1, "transition": "wide"}, "'auto' or 'eeglab'"),
        ({"low": 1, "transition": 0}, "greater than 0"),
        ({"low": 1, "transition": True}, "expected a number"),
    ],
)
def test_what_does_not_go_together_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Filter(**wrong)


def test_a_transition_beyond_the_nyquist_frequency_is_refused(real):
    with pytest.raises(
        RecordingError,
        match="filter: 60 Hz and a transition of 5 Hz end above the Nyquist frequency, 64 Hz",
    ):
        run(real, Filter(high=60.0, transition=5.0))
