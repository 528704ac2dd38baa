"""Divide steps into parts by group of stores, and join the parts of a batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bids_dl.stream.assembler import BATCHES_HELD, Part
from bids_dl.stream.buffers import Buffers
from bids_dl.stream.mixing.mixture import Mixture
from bids_dl.stream.order import Indices, Steps

ROUNDING = 8  # windows of a part's memory, so that the next epoch can use the same memory


class PartedSteps(NamedTuple):
    """Steps divided by group of stores."""

    steps: Steps  # step i and group k are step i * n_groups + k
    places: Indices  # (n_windows,): index of each window within its batch


def part_steps(steps: Steps, mixture: Mixture, rows: Indices) -> PartedSteps:
    """Divide each step into one part per group, which may be empty.

    Parameters
    ----------
    steps
        Positions in ``rows``, step by step.
    mixture
        Groups of the stores.
    rows
        (n_windows,): row of each selected window in the joined table.
    """
    n_groups = len(mixture.groups)
    n_steps = len(steps.bounds) - 1
    step = np.repeat(np.arange(n_steps), np.diff(steps.bounds))
    group = mixture.group_of_store[mixture.stores_of(rows[steps.windows])]
    part = step * n_groups + group
    order = np.argsort(part, kind="stable")
    sizes = np.bincount(part, minlength=n_steps * n_groups)
    copies = None if steps.copies is None else steps.copies[order]
    parts = Steps(steps.windows[order], np.r_[0, np.cumsum(sizes)], copies)
    places = np.arange(len(step)) - steps.bounds[:-1][step]
    return PartedSteps(parts, places[order])


def part_shapes(parts: PartedSteps, mixture: Mixture, max_batch: int) -> list[tuple[int, int, int]]:
    """Return the shape of the memory for a part of each group: (n_windows, n_chans, n_times)."""
    sizes = np.diff(parts.steps.bounds).reshape(-1, len(mixture.groups)).max(axis=0, initial=1)
    rounded = -(-sizes // ROUNDING) * ROUNDING
    n_windows = np.minimum(rounded, max_batch).tolist()
    return [(size, *group.shape) for size, group in zip(n_windows, mixture.groups, strict=True)]


class BatchMixer:
    """Finishes the parts of a batch and joins them in the order of the step.

    One thread may call it.

    Parameters
    ----------
    mixture
        Groups of the stores.
    rows
        (n_windows,): row of each selected window in the joined table.
    steps
        Positions in ``rows`` of each batch.
    parts
        The same steps, divided by group.
    finished
        Memory for the batches (batch, n_chans, n_times).
    """

    def __init__(
        self,
        mixture: Mixture,
        rows: Indices,
        steps: Steps,
        parts: PartedSteps,
        finished: Buffers,
    ) -> None:
        self._mixture = mixture
        self._rows = rows
        self._steps = steps
        self._parts = parts
        self._finished = finished
        finished.reserve(BATCHES_HELD)

    def __call__(self, number: int, parts: list[Part]) -> Part:
        bounds = self._steps.bounds
        windows = self._steps.windows[bounds[number] : bounds[number + 1]]
        groups = self._mixture.groups
        n_chans = self._mixture.window_shape[0]
        if len(groups) == 1:
            [(signals, _)] = parts
            finished = groups[0].finish(signals, self._rows[windows])
            if finished.shape[1] == n_chans:
                return finished, windows
        joined = self._finished.to_array(self._finished.acquire(), len(windows))
        part_bounds = self._parts.steps.bounds
        for i, (signals, part_windows) in enumerate(parts):
            part = number * len(groups) + i
            places = self._parts.places[part_bounds[part] : part_bounds[part + 1]]
            if len(places):
                finished = groups[i].finish(signals, self._rows[part_windows])
                joined[places, : finished.shape[1]] = finished
                joined[places, finished.shape[1] :] = 0
        return joined, windows
