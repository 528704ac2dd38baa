"""Columns of pixels: every sample is seen, and columns touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.annotate.viewing.envelope import Envelope, PageGrid

N_TIMES = 6000

grids = st.builds(
    lambda start, share, width, rate: PageGrid(
        start * N_TIMES / rate, share * N_TIMES / rate, width, rate, N_TIMES
    ),
    st.floats(0.0, 0.999),
    st.floats(0.001, 1.5),
    st.integers(1, 4096),
    st.sampled_from([100.0, 499.7, 32_000.0, 1000 / 3]),
)


def compute(grid, samples, *, block=None):
    envelope = Envelope(grid, len(samples))
    block = block or samples.shape[1]
    for start in range(0, samples.shape[1], block):
        envelope.add(start, samples[:, start : start + block])
    return envelope.finish()


def column_of(grid, sample):
    """Number of the column that a sample is in, by its definition."""
    return int(np.floor((sample - grid.start * grid.rate) / grid.spacing + 1e-6 / grid.spacing))


@given(grids, st.floats(0.0, 1.0), st.sampled_from([-1.0, 1.0]))
@settings(max_examples=300)
def test_a_spike_of_one_sample_is_seen_at_every_zoom(grid, place, sign):
    low, high = grid.span
    spike = min(low + int(place * (high - low)), high - 1)
    samples = np.zeros((1, N_TIMES))
    samples[0, spike] = sign * 100.0
    minima, maxima = compute(grid, samples)
    column = spike - low if grid.is_line else column_of(grid, spike)
    assert (maxima if sign > 0 else minima)[0, column] == sign * 100.0


@given(grids, st.integers(0, 2**32 - 1))
@settings(max_examples=100)
def test_neighbouring_columns_touch(grid, seed):
    samples = np.random.default_rng(seed).standard_normal((2, N_TIMES)) * 100
    minima, maxima = compute(grid, samples)
    if grid.is_line:
        np.testing.assert_array_equal(minima, samples[:, slice(*grid.span)])
        return
    known = ~np.isnan(maxima[:, :-1]) & ~np.isnan(minima[:, 1:])
    assert (maxima[:, :-1] >= minima[:, 1:])[known].all()
    assert (maxima[:, 1:] >= minima[:, :-1])[known].all()


@given(grids, st.integers(1, N_TIMES))
@settings(max_examples=100)
def test_blocks_make_no_difference(grid, block):
    samples = np.random.default_rng(0).standard_normal((1, N_TIMES))
    samples[0, 100:150] = np.nan
    block = max(block, 50)
    for whole, parts in zip(
        compute(grid, samples), compute(grid, samples, block=block), strict=True
    ):
        np.testing.assert_array_equal(whole, parts)


@given(grids)
@settings(max_examples=100)
def test_no_column_within_the_recording_is_empty(grid):
    minima, _ = compute(grid, np.zeros((1, N_TIMES)))
    if grid.is_line:
        assert not np.isnan(minima).any()
        return
    ends = np.minimum((grid.start + (np.arange(grid.width) + 1) * grid.column_seconds), 1e9)
    is_inside = ends <= (N_TIMES - 1) / grid.rate
    assert not np.isnan(minima[0, is_inside]).any()


def test_a_column_has_the_extremes_of_its_samples_and_the_lines_to_its_neighbours():
    grid = PageGrid(0.0, 9.0, 3, 1.0, 9)
    samples = np.array([[0.0, 5, 1, 9, 3, 2, -4, 0, 1]])
    minima, maxima = compute(grid, samples)
    np.testing.assert_array_equal(maxima, [[9.0, 9.0, 1.0]])
    np.testing.assert_array_equal(minima, [[0.0, -4.0, -4.0]])


def test_a_gap_interrupts_a_trace_and_nothing_around_it():
    grid = PageGrid(0.0, 10.0, 5, 1.0, 10)
    samples = np.arange(10.0)[None]
    samples[0, 3:7] = np.nan
    minima, maxima = compute(grid, samples)
    np.testing.assert_array_equal(minima, [[0.0, 2.0, np.nan, 7.0, 8.0]])
    np.testing.assert_array_equal(maxima, [[2.0, 2.0, np.nan, 8.0, 9.0]])


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (5.0, 49)])
def test_a_line_begins_one_sample_before_the_page(start, first):
    grid = PageGrid(start, 1.0, 100, 10.0, 200)
    assert grid.is_line
    assert grid.span == (first, round(start * 10) + 11)
    assert grid.first_time == first / 10
    assert grid.column_seconds == 0.1


@pytest.mark.parametrize("width", [1, 7])
def test_a_page_that_begins_behind_the_last_sample_is_empty(width):
    rate = 64.0
    grid = PageGrid((N_TIMES - 0.1) / rate, 120.0, width, rate, N_TIMES)
    minima, maxima = compute(grid, np.ones((2, N_TIMES)))
    assert minima.shape == (2, width)
    assert np.isnan(minima).all()
    assert np.isnan(maxima).all()
