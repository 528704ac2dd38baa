from __future__ import annotations

import copy
import json
import pickle
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import SMALL, all_rows, batch_rows

from bids_dl.errors import ConfigError
from bids_dl.stream import StreamingDataset


def make_stream(store, rank=0, world_size=1, **options) -> StreamingDataset:
    defaults = {"batch_size": 4, "pool_bytes": 2000}
    return StreamingDataset(store, **defaults | options, rank=rank, world_size=world_size)


def state_after(store, steps: int, epoch: int = 0) -> dict:
    """Return the state of a stream with one rank after some steps of an epoch."""
    return make_stream(store).state_dict() | {"epoch": epoch, "progress": [[1, 4, steps]]}


@pytest.mark.parametrize("steps", [0, 1, 5, 17, 18])
def test_a_resumed_loop_continues_with_the_next_batch(store, steps):
    expected = batch_rows(make_stream(store))
    stream = make_stream(store)
    loop = iter(stream)
    assert batch_rows(islice(loop, steps)) == expected[:steps]
    state = json.loads(json.dumps(stream.state_dict()))
    resumed = make_stream(store, seed=9)  # the state brings its own seed
    resumed.load_state_dict(state)
    assert batch_rows(resumed) == expected[steps:]


def test_a_loop_resumed_twice_delivers_the_same_batches_as_an_uninterrupted_one(store):
    stream = make_stream(store)
    rows = []
    for steps in (3, 4, 100):
        rows += batch_rows(islice(stream, steps))
        state = stream.state_dict()
        stream = make_stream(store)
        stream.load_state_dict(state)
    assert rows == batch_rows(make_stream(store))


phase_sizes = st.tuples(st.integers(1, 4), st.sampled_from([2, 4, 7]), st.integers(0, 6))


@settings(max_examples=25)
@given(st.lists(phase_sizes, min_size=1, max_size=4), st.booleans())
def test_an_epoch_resumed_with_other_world_sizes_loses_and_repeats_no_window(
    store, phases, shuffle
):
    state = None
    rows = []
    for world_size, batch_size, steps in [*phases, (2, 5, None)]:
        streams = [
            make_stream(store, rank, world_size, batch_size=batch_size, shuffle=shuffle)
            for rank in range(world_size)
        ]
        states = []
        for stream in streams:
            if state is not None:
                stream.load_state_dict(state)
        for stream in streams:
            rows += all_rows(islice(stream, steps))
            states.append(stream.state_dict())
        assert all(other == states[0] for other in states)
        state = states[0]
    assert sorted(rows) == list(range(SMALL.n_windows))


def test_the_state_lists_world_size_batch_size_and_steps_of_each_phase(store):
    stream = make_stream(store, 0, 2, seed=3)
    stream.set_epoch(5)
    loop = iter(stream)
    next(loop)
    next(loop)
    state = stream.state_dict()
    assert (state["seed"], state["epoch"], state["progress"]) == (3, 5, [[2, 4, 2]])
    resumed = make_stream(store, 0, 3)
    resumed.load_state_dict(state)
    loop = iter(resumed)
    next(loop)
    assert resumed.state_dict()["progress"] == [[2, 4, 2], [3, 4, 1]]
    assert resumed.epoch == 5


def test_setting_the_same_epoch_keeps_a_loaded_state_and_another_drops_it(store):
    same_epoch = make_stream(store)
    next_epoch = make_stream(store)
    for stream, epoch in ((same_epoch, 2), (next_epoch, 3)):
        stream.load_state_dict(state_after(store, 6, epoch=2))
        stream.set_epoch(epoch)
    assert len(list(same_epoch)) == 12
    assert len(list(next_epoch)) == 18


def test_the_loop_after_a_resumed_one_is_a_whole_epoch(store):
    stream = make_stream(store)
    stream.load_state_dict(state_after(store, 6))
    assert len(list(stream)) == 12
    assert stream.state_dict()["progress"] == [[1, 4, 18]]
    assert batch_rows(stream) == batch_rows(make_stream(store))


def test_a_finished_epoch_has_nothing_left(store):
    stream = make_stream(store)
    list(stream)
    resumed = make_stream(store)
    resumed.load_state_dict(stream.state_dict())
    assert list(resumed) == []
    resumed.set_epoch(1)
    assert len(list(resumed)) == 18


def test_a_later_epoch_that_is_set_before_a_finished_one_is_loaded_follows_it(store):
    stream = make_stream(store)
    stream.set_epoch(1)
    stream.load_state_dict(state_after(store, 18))
    assert list(stream) == []
    assert stream.epoch == 1


def test_the_step_can_be_given_and_must_be_in_the_loop(store):
    stream = make_stream(store)
    iter(stream)
    assert stream.state_dict(step=7)["progress"] == [[1, 4, 7]]
    with pytest.raises(ConfigError, match="step 19 is not in the loop: it has 18 steps"):
        stream.state_dict(step=19)


def test_a_step_counts_from_where_the_loop_was_resumed(store):
    stream = make_stream(store)
    stream.load_state_dict(state_after(store, 6))
    next(iter(stream))
    assert stream.state_dict() == stream.state_dict(step=1)
    assert stream.state_dict()["progress"] == [[1, 4, 7]]


def test_a_state_of_the_commit_before_is_loaded(store):
    stream = make_stream(store)
    list(islice(stream, 3))
    state = {"seed": 0, "epoch": 0, "progress": [[1, 4, 3]], "selection": 4245091690}
    assert stream.state_dict() == state
    resumed = make_stream(store)
    resumed.load_state_dict(state)
    assert len(list(resumed)) == 15


@pytest.mark.parametrize(
    "options",
    [{"split": "train"}, {"shuffle": False}, {"drop_last": True}, {"where": {"row": (0, 50)}}],
)
def test_a_state_of_another_selection_or_order_is_refused(store, options):
    state = make_stream(store).state_dict()
    with pytest.raises(ConfigError, match="belongs to other windows or another order"):
        make_stream(store, **options).load_state_dict(state)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"seed": 0, "epoch": 0, "progress": [3], "selection": 0},
        {"seed": 0, "epoch": 0, "progress": [[0, 4, 1]], "selection": 0},
        {"seed": 0, "epoch": -1, "progress": [], "selection": 0},
        {"seed": 2**63, "epoch": 0, "progress": [], "selection": 0},
    ],
)
def test_a_mapping_that_is_not_a_state_is_refused(store, state):
    with pytest.raises(ConfigError, match=r"not a state of a StreamingDataset; pass what state_di"):
        make_stream(store).load_state_dict(state)


def test_an_epoch_resumed_too_often_with_other_sizes_is_refused(store):
    progress = [[1 + i % 2, 1, 1] for i in range(65)]
    state = state_after(store, 0) | {"progress": progress}
    with pytest.raises(ConfigError, match="another world or batch size 65 times, over 64"):
        make_stream(store).load_state_dict(state)


def pickled(stream: StreamingDataset) -> StreamingDataset:
    return pickle.loads(pickle.dumps(stream))


@pytest.mark.parametrize("copy_stream", [copy.deepcopy, pickled])
def test_a_copy_starts_where_the_original_would_and_is_then_independent(store, copy_stream):
    stream = make_stream(store)
    stream.load_state_dict(state_after(store, 6))
    other = copy_stream(stream)
    other.set_epoch(1)
    assert len(list(stream)) == 12
    assert len(list(other)) == 18
    assert stream.epoch == 0
