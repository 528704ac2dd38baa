"""Shares of stores in an epoch are exact, and their windows come equally often."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from itertools import islice

import montage_stores
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from montage_stores import MontageStore
from streams import all_rows, batch_rows
from torch.utils.data import DataLoader

from bids_dl.errors import ConfigError, NoMatchError
from bids_dl.stream import StreamingDataset
from bids_dl.stream.mixing.weights import WeightedDraw, share_windows

SIZES = (30, 18)


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[str]:
    """Two stores of the same channels, of 30 and 18 windows."""
    folder = tmp_path_factory.mktemp("pair")
    contents = [MontageStore(3, n_windows=size, seed=size) for size in SIZES]
    return [montage_stores.write(folder / f"{c.seed}.zarr", c) for c in contents]


def make_stream(pair, **options) -> StreamingDataset:
    defaults = {"weights": [1, 3], "batch_size": 4, "pool_bytes": 30_000}
    return StreamingDataset(pair, **defaults | options)


def counts_by_store(rows) -> list[list[int]]:
    """Return how often each window of each store was delivered."""
    counts = np.bincount(rows, minlength=sum(SIZES))
    return [counts[: SIZES[0]].tolist(), counts[SIZES[0] :].tolist()]


@given(st.integers(1, 30), st.integers(1, 70), st.integers(1, 6), st.integers(0, 2**40))
def test_windows_come_equally_often_in_each_epoch_and_over_all(size, count, per_chunk, seed):
    chunks = np.r_[np.arange(size) // per_chunk, 100, 100, 101]
    draw = WeightedDraw(np.array([0, size, size + 3]), np.array([count, 2]), chunks)
    total: Counter[int] = Counter(dict.fromkeys(range(size), 0))
    for epoch in range(12):
        windows, copies = draw.draw(seed, epoch)
        assert len(windows) == count + 2
        assert len({*zip(windows.tolist(), copies.tolist(), strict=True)}) == count + 2
        assert set(windows[count:]) <= set(range(size, size + 3))
        in_epoch = Counter(dict.fromkeys(range(size), 0))
        in_epoch.update(windows[:count].tolist())
        total.update(windows[:count].tolist())
        for counts in (in_epoch, total):
            assert max(counts.values()) - min(counts.values()) <= 1


def test_an_epoch_of_half_a_store_is_another_half_each_time():
    chunks = np.arange(40) // 2
    draw = WeightedDraw(np.array([0, 40, 41]), np.array([20, 1]), np.r_[chunks, 99])
    halves = [frozenset(draw.draw(0, epoch).windows[:20].tolist()) for epoch in range(8)]
    assert len(set(halves)) == 8
    assert all(not first & second for first, second in zip(halves[::2], halves[1::2], strict=True))


def test_a_small_share_takes_whole_chunks():
    chunks = np.arange(1000) // 20
    draw = WeightedDraw(np.array([0, 1000, 1001]), np.array([60, 1]), np.r_[chunks, 99])
    for epoch in range(5):
        assert len(set(chunks[draw.draw(0, epoch).windows[:60]])) <= 4


@pytest.mark.parametrize(
    ("shares", "n_windows", "counts"),
    [((3, 1), 48, [36, 12]), ((1, 1, 1), 10, [4, 3, 3]), ((1, 2), 1, [0, 1])],
)
def test_shares_are_divided_by_the_largest_remainder(shares, n_windows, counts):
    assert share_windows([Fraction(share) for share in shares], n_windows) == counts


def test_the_counts_of_an_epoch_are_exact_and_windows_have_their_own_signals(pair):
    signals = np.concatenate([MontageStore(3, n_windows=n, seed=n).signals for n in SIZES])
    stream = make_stream(pair)
    assert len(stream) == 12
    total = []
    for epoch in range(5):
        stream.set_epoch(epoch)
        batches = list(stream)
        for batch in batches:
            np.testing.assert_array_equal(batch.signals, signals[batch.index])
        counts = counts_by_store(all_rows(batches))
        assert [sum(store) for store in counts] == [12, 36]
        assert set(counts[1]) == {2}  # 36 of 18 windows
        total += all_rows(batches)
    assert set(counts_by_store(total)[0]) == {2}  # 60 of 30 windows


def test_epoch_windows_sets_the_size_of_an_epoch(pair):
    stream = make_stream(pair, weights=[3, 1], epoch_windows=100, batch_size=10)
    counts = counts_by_store(all_rows(stream))
    assert [sum(store) for store in counts] == [75, 25]
    assert set(counts[0]) == {2, 3}
    assert set(counts[1]) == {1, 2}
    assert "75, 25 windows of the stores per epoch" in repr(stream)
    assert len(stream) == 10


def test_ranks_share_the_windows_of_an_epoch(pair):
    for epoch in range(2):
        rows = []
        for rank in range(2):
            stream = make_stream(pair, rank=rank, world_size=2)
            stream.set_epoch(epoch)
            assert len(stream) == 6
            rows += all_rows(stream)
        assert [sum(store) for store in counts_by_store(rows)] == [12, 36]
        assert set(counts_by_store(rows)[1]) == {2}


phase_sizes = st.tuples(st.integers(1, 3), st.sampled_from([2, 5]), st.integers(0, 6))


@settings(max_examples=15)
@given(st.lists(phase_sizes, min_size=1, max_size=3), st.integers(0, 3))
def test_a_resumed_epoch_loses_and_repeats_nothing(pair, phases, epoch):
    whole = make_stream(pair)
    whole.set_epoch(epoch)
    state = whole.state_dict()
    rows = []
    for world_size, batch_size, steps in [*phases, (2, 4, None)]:
        states = []
        for rank in range(world_size):
            stream = make_stream(pair, rank=rank, world_size=world_size, batch_size=batch_size)
            stream.load_state_dict(json.loads(json.dumps(state)))
            rows += all_rows(islice(stream, steps))
            states.append(stream.state_dict())
        assert all(other == states[0] for other in states)
        state = states[0]
    assert sorted(rows) == sorted(all_rows(whole))


def test_a_state_of_other_weights_is_refused(pair):
    state = make_stream(pair).state_dict()
    for options in ({"weights": [3, 1]}, {"weights": None}, {"epoch_windows": 40}):
        with pytest.raises(ConfigError, match="belongs to other windows or another order"):
            make_stream(pair, **options).load_state_dict(state)
    make_stream(pair, weights=(2, 6.0)).load_state_dict(state)  # the same shares


def test_weights_work_in_workers_with_any_montage_and_large_windows(stores, contents):
    options = {"montage": "any", "sfreq": 128, "weights": [1, 1, 2], "batch_size": 8}
    batches = list(DataLoader(StreamingDataset(stores, **options), batch_size=None, num_workers=2))
    assert batch_rows(batches) == batch_rows(StreamingDataset(stores, **options))
    counts = np.bincount(all_rows(batches), minlength=98)
    assert [counts[:40].sum(), counts[40:73].sum(), counts[73:].sum()] == [25, 24, 49]
    assert set(counts[73:]) == {1, 2}
    for batch in batches:
        for window, row in zip(batch.signals, batch.index.tolist(), strict=True):
            if row >= 73:  # 129 channels at 128 Hz
                np.testing.assert_array_equal(window, contents[2].signals[row - 73])


def test_only_the_chunks_of_the_drawn_windows_are_read(pair):
    stream = make_stream(pair, weights=[1, 1], epoch_windows=8, batch_size=4)
    list(stream)
    assert stream.traffic.bytes_read < 6 * 4 * 3 * 64 * 4 * 1.1  # up to 6 chunks of 4 windows


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": [1]}, "weights must have one number per store, 2, got 1"),
        ({"weights": [1, 0]}, "weights must be positive numbers, got 0"),
        ({"weights": [1, -2.0]}, "weights must be positive numbers, got -2.0"),
        ({"weights": [1, float("nan")]}, "weights must be positive numbers, got nan"),
        ({"weights": [1, float("inf")]}, "weights must be positive numbers, got inf"),
        ({"weights": [1, 10**400]}, "weights must be positive numbers, got 1000"),
        ({"weights": [1, 2], "epoch_windows": 10**9}, "epoch_windows must be at most 100000000"),
        ({"weights": [1, "2"]}, "weights must be a list of positive numbers, one per store"),
        ({"weights": "31"}, "weights must be a list of positive numbers, one per store, got str"),
        ({"weights": 3}, "weights must be a list of positive numbers, one per store, got int 3"),
        ({"weights": [1, 1000]}, "has the weight 1 and would get none of 48 windows per epoch"),
        ({"shuffle": False}, "weights draw windows at random; use them with shuffle=True"),
        ({"weights": None, "epoch_windows": 5}, "epoch_windows needs weights="),
        ({"epoch_windows": 0}, "epoch_windows must be at least 1, got 0"),
    ],
)
def test_wrong_weights_are_refused(pair, options, message):
    with pytest.raises(ConfigError, match=message):
        make_stream(pair, **options)


def test_weights_of_one_store_or_of_a_store_without_windows_are_refused(pair):
    with pytest.raises(ConfigError, match="weights are shares of several stores; this stream has"):
        make_stream(pair[0], weights=[1])
    with pytest.raises(NoMatchError, match=r"18.zarr: no window of this store is selected"):
        make_stream(pair, where=lambda table: table.index < 30)
