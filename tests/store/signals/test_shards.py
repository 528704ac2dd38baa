"""Windows are regrouped into shards."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.store.signals.shards import regroup


@given(lengths=st.lists(st.integers(0, 30), max_size=12), size=st.integers(1, 20))
def test_regrouped_windows_are_the_same_in_batches_of_one_size(lengths, size):
    windows = np.arange(sum(lengths))
    batches = np.split(windows, np.cumsum(lengths)[:-1]) if lengths else []
    regrouped = list(regroup(iter(batches), size))
    assert all(len(batch) == size for batch in regrouped[:-1])
    assert all(0 < len(batch) <= size for batch in regrouped)
    assert [int(window) for batch in regrouped for window in batch] == windows.tolist()
