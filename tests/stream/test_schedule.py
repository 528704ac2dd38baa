from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.stream.schedule import max_pending_batches, reads_to_start, schedule_reads


@given(
    st.lists(st.integers(0, 12), max_size=60), st.lists(st.integers(1, 7), min_size=1, max_size=60)
)
def test_a_step_waits_for_the_chunks_it_needs_and_no_others(chunks, sizes):
    chunks = np.array(chunks, np.int64)
    ends = np.minimum(np.r_[0, np.cumsum(sizes)], len(chunks))
    bounds = np.r_[ends, len(chunks)]
    plan = schedule_reads(chunks, np.arange(len(chunks)), bounds)
    assert sorted(plan.reads) == sorted(set(chunks.tolist()))
    for step, (start, stop) in enumerate(pairwise(bounds.tolist())):
        needed = plan.reads[: plan.reads_needed[step]]
        assert set(needed.tolist()) == set(chunks[:stop].tolist())
        is_step = plan.step == step
        assert sorted(plan.position[is_step].tolist()) == list(range(start, stop))
        assert sorted(plan.row[is_step].tolist()) == list(range(stop - start))
    for read, (start, stop) in enumerate(pairwise(plan.bounds.tolist())):
        assert set(chunks[plan.position[start:stop]].tolist()) == {int(plan.reads[read])}


@given(
    st.integers(1, 400),
    st.integers(1, 12),
    st.integers(1, 30),
    st.integers(0, 60),
    st.integers(0, 99),
)
def test_no_more_batches_are_pending_than_memory_is_reserved_for(
    n_windows, per_chunk, batch_size, windows_ahead, seed
):
    windows = np.random.default_rng(seed).permutation(n_windows)
    bounds = np.minimum(np.arange(0, n_windows + batch_size, batch_size), n_windows)
    plan = schedule_reads(windows // per_chunk, windows % per_chunk, bounds)
    started = reads_to_start(plan, bounds, windows_ahead)
    assert (started >= plan.reads_needed).all()
    max_pending = 0
    for step, n_reads in enumerate(started):
        filled_steps = set(plan.step[: plan.bounds[n_reads]].tolist())
        max_pending = max(max_pending, sum(other >= step for other in filled_steps))
    assert max_pending <= max_pending_batches(plan, started)


def test_an_epoch_without_windows_has_no_read():
    empty = np.zeros(0, np.int64)
    plan = schedule_reads(empty, empty, np.zeros(1, np.int64))
    assert len(plan.reads) == 0
    assert max_pending_batches(plan, empty) == 1
