"""Batches from a pool of chunks that threads fill ahead of the loop."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bids_dl.store.chunks import ChunkReader
from bids_dl.stream.order import Indices, Steps

Signals = npt.NDArray[np.float32]
BATCHES_AHEAD = 3  # put together before the loop asks for them
CHUNKS_AHEAD = 32  # read beyond what one step needs, at least
CHUNKS_PER_READ = {"local": 4, "remote": 8}  # given to a thread at once


@dataclass(frozen=True)
class Chunks:
    """The chunks of several stores, numbered through; all of the same window shape.

    Parameters
    ----------
    readers
        One per store.
    rows
        (n_stores + 1,): first row of each store in the whole table.
    """

    readers: Sequence[ChunkReader]
    rows: Indices

    @cached_property
    def first(self) -> Indices:
        """(n_stores + 1,): number of each store's first chunk."""
        return np.cumsum([0, *(reader.n_chunks for reader in self.readers)])

    @property
    def size(self) -> int:
        """Windows of the largest chunk."""
        return max(reader.windows_per_chunk for reader in self.readers)

    @property
    def window_shape(self) -> tuple[int, int]:
        return self.readers[0].shape[1:]

    @property
    def is_local(self) -> bool:
        return all(reader.is_local for reader in self.readers)

    def locate(self, rows: Indices) -> tuple[Indices, Indices]:
        """Chunk of each row, and its place within the chunk."""
        store = np.searchsorted(self.rows, rows, side="right") - 1
        per_chunk = np.array([reader.windows_per_chunk for reader in self.readers])[store]
        number, place = np.divmod(rows - self.rows[store], per_chunk)
        return self.first[store] + number, place

    def read(self, chunks: Sequence[int], slots: Sequence[Signals]) -> None:
        """Read chunks into slots of ``size`` windows."""
        owner = np.searchsorted(self.first, chunks, side="right") - 1
        for store in np.unique(owner).tolist():
            reader, mine = self.readers[store], np.flatnonzero(owner == store).tolist()
            local = [int(chunks[i] - self.first[store]) for i in mine]
            reader.read(local, [slots[i][: reader.windows_per_chunk] for i in mine])


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each chunk is needed: read in order of first use, given up after the last.

    Parameters
    ----------
    reads
        The chunks in order of first use.
    needed
        (n_steps,): how many of the reads a step waits for.
    given_up
        The chunks in order of last use.
    done
        (n_steps,): how many of them are given up after a step.
    """

    reads: Indices
    needed: Indices
    given_up: Indices
    done: Indices

    @property
    def peak(self) -> int:
        """Most chunks in memory that any step needs."""
        return int((self.needed - np.r_[0, self.done[:-1]]).max(initial=1))


def schedule(chunks: Indices, bounds: Indices) -> Schedule:
    """When the chunks of windows in order of use, ``bounds`` of each step, are needed."""
    step = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    first_chunks, first = np.unique(chunks, return_index=True)
    last_chunks, last = np.unique(chunks[::-1], return_index=True)
    last = len(chunks) - 1 - last
    by_first, by_last = np.argsort(first), np.argsort(last)
    steps = np.arange(len(bounds) - 1)
    return Schedule(
        reads=first_chunks[by_first],
        needed=np.searchsorted(step[first[by_first]], steps, side="right"),
        given_up=last_chunks[by_last],
        done=np.searchsorted(step[last[by_last]], steps, side="right"),
    )


def batches(
    chunks: Chunks, rows: Indices, steps: Steps, *, finish: Callable[[Signals, Indices], None] | None, threads: int, ahead: int
) -> Iterator[tuple[Signals, Indices]]:
    """Signals (batch, n_chans, n_times), new memory each time, and the positions of their windows, step by step.

    Closing the iterator ends its threads and frees its memory.

    Parameters
    ----------
    rows
        Row of each selected window.
    steps
        Positions into ``rows``.
    finish
        Called with the signals and their rows, to change the signals in place, in a thread of the pool.
    threads
        Threads that read and decode.
    ahead
        Chunks read ahead beyond what one step needs, at most.
    """
    pool = _Pool(chunks, rows, steps, threads, ahead)
    assembler = ThreadPoolExecutor(1, "bids_dl-batch")
    process = os.getpid()

    def assemble(step: int) -> tuple[Signals, Indices]:
        signals, windows = pool.gather(step)
        if finish is not None:
            finish(signals, rows[windows])
        return signals, windows

    try:
        waiting: deque[Future[tuple[Signals, Indices]]] = deque()
        for step in range(len(steps.bounds) - 1):
            waiting.append(assembler.submit(assemble, step))
            if len(waiting) > BATCHES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        if os.getpid() == process:  # a fork has the executors, but not their threads
            pool.stop()
            assembler.shutdown(wait=True, cancel_futures=True)
            pool.close()


class _Pool:
    """Slots of memory, a chunk in each, and the threads that fill them. Only one thread may gather."""

    def __init__(self, chunks: Chunks, rows: Indices, steps: Steps, threads: int, ahead: int) -> None:
        self._chunks = chunks
        self._steps = steps
        self._chunk_of, self._place = chunks.locate(rows)
        self._plan = schedule(self._chunk_of[steps.windows], steps.bounds)
        peak = self._plan.peak
        n_slots = min(len(self._plan.reads), peak + max(2, min(ahead, max(peak, CHUNKS_AHEAD))))
        self._slots = np.empty((n_slots, chunks.size, *chunks.window_shape), np.float32)
        self._free = list(range(n_slots))[::-1]
        self._slot_of = np.full(int(chunks.first[-1]), -1)
        self._per_read = CHUNKS_PER_READ["local" if chunks.is_local else "remote"]
        self._readers = ThreadPoolExecutor(threads, "bids_dl-read")
        self._reading: deque[tuple[int, Future[None]]] = deque()  # (reads submitted up to here, their future)
        self._submitted = self._given_up = 0

    def gather(self, step: int) -> tuple[Signals, Indices]:
        """Copy a step's windows into a new array; steps are asked for one after the other."""
        needed = int(self._plan.needed[step])
        self._submit(needed)
        while self._reading and self._ready < needed:
            self._reading.popleft()[1].result()
        windows = self._steps.windows[self._steps.bounds[step] : self._steps.bounds[step + 1]]
        signals = np.empty((len(windows), *self._chunks.window_shape), np.float32)
        flat = self._slot_of[self._chunk_of[windows]] * self._chunks.size + self._place[windows]
        if len(windows):
            np.take(self._slots.reshape(-1, *signals.shape[1:]), flat, axis=0, out=signals, mode="clip")
        for chunk in self._plan.given_up[self._given_up : self._plan.done[step]].tolist():
            self._free.append(int(self._slot_of[chunk]))
        self._given_up = int(self._plan.done[step])
        self._submit(0)
        return signals, windows

    @property
    def _ready(self) -> int:
        """Reads that have been waited for."""
        return self._reading[0][0]

    def _submit(self, needed: int) -> None:
        """Give the threads what fits in the free slots, a few chunks at a time, but at least the first ``needed`` reads."""
        while self._submitted < len(self._plan.reads):
            count = min(self._per_read, len(self._free), len(self._plan.reads) - self._submitted)
            if count == 0 or (count < self._per_read and self._submitted + count < len(self._plan.reads) and self._submitted >= needed):
                return
            chunks = self._plan.reads[self._submitted : self._submitted + count]
            numbers = [self._free.pop() for _ in range(count)]
            self._slot_of[chunks] = numbers
            future = self._readers.submit(self._chunks.read, chunks.tolist(), [self._slots[number] for number in numbers])
            self._reading.append((self._submitted, future))
            self._submitted += count

    def stop(self) -> None:
        """Begin no further read, and wake a thread that waits for one."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._readers.shutdown(wait=True)
