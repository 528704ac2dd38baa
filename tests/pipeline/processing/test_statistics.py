"""Running statistics of a recording."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bids_dl.pipeline.processing.statistics import (
    MAX_SPECTRA,
    Moments,
    evenly_spaced,
    find_runs,
)

BATCH = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.just(2), st.just(1)),
    elements=st.floats(-1000, 1000, width=32),
)


@given(st.lists(BATCH, min_size=1, max_size=5))
def test_moments_of_batches_are_those_of_all_samples(batches):
    moments = Moments(2)
    for batch in batches:
        moments.add(batch)
    every = np.concatenate(batches).astype(np.float64)
    mean, std = moments.values()
    np.testing.assert_allclose(mean, every.mean((0, 2)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(std, every.std((0, 2)), rtol=1e-9, atol=1e-9)


@given(st.integers(0, 500))
def test_few_windows_are_chosen_from_the_first_to_the_last(count):
    numbers = [3 * i for i in range(count)]
    chosen = evenly_spaced(numbers)
    assert len(chosen) == min(count, MAX_SPECTRA)
    assert chosen <= set(numbers)
    assert not numbers or {numbers[0], numbers[-1]} <= chosen


@given(arrays.arrays(np.bool_, st.tuples(st.integers(1, 4), st.integers(1, 12))))
def test_the_runs_of_a_mask_restore_the_mask(mask):
    restored = np.zeros_like(mask)
    for start, stop, channels in find_runs(mask):
        assert not restored[list(channels), start:stop].any()
        restored[list(channels), start:stop] = True
    np.testing.assert_array_equal(restored, mask)
