from __future__ import annotations

import doctest
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.stream import order as order_module
from bids_dl.stream.order import (
    Order,
    Phase,
    final_batch_sizes,
    n_remaining,
    n_steps,
    rank_steps,
)

world_sizes = st.integers(1, 8)
batch_sizes = st.integers(1, 12)


@st.composite
def orders(draw, *, drop_last=None):
    n_windows = draw(st.integers(1, 300))
    per_chunk = draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    share = draw(st.sampled_from([1.0, 0.5, 0.05]))
    selected = np.flatnonzero(rng.random(n_windows) < share)
    return Order(
        chunks=selected // per_chunk,
        pool_chunks=draw(st.integers(1, 30)),
        seed=draw(st.integers(0, 2**40)),
        epoch=draw(st.integers(0, 5)),
        shuffle=draw(st.booleans()),
        drop_last=draw(st.booleans()) if drop_last is None else drop_last,
    )


def split(steps):
    """Return the windows of each step."""
    if len(steps.bounds) == 1:
        return []
    return np.split(steps.windows[: steps.bounds[-1]], steps.bounds[1:-1])


def batches_by_rank(order, world_size, batch_size, phases=()):
    return [
        split(rank_steps(order, phases, world_size, batch_size, rank)) for rank in range(world_size)
    ]


def flatten(batches_of_ranks):
    batches = chain.from_iterable(batches_of_ranks)
    return [int(window) for window in chain.from_iterable(batches)]


@given(orders(drop_last=False), world_sizes, batch_sizes)
def test_every_window_is_delivered_exactly_once_in_equal_steps(order, world_size, batch_size):
    ranks = batches_by_rank(order, world_size, batch_size)
    expected_steps = -(-len(order.chunks) // (world_size * batch_size))
    assert {len(batches) for batches in ranks} == {expected_steps}
    assert sorted(flatten(ranks)) == list(range(len(order.chunks)))


@given(orders(drop_last=False), world_sizes, batch_sizes)
def test_batches_are_full_except_in_the_last_two_steps_whose_sizes_differ_by_one_at_most(
    order, world_size, batch_size
):
    ranks = [rank_steps(order, (), world_size, batch_size, rank) for rank in range(world_size)]
    sizes = np.array([np.diff(steps.bounds) for steps in ranks])
    assert (sizes[:, :-2] == batch_size).all()
    if sizes.size:
        assert np.ptp(sizes[:, -2:]) <= 1
        assert np.ptp(sizes.sum(axis=1)) <= 1


@given(orders(drop_last=True), world_sizes, batch_sizes)
def test_with_drop_last_all_batches_are_full_and_only_a_remainder_is_missing(
    order, world_size, batch_size
):
    ranks = batches_by_rank(order, world_size, batch_size)
    windows = flatten(ranks)
    assert all(len(batch) == batch_size for batch in chain.from_iterable(ranks))
    assert len(windows) == len(set(windows)) > len(order.chunks) - world_size * batch_size


@given(orders(), world_sizes, batch_sizes, st.data())
def test_an_epoch_resumed_twice_with_other_world_sizes_loses_and_repeats_no_window(
    order, world_size, batch_size, data
):
    n_windows = len(order.chunks)
    phases = ()
    delivered = []
    for is_last in (False, False, True):
        ranks = batches_by_rank(order, world_size, batch_size, phases)
        n_left = len(ranks[0])
        steps = n_left if is_last else data.draw(st.integers(0, n_left))
        delivered += flatten(batches[:steps] for batches in ranks)
        if steps:
            phases = (*phases, Phase(world_size, batch_size, steps))
        expected_remaining = n_windows - len(delivered)
        assert n_remaining(n_windows, phases, drop_last=order.drop_last) == expected_remaining
        if not is_last:
            world_size = data.draw(world_sizes)
            batch_size = data.draw(batch_sizes)
    assert len(delivered) == len(set(delivered))
    assert order.drop_last or len(delivered) == n_windows
    assert len(delivered) > n_windows - world_size * batch_size


@given(orders(), world_sizes, batch_sizes, st.integers(1, 4), st.data())
def test_workers_take_the_steps_of_their_rank_in_turn(
    order, world_size, batch_size, n_workers, data
):
    steps = rank_steps(order, (), world_size, batch_size, world_size - 1)
    start = data.draw(st.integers(0, max(0, len(steps.bounds) - 1)))
    by_worker = [
        split(steps.take_every(n_workers, start=start + worker)) for worker in range(n_workers)
    ]
    in_turn = [
        by_worker[i % n_workers][i // n_workers].tolist() for i in range(sum(map(len, by_worker)))
    ]
    assert in_turn == [batch.tolist() for batch in split(steps)[start:]]


@given(orders(), world_sizes, batch_sizes)
def test_the_same_arguments_give_the_same_order(order, world_size, batch_size):
    first = rank_steps(order, (), world_size, batch_size, 0)
    second = rank_steps(order, (), world_size, batch_size, 0)
    np.testing.assert_array_equal(first.windows, second.windows)


def make_order(**changes):
    defaults = {
        "chunks": np.arange(4000) // 20,
        "pool_chunks": 50,
        "seed": 0,
        "epoch": 0,
        "shuffle": True,
        "drop_last": False,
    }
    return Order(**defaults | changes)


@pytest.mark.parametrize("change", [{"seed": 1}, {"epoch": 1}])
def test_seed_and_epoch_change_the_windows_of_a_rank(change):
    windows = rank_steps(make_order(), (), 2, 64, 0).windows
    others = rank_steps(make_order(**change), (), 2, 64, 0).windows
    assert not np.array_equal(np.sort(windows), np.sort(others))


def test_without_shuffling_windows_come_in_the_order_of_the_store():
    order = make_order(shuffle=False)
    ranks = [rank_steps(order, (), 3, 64, rank).windows for rank in range(3)]
    np.testing.assert_array_equal(np.concatenate(ranks), np.arange(4000))


@given(st.integers(1, 40), st.integers(0, 5))
def test_the_order_of_a_store_with_one_pool_does_not_depend_on_its_chunks(per_chunk, epoch):
    order = make_order(chunks=np.arange(300) // 20, epoch=epoch)
    other = make_order(chunks=np.arange(300) // per_chunk, pool_chunks=300, epoch=epoch)
    assert rank_steps(order, (), 1, 64, 0).windows.tolist() == (
        rank_steps(other, (), 1, 64, 0).windows.tolist()
    )


def test_ranks_share_at_most_two_chunks_with_each_other():
    order = make_order()
    ranks = [rank_steps(order, (), 8, 64, rank).windows for rank in range(8)]
    assert sum(len(np.unique(order.chunks[windows])) for windows in ranks) <= 200 + 2 * 8


def test_each_batch_mixes_the_chunks_of_a_whole_pool():
    order = make_order(chunks=np.arange(40_000) // 20, pool_chunks=192)
    batches = split(rank_steps(order, (), 1, 64, 0))
    people = [len(np.unique(batch // 400)) for batch in batches]  # 100 people of 400 windows
    assert min(people[:-1]) > 30
    assert np.mean(people) > 40


@given(st.integers(0, 10_000), world_sizes, batch_sizes, st.booleans())
def test_batch_sizes_add_up_to_all_windows(n_windows, world_size, batch_size, drop_last):
    steps = n_steps(n_windows, world_size, batch_size, drop_last=drop_last)
    final = final_batch_sizes(n_windows, world_size, batch_size, drop_last=drop_last)
    windows_per_step = world_size * batch_size
    total = (steps - len(final)) * windows_per_step + final.sum()
    assert total == (steps * windows_per_step if drop_last else n_windows)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(order_module).failed == 0


@pytest.mark.parametrize("seed", range(20))
def test_sorting_runs_and_pools_gives_the_order_of_one_stable_sort(seed):
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(rng.random(3000) < rng.choice([1.0, 0.5, 0.05]))
    chunks = rows // int(rng.integers(1, 40))
    priority = rng.integers(0, 9, chunks.max() + 1) / 9  # with ties
    expected = np.argsort(priority[chunks], kind="stable")
    np.testing.assert_array_equal(order_module._sort_runs(chunks, priority), expected)
    keys = rng.integers(0, 9, len(rows)) / (1 if seed % 2 else 7.3 * len(rows))
    np.testing.assert_array_equal(order_module._argsort(keys), np.argsort(keys, kind="stable"))
