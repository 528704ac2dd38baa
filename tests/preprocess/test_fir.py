"""Design of FIR filters, against MNE."""

from __future__ import annotations

from fractions import Fraction

import mne
import numpy as np
import pytest

from bids_dl.preprocess.fir import LENGTH_FACTORS, design_eegfiltnew, half_length


@pytest.mark.parametrize("fir_window", LENGTH_FACTORS)
@pytest.mark.parametrize(("width", "sfreq"), [(0.5, 160), (2.0, 250), (1.3, 512)])
def test_half_a_filter_is_as_long_as_that_of_mne(fir_window, width, sfreq):
    kernel = mne.filter.create_filter(
        None, sfreq, None, 20.0, h_trans_bandwidth=width, fir_window=fir_window, verbose="error"
    )
    half = half_length(width, Fraction(sfreq), fir_window)
    assert half * sfreq - len(kernel) / 2 == pytest.approx(0.0, abs=1.0)
    assert half * sfreq >= len(kernel) // 2


@pytest.mark.parametrize(
    ("low", "high", "sfreq", "order", "transition"),
    [
        (0.25, 25.0, 500.0, 6600, 0.25),
        (1.0, None, 250.0, 826, 1.0),
        (None, 40.0, 128.0, 44, 10.0),
        (None, 60.0, 128.0, 106, 4.0),  # no wider than the room below the Nyquist frequency
    ],
)
def test_orders_and_transitions_are_those_of_pop_eegfiltnew(low, high, sfreq, order, transition):
    design = design_eegfiltnew(low, high, sfreq)
    assert design.order == order
    assert design.transition <= transition
    # The shortest even order with at most that transition
    assert LENGTH_FACTORS["hamming"] * sfreq / (order - 2) > transition


@pytest.mark.parametrize(("low", "high"), [(0.25, 25.0), (1.0, None), (None, 40.0)])
def test_the_cutoffs_are_in_the_middle_of_the_requested_transitions(low, high):
    design = design_eegfiltnew(low, high, 500.0)
    width = min(max((low or high) / 4, 2.0), low or high)
    if low is not None:
        assert design.low - design.transition / 2 == pytest.approx(low - width / 2)
    if high is not None:
        assert design.high + design.transition / 2 == pytest.approx(high + width / 2)


def test_mne_designs_a_kernel_of_that_order_which_halves_the_amplitude_at_the_cutoff():
    design = design_eegfiltnew(1.0, None, 250.0)
    kernel = mne.filter.create_filter(
        None, 250.0, design.low, None, l_trans_bandwidth=design.transition, verbose="error"
    )
    assert len(kernel) == design.order + 1
    cutoff = 0.5  # Hz: the transition of 1 Hz ends at the edge
    times = np.arange(len(kernel)) / 250.0
    amplitude = np.abs(np.sum(kernel * np.exp(-2j * np.pi * cutoff * times)))
    assert amplitude == pytest.approx(0.5, abs=5e-3)
