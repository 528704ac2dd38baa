"""Windows of a chunk reach their batches in the unit of the batch, changed or not."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.store.signals import window_copies
from bids_dl.store.signals.window_copies import Destination, block_memory, copy_windows

RNG = np.random.default_rng(0)
NUMBERS = RNG.integers(-32767, 32768, (10, 3, 20), dtype=np.int16)
CONSECUTIVE = np.arange(2, 9)
SCATTERED = np.array([0, 3, 4, 9])


@pytest.mark.parametrize("block_windows", [1, 3, 100])
@pytest.mark.parametrize("rows", [CONSECUTIVE, SCATTERED, SCATTERED[:0]], ids=len)
@pytest.mark.parametrize("scale", [0.1, 0.125])
@pytest.mark.parametrize("is_changed", [False, True])
def test_integers_times_the_scale_are_microvolts_in_blocks_of_any_size(
    monkeypatch, block_windows, rows, scale, is_changed
):
    monkeypatch.setattr(window_copies, "BLOCK_BYTES", block_windows * 4 * NUMBERS[0].size)
    numbers = NUMBERS.copy()
    batch = np.full((20, 3, 20), np.nan, np.float32)
    batch_rows = RNG.permutation(20)[: len(rows)]
    expected = batch.copy()
    expected[batch_rows] = numbers[rows] * np.float32(scale)
    change = None
    if is_changed:
        expected[batch_rows] += rows[:, None, None].astype(np.float32)

        def change(windows, positions):
            windows += positions[:, None, None].astype(np.float32)

    memory = block_memory(numbers.shape)
    copy_windows(numbers, [Destination(rows, batch_rows, batch)], scale, change, memory)
    np.testing.assert_array_equal(batch, expected)
    np.testing.assert_array_equal(numbers, NUMBERS)


def test_a_batch_of_integers_gets_the_numbers_as_they_are_stored():
    batch = np.zeros((4, 3, 20), np.int16)
    rows = np.array([3, 1, 0, 2])
    copy_windows(NUMBERS, [Destination(SCATTERED, rows, batch)], 0.125)
    np.testing.assert_array_equal(batch[rows], NUMBERS[SCATTERED])


def test_windows_that_cannot_be_written_to_are_changed_in_a_copy():
    values = NUMBERS.astype(np.float32)
    values.flags.writeable = False
    batch = np.empty((4, 3, 20), np.float32)
    copy_windows(
        values, [Destination(SCATTERED, np.arange(4), batch)], change=lambda x, _: x.fill(7)
    )
    copy_windows(
        values, [Destination(CONSECUTIVE[:2], np.arange(2), batch)], change=lambda x, _: x.fill(8)
    )
    assert (batch[:2] == 8).all()
    assert (batch[2:] == 7).all()
    np.testing.assert_array_equal(values, NUMBERS)


@pytest.mark.parametrize(("shape", "n_windows"), [((41, 24, 256), 41), ((2, 129, 4000), 1)])
def test_a_block_has_at_most_the_bytes_of_the_cache_and_at_least_one_window(shape, n_windows):
    assert block_memory(shape).shape == (n_windows, *shape[1:])
