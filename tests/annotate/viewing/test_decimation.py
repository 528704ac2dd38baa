"""Decimation and interpolation of traces that arrive in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.annotate.viewing.decimation import REACH, Decimator, decimation_kernel, interpolate


def decimate(traces, factor, *, start=0, block=None):
    """Decimate all traces as one segment, and return times in samples and values."""
    span = (start, start + traces.shape[1])
    decimator = Decimator(len(traces), factor, span, n_mirrored=REACH * factor)
    block = block or traces.shape[1]
    first = 0
    while first < traces.shape[1]:
        stop = min((start + first + block) // factor * factor - start, traces.shape[1])
        decimator.add(start + first, traces[:, first:stop])
        first = stop
    row, values = decimator.finish()
    times = (row + np.arange(values.shape[1])) * factor
    is_inside = (times >= span[0]) & (times < span[1])
    return times[is_inside], values[:, is_inside]


def wave(frequency, n_times=4000, *, start=0):
    """A sine of a frequency in cycles per sample."""
    return np.sin(2 * np.pi * frequency * (start + np.arange(n_times)))[None] + 3.0


@pytest.mark.parametrize("factor", [2, 3, 16, 57])
def test_slow_signal_is_kept_and_fast_signal_is_removed(factor):
    times, kept = decimate(wave(0.29 / factor), factor)
    inside = slice(10, -10)
    expected = np.sin(2 * np.pi * 0.29 / factor * times) + 3.0
    np.testing.assert_allclose(kept[0, inside], expected[inside], atol=5e-4)
    if factor > 2:
        _, removed = decimate(wave(0.71 / factor), factor)
        np.testing.assert_allclose(removed[0, inside], 3.0, atol=5e-4)


@pytest.mark.parametrize("block", [64, 200, 999])
def test_blocks_make_no_difference(block):
    rng = np.random.default_rng(0)
    traces = rng.standard_normal((2, 3001))
    _, whole = decimate(traces, 16, start=37)
    _, parts = decimate(traces, 16, start=37, block=block)
    np.testing.assert_allclose(parts, whole, atol=1e-12, equal_nan=True)


def test_decimated_samples_are_at_the_same_times_whatever_the_segment():
    rng = np.random.default_rng(0)
    traces = rng.standard_normal((1, 4000))
    times, whole = decimate(traces, 10)
    later_times, later = decimate(traces[:, 1003:], 10, start=1003)
    common = np.isin(times, later_times[10:-1])
    np.testing.assert_allclose(whole[:, common], later[:, 10:-1], atol=1e-9)


def test_a_constant_is_kept_at_edges_and_beside_gaps():
    traces = np.full((2, 1000), 7.5)
    traces[1, 300:517] = np.nan
    times, values = decimate(traces, 8)
    np.testing.assert_allclose(values[0], 7.5)
    np.testing.assert_allclose(values[1][~np.isnan(values[1])], 7.5)
    is_missing = (times >= 300) & (times < 517)
    np.testing.assert_array_equal(np.isnan(values[1]), is_missing)


def test_interpolation_restores_slow_signal():
    factor = 16
    samples = wave(0.2 / factor)
    _, values = decimate(samples, factor)
    restored = interpolate(values, 0, factor, (333, 3500))
    np.testing.assert_allclose(restored, samples[:, 333:3500], atol=2e-3)


def test_interpolation_beyond_the_known_samples_continues_a_line():
    values = 3.0 + 0.5 * np.arange(20.0)[None]
    samples = interpolate(values, 10, 5, (37, 163))
    np.testing.assert_allclose(samples[0], 3.0 + 0.1 * (np.arange(37, 163) - 50), atol=2e-3)


def test_a_line_is_kept_up_to_both_edges():
    samples = 0.25 * np.arange(1000.0)[None]
    times, values = decimate(samples, 7, start=12)
    np.testing.assert_allclose(values[0], 0.25 * (times - 12), atol=1e-3)
    assert (times[0], times[-1]) == (14, 1008)


@pytest.mark.parametrize("factor", [2, 7, 100])
def test_the_kernel_keeps_a_constant_and_is_symmetric(factor):
    kernel = decimation_kernel(factor).T.ravel()
    assert kernel.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(kernel[1:], kernel[:0:-1], atol=1e-15)
