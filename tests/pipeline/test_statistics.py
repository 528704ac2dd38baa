"""What is learnt of a recording while its windows go by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.signal import welch

from bids_dl.pipeline.statistics import HIGHEST, MOST_SPECTRA, Moments, Spectrum, runs, some


@given(
    st.lists(
        arrays.arrays(
            np.float32,
            st.tuples(st.integers(1, 4), st.just(2), st.integers(1, 5)),
            elements=st.floats(-1000, 1000, width=32),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_moments_collected_in_pieces_are_those_of_all_samples(parts):
    parts = [part[:, :, :1] for part in parts]
    moments = Moments(2)
    for part in parts:
        moments.add(part)
    together = np.concatenate(parts).astype(np.float64)
    mean, std = moments.values()
    np.testing.assert_allclose(mean, together.mean((0, 2)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(std, together.std((0, 2)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("sfreq", "duration"), [(128, 2.0), (250, 4.0), (1000, 1.0), (500, 0.5), (333.3333, 3.0)]
)
def test_a_spectrum_is_the_median_channel_of_the_mean_window_in_steps_of_one_hertz(sfreq, duration):
    n_times = round(sfreq * duration)
    windows = np.random.default_rng(1).standard_normal((3, 5, n_times)) + 10 * np.sin(
        2 * np.pi * 10 * np.arange(n_times) / sfreq
    )
    spectrum = Spectrum(sfreq)
    for number, window in enumerate(windows):
        spectrum.add(number, window)
    found = np.array(spectrum.median([0, 2]))
    assert len(found) == min(HIGHEST, int(sfreq / 2)) + 1
    assert found[2:].argmax() == 8
    if duration >= 1 and sfreq == int(sfreq):
        _, power = welch(windows[[0, 2]], sfreq, nperseg=sfreq)
        np.testing.assert_allclose(found, np.median(power.mean(0), 0)[: len(found)])


def test_windows_that_were_dropped_or_never_seen_have_no_part_in_a_spectrum():
    spectrum = Spectrum(100)
    spectrum.add(4, np.ones((2, 100)))
    assert spectrum.median([0, 1]) == ()
    assert len(spectrum.median([1, 4])) == 51


def test_samples_that_are_no_numbers_cost_their_channel_their_window_only():
    windows = np.random.default_rng(0).standard_normal((2, 3, 200))
    holes = windows.copy()
    holes[0, :2, 50], holes[1, 0] = np.nan, np.nan
    spectrum, one, other = Spectrum(100), Spectrum(100), Spectrum(100)
    for number in range(2):
        spectrum.add(number, holes[number])
    one.add(0, windows[1, [1]])
    other.add(0, windows[0, [2]])
    other.add(1, windows[1, [2]])
    np.testing.assert_allclose(
        spectrum.median([0, 1]), np.mean([one.median([0]), other.median([0, 1])], axis=0)
    )
    lost = Spectrum(100)
    lost.add(0, np.full((2, 200), np.nan))
    assert lost.median([0]) == ()


@given(st.integers(0, 500))
def test_few_enough_windows_are_looked_at_from_the_first_to_the_last(count):
    numbers = [3 * i for i in range(count)]
    chosen = some(numbers)
    assert len(chosen) == min(count, MOST_SPECTRA)
    assert chosen <= set(numbers)
    assert not numbers or {numbers[0], numbers[-1]} <= chosen


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 12))))
def test_runs_of_a_mask_make_the_mask_again(mask):
    made = np.zeros_like(mask)
    for start, stop, channels in runs(mask):
        assert not made[list(channels), start:stop].any()
        made[list(channels), start:stop] = True
    np.testing.assert_array_equal(made, mask)
