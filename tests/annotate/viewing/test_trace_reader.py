"""Blocks of traces, and the segments between jumps in time."""

from __future__ import annotations

import numpy as np
import pytest
from array_signals import KEY, ArraySignals

from bids_dl.annotate.viewing import trace_reader
from bids_dl.annotate.viewing.montages import make_montage
from bids_dl.annotate.viewing.trace_reader import TraceReader


def make_reader(n_times=1000, *, boundaries=()):
    samples = np.arange(2.0 * n_times).reshape(2, n_times)
    signals = ArraySignals(samples, 100.0, boundaries=boundaries)
    header = signals.header(KEY)
    return TraceReader(signals, KEY, header, make_montage(header.channels, "recorded"))


@pytest.mark.parametrize("multiple", [1, 7, 64, 500])
@pytest.mark.parametrize(("start", "stop"), [(0, 1000), (13, 14), (13, 998)])
def test_blocks_cover_an_interval_and_begin_at_multiples(monkeypatch, multiple, start, stop):
    monkeypatch.setattr(trace_reader, "BLOCK_VALUES", 200)
    blocks = list(make_reader().blocks(start, stop, multiple=multiple))
    starts = [first for first, _ in blocks]
    assert starts[0] == start
    assert all(first % multiple == 0 for first in starts[1:])
    joined = np.concatenate([traces for _, traces in blocks], axis=1)
    np.testing.assert_array_equal(joined[0], np.arange(start, stop))


def test_an_infinite_sample_is_one_that_is_missing():
    samples = np.ones((3, 100))
    samples[0, 7], samples[1, 8] = np.inf, -np.inf
    signals = ArraySignals(samples, 100.0)
    header = signals.header(KEY)
    reader = TraceReader(signals, KEY, header, make_montage(header.channels, "average"))
    [(_, traces)] = reader.blocks(0, 100)
    assert not np.isinf(traces).any()
    assert np.isnan(traces[0, 7])
    assert not np.isnan(traces[:, 9:]).any()


def test_an_interval_is_divided_where_time_jumps():
    reader = make_reader(boundaries=[2.0, 5.0])
    assert reader.segments(-50, 2000) == [(0, 200), (200, 500), (500, 1000)]
    assert reader.segments(200, 500) == [(200, 500)]
    assert reader.segments(199, 501) == [(199, 200), (200, 500), (500, 501)]
    assert reader.segments(1000, 1100) == []
