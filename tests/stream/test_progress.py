"""Loops without end continue epoch after epoch, also from a state and in workers."""

from __future__ import annotations

import json
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import SMALL, all_rows, batch_rows
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from bids_dl.errors import ConfigError
from bids_dl.stream import StreamingDataset

STEPS = 18  # of an epoch of 70 windows


def make_stream(store, **options) -> StreamingDataset:
    defaults = {"batch_size": 4, "pool_bytes": 2000, "endless": True}
    return StreamingDataset(store, **defaults | options)


def epochs(store, count: int, **options) -> list[list[int]]:
    """Return the batches of the first epochs of a loop that ends."""
    stream = make_stream(store, endless=False, **options)
    rows = []
    for epoch in range(count):
        stream.set_epoch(epoch)
        rows += batch_rows(stream)
    return rows


def test_an_endless_loop_delivers_epoch_after_epoch(store):
    expected = epochs(store, 3)
    assert batch_rows(islice(make_stream(store), 3 * STEPS)) == expected
    stream = make_stream(store)
    stream.set_epoch(1)
    assert batch_rows(islice(stream, STEPS + 1)) == expected[STEPS : 2 * STEPS + 1]


@settings(max_examples=15)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=3))
def test_an_endless_loop_resumes_at_the_next_batch_of_any_epoch(store, parts):
    expected = epochs(store, 8)
    rows = []
    state = None
    for n_batches in [*parts, 5]:
        stream = make_stream(store)
        if state is not None:
            stream.load_state_dict(json.loads(json.dumps(state)))
        rows += batch_rows(islice(stream, n_batches))
        state = stream.state_dict()
    assert rows == expected[: len(rows)]


def test_ranks_of_an_endless_loop_have_equal_states_and_resume_with_another_world_size(store):
    streams = [make_stream(store, rank=rank, world_size=2) for rank in range(2)]
    seen = [all_rows(islice(stream, 12)) for stream in streams]  # 9 steps, then 3
    states = [stream.state_dict() for stream in streams]
    assert states[0] == states[1]
    assert (states[0]["epoch"], states[0]["progress"]) == (1, [[2, 4, 3]])
    resumed = make_stream(store, rank=0, world_size=1)
    resumed.load_state_dict(states[0])
    rest = all_rows(islice(resumed, 12))  # 46 windows of the epoch are left
    rows = sorted([*seen[0][35:], *seen[1][35:], *rest])
    assert rows == list(range(SMALL.n_windows))


@pytest.mark.parametrize("n_workers", [1, 2, 4])
def test_workers_deliver_the_batches_of_the_plain_loop(store, n_workers):
    stream = make_stream(store)
    loader = DataLoader(stream, batch_size=None, num_workers=n_workers)
    batches = batch_rows(islice(loader, 2 * STEPS + 5))
    assert batches == epochs(store, 3)[: 2 * STEPS + 5]
    state = stream.state_dict(step=STEPS + 2)
    assert (state["epoch"], state["progress"]) == (1, [[1, 4, 2]])
    resumed = make_stream(store)
    resumed.load_state_dict(state)
    assert batch_rows(islice(resumed, 3)) == batches[STEPS + 2 : STEPS + 5]


def test_a_stateful_loader_resumes_in_a_later_epoch(store):
    loader = StatefulDataLoader(make_stream(store), batch_size=None, num_workers=2)
    loop = iter(loader)
    batches = batch_rows(islice(loop, STEPS + 7))
    state = loader.state_dict()
    del loop
    resumed = StatefulDataLoader(make_stream(store), batch_size=None, num_workers=2)
    resumed.load_state_dict(state)
    batches += batch_rows(islice(resumed, 15))
    assert batches == epochs(store, 3)[: STEPS + 22]


def test_an_endless_stream_has_no_length(store):
    stream = make_stream(store)
    with pytest.raises(TypeError, match="an endless stream has no length; count the steps"):
        len(stream)
    assert "batches: 18 of up to 4 windows per epoch, endless" in repr(stream)


def test_an_endless_loop_over_epochs_without_a_full_batch_is_refused(store):
    stream = make_stream(store, batch_size=100, drop_last=True)
    with pytest.raises(ConfigError, match="epoch of 70 windows has no full batch of 100 on each"):
        next(iter(stream))


def test_endless_is_a_flag(store):
    with pytest.raises(TypeError, match="endless must be True or False, got int 3"):
        make_stream(store, endless=3)
