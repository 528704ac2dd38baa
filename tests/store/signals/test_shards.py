"""Windows are regrouped into shards."""

from __future__ import annotations

from itertools import cycle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.store.signals.shards import regroup


@given(
    lengths=st.lists(st.integers(0, 30), max_size=12),
    size=st.integers(1, 20),
    n_buffers=st.integers(1, 3),
)
def test_regrouped_windows_are_the_same_in_batches_of_one_size(lengths, size, n_buffers):
    windows = np.arange(sum(lengths))
    batches = np.split(windows, np.cumsum(lengths)[:-1]) if lengths else []
    buffers = cycle([np.empty(size, int) for _ in range(n_buffers)])
    regrouped = [batch.copy() for batch in regroup(iter(batches), buffers)]
    assert all(len(batch) == size for batch in regrouped[:-1])
    assert all(0 < len(batch) <= size for batch in regrouped)
    assert [int(window) for batch in regrouped for window in batch] == windows.tolist()


def test_a_buffer_is_not_filled_again_before_as_many_others_are():
    buffers = cycle([np.empty(2, int), np.empty(2, int)])
    first, second = regroup(iter([np.arange(4)]), buffers)
    assert (first.tolist(), second.tolist()) == ([0, 1], [2, 3])
