from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from people_store import window_table, write_store

from bids_dl.errors import ConfigError
from bids_dl.pretraining.pair_stream import PairStream
from bids_dl.pretraining.pairs import NEAR, Distances, find_recordings
from bids_dl.store import open_store
from bids_dl.stream import WindowDataset
from bids_dl.stream.normalize import make_normalizer

WINDOW_BYTES = 4 * 3 * 64
N_PERSONS = 5
POOLS = [1, 40 * WINDOW_BYTES, 10**9]  # one recording, two, all


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(write_store(tmp_path_factory.mktemp("pairs") / "s.zarr", window_table(5)))


@pytest.fixture(params=POOLS)
def make_stream(store, request):
    """Return a function that makes streams with one size of pools."""
    recordings = find_recordings(store.table, np.arange(len(store)), Distances(1.0, 2.0, 6.0))

    def make(**options):
        settings = {"batch_size": 7, "seed": 3, "pool_bytes": request.param, "normalizer": None}
        return PairStream(store, recordings, **settings | options)

    return make


def assert_same(first, second) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(*tensors) for tensors in zip(one, other, strict=True))


def test_an_epoch_has_each_pair_once_in_batches_of_the_same_size(make_stream):
    stream = make_stream()
    batches = list(stream)
    assert stream.n_pairs == N_PERSONS * 16
    assert len(batches) == len(stream) == 12
    assert {len(batch.index) for batch in batches} == {6, 7}
    index = torch.cat([batch.index for batch in batches])
    assert sorted(index.tolist()) == list(range(stream.n_pairs))
    target = torch.cat([batch.target for batch in batches])
    assert (target == NEAR).sum() == stream.n_pairs // 2
    assert batches[0].signals.shape[1:] == (2, 3, 64)


def test_the_pairs_of_an_epoch_depend_on_seed_and_epoch_only(make_stream):
    def in_order(stream, epoch):
        stream.set_epoch(epoch)
        batches = list(stream)
        order = torch.argsort(torch.cat([batch.index for batch in batches]))
        return torch.cat([batch.signals for batch in batches])[order]

    first = in_order(make_stream(), 1)
    assert torch.equal(first, in_order(make_stream(), 1))
    assert torch.equal(first, in_order(make_stream(pool_bytes=POOLS[2], batch_size=64), 1))
    assert not torch.equal(first, in_order(make_stream(), 2))
    assert not torch.equal(first, in_order(make_stream(seed=4), 1))


def test_windows_of_a_pair_are_those_of_the_store_normalized(store, make_stream):
    normalizer = make_normalizer([store], store.table, "recording")
    stream = make_stream(normalizer=normalizer, shuffle=False)
    expected = WindowDataset(store, normalize="recording")
    drawn = []
    for number, recording in enumerate(stream.recordings):
        pairs, target = recording.draw(np.random.default_rng([3, 1, 0, number]))
        drawn += list(zip(pairs.tolist(), target.tolist(), strict=True))
    signals = torch.cat([batch.signals for batch in stream])
    for pair, ((first, second), _) in zip(signals, drawn, strict=True):
        torch.testing.assert_close(pair[0], expected[first].signals)
        torch.testing.assert_close(pair[1], expected[second].signals)
    assert torch.cat([b.target for b in stream]).tolist() == [target for _, target in drawn]


@pytest.mark.parametrize("step", [0, 1, 5, 11, 12])
def test_a_stream_resumes_at_the_next_batch(make_stream, step):
    stream = make_stream()
    stream.set_epoch(2)
    batches = list(stream)
    state = json.loads(json.dumps(stream.state_dict(step)))
    resumed = make_stream()
    resumed.set_epoch(2)
    resumed.load_state_dict(state)
    assert_same(list(resumed), batches[step:])
    assert resumed.state_dict(1)["step"] == step + 1
    resumed.set_epoch(3)
    assert len(list(resumed)) == len(stream)


def test_a_state_of_other_pairs_is_refused(make_stream):
    stream = make_stream()
    with pytest.raises(ConfigError, match=r"of 10 pairs, this one has 80; use the same store"):
        stream.load_state_dict({"epoch": 0, "step": 1, "n_pairs": 10})


def test_each_recording_is_read_once_in_pools_of_limited_size(make_stream):
    stream = make_stream()
    pools = stream._plan_pools(0)
    assert sorted(number for pool in pools for number in pool) == list(range(N_PERSONS))
    recordings_per_pool = {POOLS[0]: 1, POOLS[1]: 2, POOLS[2]: 5}[stream.pool_bytes]
    assert max(map(len, pools)) == recordings_per_pool


def test_persons_are_listed_by_pair(make_stream):
    persons = make_stream().persons()
    assert len(persons) == 80
    assert persons[0] == ("ds1", "00")
    assert persons[-1] == ("ds1", "04")


def test_a_loop_that_is_left_early_leaves_no_thread_behind(make_stream):
    import threading

    batches = iter(make_stream())
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pairs")]
