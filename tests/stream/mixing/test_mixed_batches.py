"""Memory of mixtures stays bounded, and parts hold the windows of their group."""

from __future__ import annotations

import numpy as np
import pytest

from bids_dl.stream import StreamingDataset
from bids_dl.stream.assembler import Assembler
from bids_dl.stream.mixing.mixed_batches import part_shapes, part_steps
from bids_dl.stream.mixing.mixture import Mixture, StoreGroup
from bids_dl.stream.order import Steps
from bids_dl.stream.read_policy import ReadPolicy


def test_each_step_is_divided_by_group_and_remembers_the_places():
    groups = tuple(StoreGroup((i,), (2 + i, 10), None, None, None) for i in range(2))
    mixture = Mixture(np.array([0, 1, 0]), groups, np.array([0, 10, 20, 30]), (3, 10), 1.0, None)
    steps = Steps(np.array([25, 3, 12, 5, 11, 19, 0]), np.array([0, 4, 4, 7]))
    parts = part_steps(steps, mixture, np.arange(30))
    assert parts.steps.windows.tolist() == [25, 3, 5, 12, 0, 11, 19]
    assert parts.steps.bounds.tolist() == [0, 3, 4, 4, 4, 5, 7]
    assert parts.places.tolist() == [0, 1, 3, 2, 2, 0, 1]
    assert part_shapes(parts, mixture, max_batch=4) == [(4, 2, 10), (4, 3, 10)]
    assert part_shapes(parts, mixture, max_batch=64) == [(8, 2, 10), (8, 3, 10)]


@pytest.mark.parametrize("reads_inline", [True, False])
def test_memory_for_pending_parts_stays_within_the_documented_bound(
    stores, monkeypatch, reads_inline
):
    start_reads = Assembler._start
    pending_bytes = []

    def start(self, max_end, max_reads):
        reads = start_reads(self, max_end, max_reads)
        buffers = self._pending.values()
        pending_bytes.append(sum(buffer.signals.nbytes for buffer in buffers))
        return reads

    monkeypatch.setattr(Assembler, "_start", start)
    monkeypatch.setattr(ReadPolicy, "read_inline", reads_inline)
    pool_bytes = 800_000
    stream = StreamingDataset(
        stores, montage="any", sfreq=128, batch_size=16, pool_bytes=pool_bytes, threads=1
    )
    list(stream)
    assert max(pending_bytes) <= 2 * 3 * pool_bytes
