"""The order of windows in an epoch: pure functions of the windows, seed, epoch and ranks.

Chunks are shuffled and divided among the ranks as equal runs of windows. Each rank then shuffles
its windows within pools of chunks that fit in memory together. A resume with another world size or
batch size begins a new phase of the epoch. The windows delivered by earlier phases are computed
again rather than stored, so a state is a few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


class Phase(NamedTuple):
    """Part of an epoch with one world size and batch size, and the steps that it delivered."""

    world_size: int
    batch_size: int
    steps: int


class Steps(NamedTuple):
    """Windows that one rank delivers, step by step."""

    windows: Indices  # positions among the selected windows, in order
    bounds: Indices  # (n_steps + 1,): step i is windows[bounds[i] : bounds[i + 1]]
    copies: Indices | None = None  # 1 for the second time that an epoch contains a window, ...

    def take_every(self, interval: int, *, start: int) -> Steps:
        """Return the steps ``start``, ``start + interval``, ``start + 2 * interval``, ..."""
        if interval == 1 and start == 0:
            return self
        all_sizes = np.diff(self.bounds)
        is_taken = np.zeros(len(all_sizes), bool)
        is_taken[start::interval] = True
        is_used = np.repeat(is_taken, all_sizes)
        copies = None if self.copies is None else self.copies[is_used]
        bounds = np.r_[0, np.cumsum(all_sizes[is_taken])]
        return Steps(self.windows[is_used], bounds, copies)


@dataclass(frozen=True, slots=True)
class Order:
    """Settings that determine the order of an epoch, apart from the ranks.

    Parameters
    ----------
    chunks
        Chunk of each selected window (n_windows,), in the order of the store.
    pool_chunks
        Minimum number of chunks that are shuffled together, if a rank has so many. A pool has less
        than twice as many.
    seed, epoch
        Seed of the random generator, together.
    shuffle
        Shuffle. If False, windows come in the order of the store.
    drop_last
        Leave out the windows that do not fill a batch on every rank.
    """

    chunks: Indices
    pool_chunks: int
    seed: int
    epoch: int
    shuffle: bool
    drop_last: bool


def n_steps(n_windows: int, world_size: int, batch_size: int, *, drop_last: bool) -> int:
    """Return the number of steps that each rank makes over ``n_windows``.

    Examples
    --------
    >>> n_steps(100, world_size=2, batch_size=8, drop_last=False)
    7
    >>> n_steps(100, world_size=2, batch_size=8, drop_last=True)
    6
    """
    windows_per_step = world_size * batch_size
    full = n_windows // windows_per_step
    return full if drop_last or n_windows % windows_per_step == 0 else full + 1


def final_batch_sizes(
    n_windows: int, world_size: int, batch_size: int, *, drop_last: bool
) -> Indices:
    """Return the batch sizes of the last steps, which share the windows that full steps leave.

    Returns
    -------
    sizes
        (n_final_steps, world_size), with at most two final steps. Sizes differ by 1 at most. There
        is no final step with ``drop_last``.
    """
    steps = n_steps(n_windows, world_size, batch_size, drop_last=drop_last)
    final_steps = 0 if drop_last else min(2, steps)
    if final_steps == 0:
        return np.zeros((0, world_size), np.int64)
    n_batches = final_steps * world_size
    n_left = n_windows - (steps - final_steps) * world_size * batch_size
    sizes = np.full(n_batches, n_left // n_batches)
    sizes[: n_left % n_batches] += 1
    return sizes.reshape(final_steps, world_size)


def n_remaining(n_windows: int, phases: Sequence[Phase], *, drop_last: bool) -> int:
    """Return the number of windows of an epoch that ``phases`` leave."""
    for phase in phases:
        n_windows -= int(_delivered_per_rank(n_windows, phase, drop_last=drop_last).sum())
    return n_windows


def rank_steps(
    order: Order, phases: Sequence[Phase], world_size: int, batch_size: int, rank: int
) -> Steps:
    """Return all steps of a rank over the windows that earlier phases of the epoch left."""
    remaining = _remaining_windows(order, phases)
    final_sizes = final_batch_sizes(
        len(remaining), world_size, batch_size, drop_last=order.drop_last
    )
    steps = n_steps(len(remaining), world_size, batch_size, drop_last=order.drop_last)
    full_sizes = np.full(steps - len(final_sizes), batch_size)
    bounds = np.r_[0, np.cumsum(np.r_[full_sizes, final_sizes[:, rank]])]
    windows = _divide_among_ranks(order, remaining, world_size, batch_size)[rank]
    shuffled = _shuffle_in_pools(order, windows, (len(phases), world_size, rank))
    return Steps(shuffled, bounds.astype(np.int64))


def _remaining_windows(order: Order, phases: Sequence[Phase]) -> Indices:
    """Return the windows that the phases left, in the order of the store."""
    remaining = np.arange(len(order.chunks))
    for number, phase in enumerate(phases):
        counts = _delivered_per_rank(len(remaining), phase, drop_last=order.drop_last)
        is_left = np.ones(len(order.chunks), bool)
        ranks = _divide_among_ranks(order, remaining, phase.world_size, phase.batch_size)
        for rank, windows in enumerate(ranks):
            shuffled = _shuffle_in_pools(order, windows, (number, phase.world_size, rank))
            is_left[shuffled[: counts[rank]]] = False
        remaining = remaining[is_left[remaining]]
    return remaining


def _delivered_per_rank(n_windows: int, phase: Phase, *, drop_last: bool) -> Indices:
    """Return the windows (world_size,) that each rank received in a phase over ``n_windows``."""
    world_size, batch_size, steps = phase
    final_sizes = final_batch_sizes(n_windows, world_size, batch_size, drop_last=drop_last)
    n_full = n_steps(n_windows, world_size, batch_size, drop_last=drop_last) - len(final_sizes)
    in_final_steps = final_sizes[: max(0, steps - n_full)].sum(axis=0)
    return min(steps, n_full) * batch_size + np.asarray(in_final_steps, np.int64)


def _divide_among_ranks(
    order: Order, windows: Indices, world_size: int, batch_size: int
) -> list[Indices]:
    """Return the windows of each rank: a run of the windows, sorted by shuffled chunk."""
    if order.shuffle and len(windows):
        n_chunks = int(order.chunks.max()) + 1
        priority = np.random.default_rng([order.seed, order.epoch]).random(n_chunks)
        windows = windows[_sort_runs(order.chunks[windows], priority)]
    steps = n_steps(len(windows), world_size, batch_size, drop_last=order.drop_last)
    whole_epoch = Phase(world_size, batch_size, steps)
    ends = np.cumsum(_delivered_per_rank(len(windows), whole_epoch, drop_last=order.drop_last))
    return np.split(windows[: ends[-1]], ends[:-1])


def _shuffle_in_pools(order: Order, windows: Indices, key: tuple[int, int, int]) -> Indices:
    """Shuffle the windows of a rank within pools of chunks.

    The seed is that of the epoch with ``key``: phase, world size and rank. Random numbers belong
    to windows, so that the order of a store with one pool does not depend on the chunks.
    """
    if not order.shuffle or not len(windows):
        return windows
    windows = windows.copy()  # sorted in place
    chunks = order.chunks[windows]
    chunk_number = np.r_[0, np.cumsum(chunks[1:] != chunks[:-1])]  # 0, 1, ... in order of use
    n_chunks = int(chunk_number[-1]) + 1
    pool = chunk_number * max(1, n_chunks // order.pool_chunks) // n_chunks
    rng = np.random.default_rng([order.seed, order.epoch, *key])
    keys = pool + rng.random(len(order.chunks))[windows]
    bounds = np.r_[0, np.flatnonzero(pool[1:] != pool[:-1]) + 1, len(pool)]
    for start, stop in pairwise(bounds.tolist()):  # each pool fits into the processor's cache
        windows[start:stop] = windows[start + _argsort(keys[start:stop])]
    return windows


def _sort_runs(chunks: Indices, priority: npt.NDArray[np.float64]) -> Indices:
    """Return the stable order of windows by the priority of their chunks.

    The windows of a chunk are neighbours in the order of the store, so runs of them are sorted.
    """
    starts = np.flatnonzero(np.r_[True, chunks[1:] != chunks[:-1]])
    sizes = np.diff(np.r_[starts, len(chunks)])
    runs = np.argsort(priority[chunks[starts]], kind="stable")
    first_in_result = np.cumsum(sizes[runs]) - sizes[runs]
    return np.repeat(starts[runs] - first_in_result, sizes[runs]) + np.arange(len(chunks))


def _argsort(keys: npt.NDArray[np.float64]) -> Indices:
    """Return the stable order of keys that are hardly ever equal."""
    order = np.argsort(keys)  # several times faster than a stable sort
    in_order = keys[order]
    if (in_order[1:] == in_order[:-1]).any():
        return np.argsort(keys, kind="stable")
    return order
