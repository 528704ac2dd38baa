from __future__ import annotations

import copy
import json
import pickle
from itertools import islice

import pytest
import small_store
from hypothesis import given, settings
from hypothesis import strategies as st
from small_store import SmallStore

from bids_dl.errors import ConfigError
from bids_dl.stream import StreamingDataset

N_WINDOWS = SmallStore().n_windows


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("resume") / "small.zarr"
    small_store.write(path, SmallStore())
    return str(path)


def stream_of(store, rank=0, world=1, **options) -> StreamingDataset:
    return StreamingDataset(
        store, **{"batch_size": 4, "pool_bytes": 2000} | options, rank=rank, world_size=world
    )


def rows(batches) -> list[list[int]]:
    return [batch.index.tolist() for batch in batches]


def flat(batches) -> list[int]:
    return [row for batch in batches for row in batch]


@pytest.mark.parametrize("made", [0, 1, 5, 17, 18])
def test_a_resumed_loop_goes_on_with_the_same_next_batch(store, made):
    whole = rows(stream_of(store))
    first = stream_of(store)
    loop = iter(first)
    assert rows(islice(loop, made)) == whole[:made]
    state = json.loads(json.dumps(first.state_dict()))
    second = stream_of(store, seed=9)  # the state brings its own seed
    second.load_state_dict(state)
    assert rows(second) == whole[made:]


def test_a_loop_resumed_twice_goes_on_as_if_nothing_had_happened(store):
    whole, stream, seen = rows(stream_of(store)), stream_of(store), []
    for made in (3, 4, 100):
        seen += rows(islice(stream, made))
        state, stream = stream.state_dict(), stream_of(store)
        stream.load_state_dict(state)
    assert seen == whole


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([2, 4, 7]), st.integers(0, 6)),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_an_epoch_resumed_with_other_worlds_loses_and_repeats_nothing(store, phases, shuffle):
    state, seen = None, []
    for world, batch_size, made in [*phases, (2, 5, None)]:
        streams = [
            stream_of(store, rank, world, batch_size=batch_size, shuffle=shuffle)
            for rank in range(world)
        ]
        for stream in streams if state else []:
            stream.load_state_dict(state)
        loops = [iter(stream) for stream in streams]
        seen += [row for loop in loops for row in flat(rows(islice(loop, made)))]
        states = [stream.state_dict() for stream in streams]
        assert all(other == states[0] for other in states)
        state = states[0]
    assert sorted(seen) == list(range(N_WINDOWS))


def test_the_state_lists_world_batch_size_and_steps_of_each_phase(store):
    stream = stream_of(store, 0, 2, seed=3)
    stream.set_epoch(5)
    loop = iter(stream)
    next(loop), next(loop)
    state = stream.state_dict()
    assert (state["seed"], state["epoch"], state["progress"]) == (3, 5, [[2, 4, 2]])
    other = stream_of(store, 0, 3)
    other.load_state_dict(state)
    loop = iter(other)
    next(loop)
    assert other.state_dict()["progress"] == [[2, 4, 2], [3, 4, 1]]
    assert other.epoch == 5


def test_setting_the_same_epoch_keeps_the_position_and_another_one_forgets_it(store):
    state = {**stream_of(store).state_dict(), "epoch": 2, "progress": [[1, 4, 6]]}
    same, next_one = stream_of(store), stream_of(store)
    for stream, epoch in ((same, 2), (next_one, 3)):
        stream.load_state_dict(state)
        stream.set_epoch(epoch)
    assert len(list(same)) == 12
    assert len(list(next_one)) == 18


def test_the_loop_after_a_resumed_one_is_a_whole_epoch(store):
    stream = stream_of(store)
    stream.load_state_dict({**stream.state_dict(), "progress": [[1, 4, 6]]})
    assert len(list(stream)) == 12
    assert stream.state_dict()["progress"] == [[1, 4, 18]]
    assert rows(stream) == rows(stream_of(store))


def test_an_epoch_that_was_finished_has_nothing_left(store):
    stream = stream_of(store)
    list(stream)
    state = stream.state_dict()
    later = stream_of(store)
    later.load_state_dict(state)
    assert list(later) == []
    later.set_epoch(1)
    assert len(list(later)) == 18


def test_the_step_can_be_given(store):
    stream = stream_of(store)
    iter(stream)
    assert stream.state_dict(step=7)["progress"] == [[1, 4, 7]]
    with pytest.raises(ConfigError, match="step 19 is not in the loop: it has 18 steps"):
        stream.state_dict(step=19)


def test_a_step_counts_from_where_the_loop_was_resumed(store):
    stream = stream_of(store)
    stream.load_state_dict({**stream.state_dict(), "progress": [[1, 4, 6]]})
    next(iter(stream))
    assert stream.state_dict() == stream.state_dict(step=1)
    assert stream.state_dict()["progress"] == [[1, 4, 7]]


@pytest.mark.parametrize(
    "options",
    [{"split": "train"}, {"shuffle": False}, {"drop_last": True}, {"where": {"row": (0, 50)}}],
)
def test_a_state_of_another_selection_or_order_is_refused(store, options):
    with pytest.raises(ConfigError, match="belongs to other windows or another order"):
        stream_of(store, **options).load_state_dict(stream_of(store).state_dict())


@pytest.mark.parametrize("state", [{}, {"seed": 0, "epoch": 0, "progress": [3], "selection": 0}])
def test_what_is_no_state_is_refused(store, state):
    with pytest.raises(ConfigError, match="no state of a StreamingDataset"):
        stream_of(store).load_state_dict(state)


@pytest.mark.parametrize(
    "clone",
    [copy.deepcopy, lambda stream: pickle.loads(pickle.dumps(stream))],
    ids=["deepcopy", "pickle"],
)
def test_a_copy_starts_where_the_original_would_and_goes_its_own_way(store, clone):
    stream = stream_of(store)
    stream.load_state_dict({**stream.state_dict(), "progress": [[1, 4, 6]]})
    other = clone(stream)
    other.set_epoch(1)
    assert len(list(stream)) == 12
    assert len(list(other)) == 18
    assert stream.epoch == 0
