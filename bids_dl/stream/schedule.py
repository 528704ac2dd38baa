"""Plan when each chunk is read and which batches its windows go to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bids_dl.stream.order import Indices

MIN_SEGMENT = 1024  # windows that are sorted at once


@dataclass(frozen=True, slots=True)
class ReadSchedule:
    """Chunks in order of first use, and the destinations of their windows.

    Parameters
    ----------
    reads
        (n_reads,): chunk of each read.
    bounds
        (n_reads + 1,): windows of read ``i`` are those from ``bounds[i]`` to ``bounds[i + 1]`` in
        the three arrays below, which have one element per window.
    position
        Position of a window within its chunk.
    step, row
        Destination of a window: the step, and the index within its batch.
    reads_needed
        (n_steps,): number of reads that must be finished before a step.
    """

    reads: Indices
    bounds: Indices
    position: Indices
    step: Indices
    row: Indices
    reads_needed: Indices


def schedule_reads(
    chunks: Indices, position: Indices, bounds: Indices, copies: Indices | None = None
) -> ReadSchedule:
    """Schedule one read per chunk, in order of first use.

    Parameters
    ----------
    chunks, position
        (n_windows,): chunk of each window and position within the chunk, in order of use.
    bounds
        (n_steps + 1,): step ``i`` uses the windows from ``bounds[i]`` to ``bounds[i + 1]``.
    copies
        (n_windows,): 1 for the second time that a window is used, 2 for the third, ... A chunk is
        read once for each of them. None if each window is used once.
    """
    n_chunks = int(chunks.max(initial=-1)) + 1
    if copies is not None:
        chunks = chunks + copies * n_chunks
    steps = np.arange(len(bounds) - 1)
    step = np.repeat(steps, np.diff(bounds))
    row = np.arange(len(chunks)) - bounds[:-1][step]
    first_use = np.full(int(chunks.max(initial=-1)) + 1, -1)
    # Assigned from the last window to the first, so that the first use is what remains.
    first_use[chunks[::-1]] = np.arange(len(chunks))[::-1]
    used_chunks = np.flatnonzero(first_use >= 0)
    reads = used_chunks[np.argsort(first_use[used_chunks])]
    read_of_chunk = np.empty_like(first_use)
    read_of_chunk[reads] = np.arange(len(reads))
    read = read_of_chunk[chunks]
    by_read_and_position = _argsort_in_segments(
        read * (int(position.max(initial=0)) + 1) + position, read, len(reads)
    )
    return ReadSchedule(
        reads=reads if copies is None else reads % n_chunks,
        bounds=np.r_[0, np.cumsum(np.bincount(read, minlength=len(reads)))],
        position=position[by_read_and_position],
        step=step[by_read_and_position],
        row=row[by_read_and_position],
        reads_needed=np.searchsorted(step[first_use[reads]], steps, side="right"),
    )


def _argsort_in_segments(keys: Indices, read: Indices, n_reads: int) -> Indices:
    """Return the order of keys, sorted pool by pool, because a pool fits into the cache.

    Parameters
    ----------
    keys
        (n_windows,): ascending with the read, then with the position. Each occurs once.
    read
        (n_windows,): read of each window. Reads are numbered by their first use.
    n_reads
        Number of reads.
    """
    n_windows = len(keys)
    last_use = np.zeros(n_reads, np.int64)
    last_use[read] = np.arange(n_windows)  # the last assignment remains
    # all reads so far are used up at the end of a pool
    used_until = np.maximum.accumulate(last_use)[np.maximum.accumulate(read)]
    ends = np.flatnonzero(used_until == np.arange(n_windows)) + 1
    order = np.empty(n_windows, np.int64)
    start = 0
    for end in ends[np.diff(ends // MIN_SEGMENT, append=n_windows) > 0].tolist():
        order[start:end] = start + np.argsort(keys[start:end])
        start = end
    return order


def reads_to_start(schedule: ReadSchedule, bounds: Indices, windows_ahead: int) -> Indices:
    """Return the number of reads (n_steps,) to start by the time each step is requested.

    These are the reads that the step needs, and those of the windows up to ``windows_ahead``
    after its first window.
    """
    reads_ahead = np.searchsorted(schedule.bounds, bounds[:-1] + windows_ahead, side="right") - 1
    return np.maximum(schedule.reads_needed, reads_ahead)


def max_pending_batches(schedule: ReadSchedule, reads_started: Indices) -> int:
    """Return the maximum number of batches that are partly filled at the same time.

    Parameters
    ----------
    schedule
        Order of the reads.
    reads_started
        (n_steps,): number of reads started when each step is requested.
    """
    if not len(schedule.reads):
        return 1
    last_step_of_read = np.maximum.reduceat(schedule.step, schedule.bounds[:-1])
    last_step_so_far = np.maximum.accumulate(last_step_of_read)
    last_read = np.minimum(reads_started, len(schedule.reads)) - 1
    last_step = last_step_so_far[last_read]
    return int((last_step - np.arange(len(last_step))).max()) + 1
