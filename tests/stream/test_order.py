from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.stream.order import Order, Phase, last_sizes, left_after, n_steps, steps_of

worlds, batch_sizes = st.integers(1, 8), st.integers(1, 12)


@st.composite
def orders(draw, *, drop_last=None):
    n_windows, per_chunk = draw(st.integers(1, 300)), draw(st.integers(1, 20))
    taken = np.flatnonzero(
        np.random.default_rng(draw(st.integers(0, 99))).random(n_windows)
        < draw(st.sampled_from([1.0, 0.5, 0.05]))
    )
    return Order(
        chunks=taken // per_chunk,
        pool=draw(st.integers(1, 30)),
        seed=draw(st.integers(0, 2**40)),
        epoch=draw(st.integers(0, 5)),
        shuffle=draw(st.booleans()),
        drop_last=draw(st.booleans()) if drop_last is None else drop_last,
    )


def split(steps):
    return (
        np.split(steps.windows[: steps.bounds[-1]], steps.bounds[1:-1])
        if len(steps.bounds) > 1
        else []
    )


@settings(deadline=None)
@given(orders(drop_last=False), worlds, batch_sizes)
def test_every_window_comes_exactly_once_in_equal_steps(order, world, batch_size):
    ranks = [split(steps_of(order, (), world, batch_size, rank)) for rank in range(world)]
    assert {len(batches) for batches in ranks} == {-(-len(order.chunks) // (world * batch_size))}
    windows = [w for batches in ranks for batch in batches for w in batch]
    assert sorted(windows) == list(range(len(order.chunks)))


@settings(deadline=None)
@given(orders(drop_last=False), worlds, batch_sizes)
def test_all_batches_are_full_but_those_of_the_last_two_steps_which_differ_by_one_at_most(
    order, world, batch_size
):
    sizes = np.array(
        [np.diff(steps_of(order, (), world, batch_size, rank).bounds) for rank in range(world)]
    )
    assert (sizes[:, :-2] == batch_size).all()
    if sizes.size:
        assert sizes[:, -2:].max() - sizes[:, -2:].min() <= 1
        assert np.ptp(sizes.sum(axis=1)) <= 1


@settings(deadline=None)
@given(orders(drop_last=True), worlds, batch_sizes)
def test_with_drop_last_all_batches_are_full_and_only_the_tail_is_missing(order, world, batch_size):
    ranks = [split(steps_of(order, (), world, batch_size, rank)) for rank in range(world)]
    windows = [w for batches in ranks for batch in batches for w in batch]
    assert all(len(batch) == batch_size for batches in ranks for batch in batches)
    assert len(windows) == len(set(windows)) > len(order.chunks) - world * batch_size


@settings(deadline=None)
@given(orders(), worlds, batch_sizes, st.data())
def test_an_epoch_resumed_twice_with_other_worlds_loses_and_repeats_nothing(
    order, world, batch_size, data
):
    phases, handed_out = (), []
    for last in (False, False, True):
        all_steps = [
            split(steps_of(order, phases, world, batch_size, rank)) for rank in range(world)
        ]
        made = len(all_steps[0]) if last else data.draw(st.integers(0, len(all_steps[0])))
        handed_out += [w for batches in all_steps for batch in batches[:made] for w in batch]
        phases = (*phases, Phase(world, batch_size, made)) if made else phases
        assert left_after(len(order.chunks), phases, drop_last=order.drop_last) == len(
            order.chunks
        ) - len(handed_out)
        if not last:
            world, batch_size = data.draw(worlds), data.draw(batch_sizes)
    assert len(handed_out) == len(set(handed_out))
    assert order.drop_last or len(handed_out) == len(order.chunks)
    assert len(handed_out) > len(order.chunks) - world * batch_size


@settings(deadline=None)
@given(orders(), worlds, batch_sizes, st.integers(1, 4), st.data())
def test_workers_share_the_steps_of_their_rank_in_turn(order, world, batch_size, n_workers, data):
    steps = steps_of(order, (), world, batch_size, world - 1)
    start = data.draw(st.integers(0, max(0, len(steps.bounds) - 1)))
    shares = [split(steps.every(n_workers, start=start + worker)) for worker in range(n_workers)]
    in_turn = [shares[i % n_workers][i // n_workers].tolist() for i in range(sum(map(len, shares)))]
    assert in_turn == [batch.tolist() for batch in split(steps)[start:]]


@settings(deadline=None)
@given(orders(), worlds, batch_sizes)
def test_the_order_is_a_pure_function_of_its_arguments(order, world, batch_size):
    first, second = (steps_of(order, (), world, batch_size, 0) for _ in range(2))
    np.testing.assert_array_equal(first.windows, second.windows)


def an_order(**changes):
    return Order(
        **{
            "chunks": np.arange(4000) // 20,
            "pool": 50,
            "seed": 0,
            "epoch": 0,
            "shuffle": True,
            "drop_last": False,
        }
        | changes
    )


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_seed_and_epoch_change_the_order(change):
    one, other = (
        steps_of(order, (), 2, 64, 0).windows for order in (an_order(), an_order(**change))
    )
    assert not np.array_equal(
        np.sort(one), np.sort(other)
    )  # not only within the rank: the rank has other windows


def test_without_shuffling_windows_come_in_the_order_of_the_store():
    ranks = [steps_of(an_order(shuffle=False), (), 3, 64, rank).windows for rank in range(3)]
    np.testing.assert_array_equal(np.concatenate(ranks), np.arange(4000))


def test_a_rank_reads_its_own_chunks_and_at_most_two_more():
    chunks = an_order().chunks
    ranks = [steps_of(an_order(), (), 8, 64, rank).windows for rank in range(8)]
    assert sum(len(np.unique(chunks[windows])) for windows in ranks) <= 200 + 2 * 8


def test_each_batch_mixes_the_chunks_of_a_whole_pool():
    order = an_order(chunks=np.arange(40_000) // 20, pool=192)  # 100 people of 400 windows
    people = [len(np.unique(batch // 400)) for batch in split(steps_of(order, (), 1, 64, 0))]
    assert min(people[:-1]) > 30
    assert np.mean(people) > 40


@settings(deadline=None)
@given(st.integers(0, 10_000), worlds, batch_sizes, st.booleans())
def test_sizes_add_up(n_windows, world, batch_size, drop_last):
    steps, last = (
        f(n_windows, world, batch_size, drop_last=drop_last) for f in (n_steps, last_sizes)
    )
    total = (steps - len(last)) * world * batch_size + last.sum()
    assert total == (steps * world * batch_size if drop_last else n_windows)
