"""Which window comes when: pure functions of the windows, seed, epoch and ranks.

Chunks are put in a random order and dealt out to the ranks as equal runs of windows; each rank shuffles its windows within groups of
chunks that fit in memory together. What phases of an epoch (a resume with another world size begins a new one) have handed out is
computed again rather than stored, so a state is a few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


class Phase(NamedTuple):
    """A stretch of an epoch under one world size and batch size, and how many steps of it were handed out."""

    world: int
    batch_size: int
    steps: int


class Steps(NamedTuple):
    """What one rank hands out."""

    windows: Indices  # positions among the selected windows, in order
    bounds: Indices  # (n_steps + 1,): step i is windows[bounds[i] : bounds[i + 1]]

    def every(self, step: int, *, start: int) -> Steps:
        """Steps ``start``, ``start + step``, ... alone."""
        sizes = np.diff(self.bounds)[start::step]
        inside = np.zeros(len(self.bounds) - 1, bool)
        inside[start::step] = True
        return Steps(
            self.windows[np.repeat(inside, np.diff(self.bounds))], np.r_[0, np.cumsum(sizes)]
        )


@dataclass(frozen=True, slots=True)
class Order:
    """What decides the order of an epoch, ranks apart.

    Parameters
    ----------
    chunks
        Chunk of each selected window, in the order of the store.
    pool
        Chunks shuffled together, at least (fewer where there are fewer), under twice as many at most.
    """

    chunks: Indices
    pool: int
    seed: int
    epoch: int
    shuffle: bool
    drop_last: bool


def n_steps(n_windows: int, world: int, batch_size: int, *, drop_last: bool) -> int:
    """Steps that every rank makes over ``n_windows``."""
    return n_windows // (world * batch_size) if drop_last else -(-n_windows // (world * batch_size))


def last_sizes(n_windows: int, world: int, batch_size: int, *, drop_last: bool) -> Indices:
    """Windows of the last steps, (0 to 2, world): what full steps leave, shared as evenly as it goes."""
    steps = n_steps(n_windows, world, batch_size, drop_last=drop_last)
    last = 0 if drop_last else min(2, steps)
    left = n_windows - (steps - last) * world * batch_size
    sizes = np.full(last * world, left // (last * world) if last else 0)
    sizes[: left - int(sizes.sum()) if last else 0] += 1
    return sizes.reshape(last, world)


def left_after(n_windows: int, phases: Sequence[Phase], *, drop_last: bool) -> int:
    """How many windows of an epoch are left after some phases."""
    for phase in phases:
        n_windows -= int(_handed_out(n_windows, phase, drop_last=drop_last).sum())
    return n_windows


def steps_of(
    order: Order, phases: Sequence[Phase], world: int, batch_size: int, rank: int
) -> Steps:
    """All steps of a rank in what earlier phases of the epoch left."""
    left = _left(order, phases)
    sizes = last_sizes(len(left), world, batch_size, drop_last=order.drop_last)
    full = n_steps(len(left), world, batch_size, drop_last=order.drop_last) - len(sizes)
    run = _runs(order, left, world, batch_size)[rank]
    bounds = np.r_[0, np.cumsum(np.r_[np.full(full, batch_size), sizes[:, rank]])]
    return Steps(_mixed(order, run, (len(phases), world, rank)), bounds.astype(np.int64))


def _left(order: Order, phases: Sequence[Phase]) -> Indices:
    """Windows that the phases left, in the order of the store."""
    left = np.arange(len(order.chunks))
    for number, phase in enumerate(phases):
        counts = _handed_out(len(left), phase, drop_last=order.drop_last)
        waiting = np.ones(len(order.chunks), bool)
        for rank, run in enumerate(_runs(order, left, phase.world, phase.batch_size)):
            waiting[_mixed(order, run, (number, phase.world, rank))[: counts[rank]]] = False
        left = left[waiting[left]]
    return left


def _handed_out(n_windows: int, phase: Phase, *, drop_last: bool) -> Indices:
    """Windows that each rank had after the steps of a phase over ``n_windows``."""
    world, batch_size, steps = phase
    sizes = last_sizes(n_windows, world, batch_size, drop_last=drop_last)
    full = n_steps(n_windows, world, batch_size, drop_last=drop_last) - len(sizes)
    return min(steps, full) * batch_size + np.asarray(
        sizes[: max(0, steps - full)].sum(axis=0), np.int64
    )


def _runs(order: Order, windows: Indices, world: int, batch_size: int) -> list[Indices]:
    """The windows of each rank: runs of the windows by chunk, chunks in the order of the epoch."""
    if order.shuffle and len(windows):
        priority = np.random.default_rng([order.seed, order.epoch]).random(
            int(order.chunks.max()) + 1
        )
        windows = windows[np.argsort(priority[order.chunks[windows]], kind="stable")]
    whole = Phase(
        world, batch_size, n_steps(len(windows), world, batch_size, drop_last=order.drop_last)
    )
    ends = np.cumsum(_handed_out(len(windows), whole, drop_last=order.drop_last))
    return np.split(windows[: ends[-1]], ends[:-1])


def _mixed(order: Order, run: Indices, key: tuple[int, int, int]) -> Indices:
    """Shuffle a rank's windows within groups of chunks; ``key`` is its phase, world size and rank."""
    if not order.shuffle or not len(run):
        return run
    chunks = order.chunks[run]
    number = np.r_[0, np.cumsum(chunks[1:] != chunks[:-1])]
    n_chunks = int(number[-1]) + 1
    group = number * max(1, n_chunks // order.pool) // n_chunks
    draw = np.random.default_rng([order.seed, order.epoch, *key]).random(len(run))
    return run[np.argsort(group + draw, kind="stable")]
