"""Pages: equal to a reference, whole at edges and gaps, bounded in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from array_signals import KEY, TEN_TWENTY, ArraySignals
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfiltfilt

from bids_dl.annotate.viewing import view as view_module
from bids_dl.annotate.viewing.filters import choose_filters
from bids_dl.annotate.viewing.view import MISSING, ViewRequest, compute_view
from bids_dl.errors import RecordingError


def make_waves(n_chans, n_times, sfreq):
    """Sines of 0.4 to 2 Hz, of 50 µV each, on an offset."""
    times = np.arange(n_times) / sfreq
    waves = [50 * np.sin(2 * np.pi * f * times + f) for f in (0.4, 0.9, 2.0)]
    return np.arange(1, n_chans + 1)[:, None] * sum(waves) + 300.0


def make_noise(n_chans, n_times, sfreq=1.0, *, seed=0):
    """Noise with a 1/f spectrum and an offset, of about 100 µV."""
    rng = np.random.default_rng(seed)
    noise = np.cumsum(rng.standard_normal((n_chans, n_times)), axis=1)
    noise -= np.linspace(0, 1, n_times) * noise[:, -1:]
    return noise * (100 / noise.std()) + rng.standard_normal(noise.shape) + 300.0


def in_microvolts(view):
    """Minima and maxima of a page in µV, NaN where samples are missing."""
    pair = []
    for units in (view.minima, view.maxima):
        values = units * view.resolution + np.array(view.offsets)[:, None]
        pair.append(np.where(units == MISSING, np.nan, values))
    return pair


def column_ranges(samples, sfreq, view):
    """Smallest and largest sample of each column, by a plain loop."""
    width = view.minima.shape[1]
    times = np.arange(samples.shape[1]) / sfreq
    columns = np.floor((times - view.start) / view.column_seconds + 1e-6)
    minima = np.full((len(samples), width), np.nan)
    maxima = np.full((len(samples), width), np.nan)
    for column in range(width):
        inside = samples[:, columns == column]
        if inside.shape[1]:
            minima[:, column], maxima[:, column] = inside.min(axis=1), inside.max(axis=1)
    return minima, maxima


def test_a_page_without_filters_is_the_range_of_the_samples():
    samples = make_noise(3, 20_000)
    view = compute_view(ArraySignals(samples, 1000.0), KEY, ViewRequest(3.0, 10.0, 500))
    minima, maxima = in_microvolts(view)
    expected = column_ranges(samples, 1000.0, view)
    tolerance = view.resolution
    assert (minima <= expected[0] + tolerance).all()
    assert (maxima >= expected[1] - tolerance).all()
    # beyond that a column covers only the line to its neighbours
    around = np.pad(expected[0], ((0, 0), (1, 1)), constant_values=np.inf)
    lowest = np.minimum(np.minimum(around[:, :-2], around[:, 2:]), expected[0])
    assert (minima >= lowest - tolerance).all()


@pytest.mark.parametrize("sfreq", [8000.0, 499.7])
@pytest.mark.parametrize(
    ("low", "high", "notch"),
    [
        (1.0, 70.0, 50.0),
        (0.5, 35.0, None),
        (None, 15.0, None),
        (1.0, None, None),
        (None, None, 50.0),
        (5.0, None, 50.0),
    ],
)
@pytest.mark.parametrize("start", [0.0, 12.3, 25.0])
def test_a_filtered_page_is_that_of_the_whole_recording_filtered_at_its_rate(
    sfreq, low, high, notch, start
):
    # at an edge each mirrors the signal in the last sample that it has, which noise would move
    make = make_noise if start == 12.3 else make_waves
    samples = make(2, round(30 * sfreq), sfreq)
    request = ViewRequest(start, 5.0, 200, low=low, high=high, notch=notch)
    view = compute_view(ArraySignals(samples, sfreq), KEY, request)
    page_filter = choose_filters(sfreq, low=low, high=high, notch=notch)
    padlen = math.ceil(page_filter.margin * sfreq)
    filtered = sosfiltfilt(page_filter.sections, samples, axis=1, padlen=padlen)
    minima, maxima = in_microvolts(view)
    expected = column_ranges(filtered, sfreq, view)
    tolerance = 0.02 * (filtered - filtered.mean(axis=1, keepdims=True)).std()
    assert (minima <= expected[0] + tolerance)[:, 1:-1].all()
    assert (maxima >= expected[1] - tolerance)[:, 1:-1].all()
    middles = (expected[0] + expected[1]) / 2
    spread = (expected[1] - expected[0]).max()
    np.testing.assert_allclose((minima + maxima) / 2, middles, atol=tolerance + spread)


def test_each_sample_of_a_filtered_line_equals_the_reference():
    sfreq = 4000.0
    samples = make_noise(2, 60_000)
    request = ViewRequest(5.0, 0.5, 3000, low=1.0, high=70.0)
    view = compute_view(ArraySignals(samples, sfreq), KEY, request)
    page_filter = choose_filters(sfreq, low=1.0, high=70.0, notch=None)
    filtered = sosfiltfilt(page_filter.sections, samples, axis=1, padlen=8000)
    assert view.is_line
    times = view.first_time + np.arange(view.minima.shape[1]) * view.column_seconds
    expected = filtered[:, np.rint(times * sfreq).astype(int)]
    np.testing.assert_allclose(in_microvolts(view)[0], expected, atol=0.01 * filtered.std())
    np.testing.assert_array_equal(view.minima, view.maxima)


@given(
    st.floats(0.0, 19.9),
    st.floats(0.05, 20.0),
    st.integers(1, 4096),
    st.integers(0, 9999),
    st.sampled_from([-1, 1]),
)
@settings(max_examples=100)
def test_a_spike_of_one_sample_is_the_extreme_of_its_column(start, duration, width, place, sign):
    samples = np.zeros((2, 10_000))
    samples[1, place] = sign * 200.0
    request = ViewRequest(start, duration, width)
    view = compute_view(ArraySignals(samples, 500.0), KEY, request)
    is_on_page = start + 1e-6 <= place / 500 < start + duration - 1e-6
    extremes = view.maxima if sign > 0 else view.minima
    peaks = extremes[1] * view.resolution + view.offsets[1]
    found = np.flatnonzero(np.isclose(peaks, sign * 200.0, atol=view.resolution))
    if is_on_page:
        assert len(found)
        times = view.first_time + found * view.column_seconds
        assert (np.abs(times - place / 500) <= 2 * max(view.column_seconds, 1 / 500)).any()
    assert not extremes[0][extremes[0] != MISSING].any()


def test_columns_touch_after_quantization():
    samples = make_noise(2, 30_000) * 10
    view = compute_view(ArraySignals(samples, 1000.0), KEY, ViewRequest(2.0, 20.0, 700, high=70.0))
    assert (view.maxima[:, :-1] >= view.minima[:, 1:]).all()
    assert (view.maxima[:, 1:] >= view.minima[:, :-1]).all()


@pytest.mark.parametrize("filters", [{}, {"low": 1.0, "high": 70.0}, {"low": 1.0}])
@pytest.mark.parametrize("sfreq", [4000.0, 250.0])
def test_beyond_the_end_samples_are_missing(sfreq, filters):
    samples = make_noise(2, round(10 * sfreq))
    view = compute_view(ArraySignals(samples, sfreq), KEY, ViewRequest(8.0, 10.0, 1000, **filters))
    is_missing = view.minima == MISSING
    assert is_missing[:, 201:].all()
    assert not is_missing[:, :200].any()
    assert (view.duration, view.start) == (10.0, 8.0)


@pytest.mark.parametrize("filters", [{}, {"low": 1.0, "high": 70.0}, {"low": 1.0}])
@pytest.mark.parametrize("sfreq", [8000.0, 250.0])
def test_a_gap_is_missing_and_does_not_change_the_signal_elsewhere(sfreq, filters):
    samples = make_noise(3, round(20 * sfreq))
    gap = slice(round(8 * sfreq), round(9 * sfreq))
    samples[:, gap] = np.nan
    request = ViewRequest(5.0, 10.0, 1000, **filters)
    view = compute_view(ArraySignals(samples, sfreq), KEY, request)
    is_missing = view.minima == MISSING
    assert is_missing[:, 302:398].all()
    assert not is_missing[:, :299].any()
    assert not is_missing[:, 401:].any()
    alone = compute_view(
        ArraySignals(samples[:, gap.stop :], sfreq), KEY, ViewRequest(0.0, 6.0, 600, **filters)
    )
    left, right = in_microvolts(view)[0][:, 402:], in_microvolts(alone)[0][:, 2:]
    np.testing.assert_allclose(left, right, atol=2.0 if filters else 0.5)


def test_filters_start_anew_at_a_boundary():
    sfreq = 2000.0
    samples = np.concatenate([np.zeros((1, 20_000)), np.full((1, 20_000), 5000.0)], axis=1)
    request = ViewRequest(5.0, 10.0, 500, low=1.0, high=70.0)
    with_jump = compute_view(ArraySignals(samples, sfreq), KEY, request)
    without = compute_view(ArraySignals(samples, sfreq, boundaries=[10.0]), KEY, request)
    assert np.abs(in_microvolts(with_jump)[1]).max() > 1000
    assert np.abs(in_microvolts(without)[1]).max() < 1e-3


@pytest.mark.parametrize("montage", ["recorded", "average", "banana"])
@pytest.mark.parametrize("filters", [{}, {"low": 1.0, "high": 30.0}])
def test_a_channel_without_samples_is_missing_alone(montage, filters):
    samples = make_noise(19, 5000)
    samples[TEN_TWENTY.index("C3")] = np.nan
    signals = ArraySignals(samples, 500.0, names=TEN_TWENTY)
    view = compute_view(signals, KEY, ViewRequest(1.0, 5.0, 300, montage, **filters))
    for names, minima in zip(view.channels, view.minima, strict=True):
        assert (minima == MISSING).all() == ("C3" in names)
        assert (minima == MISSING).any() == ("C3" in names)


@pytest.mark.parametrize("filters", [{}, {"low": 0.5, "high": 70.0, "notch": 50.0}])
def test_a_constant_channel_is_a_flat_line_at_zero(filters):
    samples = np.full((2, 5000), -4321.0)
    view = compute_view(ArraySignals(samples, 500.0), KEY, ViewRequest(1.0, 5.0, 300, **filters))
    assert not view.minima.any()
    assert not view.maxima.any()


@pytest.mark.parametrize("n_times", [1, 2, 5, 40])
@pytest.mark.parametrize("sfreq", [1.0, 128.0, 5000.0])
@pytest.mark.parametrize("filters", [{}, {"high": 70.0}, {"low": 0.3}, {"notch": 50.0}])
def test_very_short_recordings_have_a_page(n_times, sfreq, filters):
    samples = np.arange(2.0 * n_times).reshape(2, n_times)
    view = compute_view(ArraySignals(samples, sfreq), KEY, ViewRequest(0.0, 10.0, 300, **filters))
    assert (view.minima != MISSING).any(axis=1).all()


def test_one_channel_and_three_hundred_channels_have_a_page():
    for n_chans in (1, 300):
        samples = make_noise(n_chans, 2000)
        signals = ArraySignals(samples, 200.0)
        view = compute_view(signals, KEY, ViewRequest(0.0, 10.0, 800, low=1.0, high=70.0))
        assert view.minima.shape == (n_chans, 800)


@pytest.mark.parametrize("sfreq", [8000.0, 250.0])
def test_parts_that_bound_the_memory_make_no_visible_difference(monkeypatch, sfreq):
    signals = ArraySignals(make_noise(2, round(30 * sfreq)), sfreq)
    request = ViewRequest(2.0, 25.0, 900, low=1.0, high=70.0)
    whole = in_microvolts(compute_view(signals, KEY, request))
    monkeypatch.setattr(view_module, "MAX_VALUES", 3000)
    parts = in_microvolts(compute_view(signals, KEY, request))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=0.5)


def test_a_page_reads_its_samples_and_the_margins_and_no_more():
    samples = make_noise(2, 400_000)
    signals = ArraySignals(samples, 2000.0)
    compute_view(signals, KEY, ViewRequest(50.0, 10.0, 500))
    assert signals.n_read == 20_000
    signals.n_read = 0
    compute_view(signals, KEY, ViewRequest(50.0, 10.0, 500, low=1.0, high=70.0))
    assert signals.n_read < 1.02 * (20_000 + 2 * 2 * 2000)


def test_values_beyond_sixteen_millivolts_are_clipped_and_keep_the_others_sharp():
    samples = np.zeros((2, 1000))
    samples[0, 500] = 1e6
    samples[1, ::2] = 20.0
    view = compute_view(ArraySignals(samples, 100.0), KEY, ViewRequest(0.0, 10.0, 100))
    assert view.resolution == 0.5
    assert view.maxima[0].max() == 32767


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": -0.1}, "start of -0.1 s; it must be from 0 to below 20 s"),
        ({"start": 20.0}, "start of 20 s"),
        ({"start": math.nan}, "start of nan s"),
        ({"start": math.inf}, "start of inf s"),
        ({"duration": 0.01}, "duration of 0.01 s; it must be from 0.05 to 120 s"),
        ({"duration": 121.0}, "duration of 121 s"),
        ({"duration": math.nan}, "duration of nan s"),
        ({"width": 0}, "width of 0; it must be a number from 1 to 4096"),
        ({"width": 4097}, "width of 4097"),
        ({"width": 10.5}, "width of 10.5"),
        ({"width": math.nan}, "width of nan"),
        ({"montage": "x"}, "unknown montage 'x'"),
        ({"montage": "banana"}, "do not allow the montage 'banana'"),
        ({"low": 70.0, "high": 35.0}, "must be below the high one"),
        ({"high": math.nan}, "high filter of nan Hz"),
    ],
)
def test_numbers_out_of_their_bounds_are_refused(change, message):
    signals = ArraySignals(np.zeros((2, 10_000)), 500.0)
    request = {"start": 1.0, "duration": 10.0, "width": 300} | change
    with pytest.raises(ValueError, match=message):
        compute_view(signals, KEY, ViewRequest(**request))
    assert signals.n_read == 0


def test_a_recording_without_a_channel_in_volts_has_no_page():
    signals = ArraySignals(np.zeros((1, 100)), 10.0, kind="misc")
    with pytest.raises(RecordingError, match=r"channels: ds1/sub-01.*: no channel is in volts"):
        compute_view(signals, KEY, ViewRequest(0.0, 10.0, 100))


@pytest.mark.parametrize(
    "filters",
    [{"low": 0.01}, {"high": 0.01}, {"notch": 0.01}, {"low": 0.01, "high": 0.02, "notch": 0.01}],
)
def test_the_slowest_filters_read_a_bounded_part(filters):
    sfreq = 4000.0
    signals = ArraySignals(np.ones((1, round(200 * sfreq))), sfreq)
    view = compute_view(signals, KEY, ViewRequest(100.0, 10.0, 500, **filters))
    assert signals.n_read < 82 * sfreq
    assert not (view.minima == MISSING).any()
