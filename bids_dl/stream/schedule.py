"""When each chunk is read, and where its windows go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bids_dl.stream.order import Indices


@dataclass(frozen=True, slots=True)
class Schedule:
    """The chunks in order of first use, and where their windows go.

    Parameters
    ----------
    reads
        The chunks.
    bounds
        (n_reads + 1,): the windows of a read are those from ``bounds[read]`` to ``bounds[read + 1]`` of the arrays below.
    place
        Of a window within its chunk.
    step, row
        Where it goes: which step, and which window of its batch.
    needed
        (n_steps,): how many of the reads a step waits for.
    """

    reads: Indices
    bounds: Indices
    place: Indices
    step: Indices
    row: Indices
    needed: Indices


def schedule(chunks: Indices, place: Indices, bounds: Indices) -> Schedule:
    """When to read the chunks of windows in order of use, ``bounds`` of each step.

    Parameters
    ----------
    chunks, place
        Chunk of each window, and its place within.
    """
    step = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    row = np.arange(len(chunks)) - bounds[:-1][step]
    first = np.full(int(chunks.max(initial=-1)) + 1, -1)
    first[chunks[::-1]] = np.arange(len(chunks))[::-1]  # the first use is written last
    found = np.flatnonzero(first >= 0)
    reads = found[np.argsort(first[found])]
    rank = np.empty_like(first)
    rank[reads] = np.arange(len(reads))
    read = rank[chunks]
    order = np.argsort(read * (int(place.max(initial=0)) + 1) + place)
    return Schedule(
        reads=reads,
        bounds=np.r_[0, np.cumsum(np.bincount(read, minlength=len(reads)))],
        place=place[order],
        step=step[order],
        row=row[order],
        needed=np.searchsorted(step[first[reads]], np.arange(len(bounds) - 1), side="right"),
    )


def reads_upto(plan: Schedule, bounds: Indices, ahead: int) -> Indices:
    """(n_steps,): how many reads have begun when a step is asked for: those it needs, and those of windows up to ``ahead`` of it."""
    within = np.searchsorted(plan.bounds, bounds[:-1] + ahead, side="right") - 1
    return np.maximum(plan.needed, within)


def in_the_making(plan: Schedule, reads: Indices) -> int:
    """Batches that windows go to at a time, at most, if ``reads`` (n_steps,) have begun when a step is asked for."""
    if not len(plan.reads):
        return 1
    last = np.maximum.accumulate(np.maximum.reduceat(plan.step, plan.bounds[:-1]))[
        np.minimum(reads, len(plan.reads)) - 1
    ]
    return int((last - np.arange(len(last))).max()) + 1
