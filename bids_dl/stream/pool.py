"""Batches that threads put together ahead of the loop: each chunk is read once and its windows go straight to their batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bids_dl.store.chunks import ChunkReader, Rows
from bids_dl.stream.buffers import Buffer, Buffers
from bids_dl.stream.order import Indices, Steps

Signals = npt.NDArray[np.float32]
BATCHES_AHEAD = 3  # finished before the loop asks for them
CHUNKS_AHEAD = 32  # read beyond what one step needs, at least
CHUNKS_PER_READ = 8  # given to a thread at once; from afar they are all under way together


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
    def is_local(self) -> bool:
        return all(reader.is_local for reader in self.readers)

    def locate(self, rows: Indices) -> tuple[Indices, Indices]:
        """Chunk of each row, and its place within the chunk."""
        store = np.searchsorted(self.rows, rows, side="right") - 1
        per_chunk = np.array([reader.windows_per_chunk for reader in self.readers])[store]
        number, place = np.divmod(rows - self.rows[store], per_chunk)
        return self.first[store] + number, place

    def per_chunk(self, chunk: int) -> int:
        """Places of a chunk."""
        return self.readers[self._owner(chunk)].windows_per_chunk

    def read(self, chunks: Sequence[int], rows: Sequence[Rows]) -> list[int]:
        """Read chunks, the windows of each into its rows; bytes of each as it is stored."""
        owners = [self._owner(chunk) for chunk in chunks]
        sizes = [0] * len(chunks)
        for store in sorted(set(owners)):
            mine = [i for i, owner in enumerate(owners) if owner == store]
            read = self.readers[store].read([chunks[i] - int(self.first[store]) for i in mine], [rows[i] for i in mine])
            for i, size in zip(mine, read, strict=True):
                sizes[i] = size
        return sizes

    def _owner(self, chunk: int) -> int:
        return 0 if len(self.readers) == 1 else int(np.searchsorted(self.first, chunk, side="right")) - 1


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


@dataclass(slots=True)
class Traffic:
    """What a stream has read so far in this process.

    Attributes
    ----------
    bytes_read
        Of chunks, as they are stored.
    bytes_used
        Share of them that held windows of the stream.
    """

    bytes_read: int = 0
    bytes_used: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read.

    Parameters
    ----------
    threads
        Threads that read and decode.
    ahead
        Windows read ahead of the loop, where one step does not need more.
    buffers
        Memory for the batches, of no other loop meanwhile.
    traffic
        Is counted on.
    """

    threads: int
    ahead: int
    buffers: Buffers
    traffic: Traffic


Finish = Callable[[Signals, Indices], None]


def batches(chunks: Chunks, rows: Indices, steps: Steps, *, finish: Finish | None, reading: Reading) -> Iterator[tuple[Signals, Indices]]:
    """Signals (batch, n_chans, n_times) and the positions of their windows, step by step; memory is used again when they are gone.

    Closing the iterator ends its threads.

    Parameters
    ----------
    rows
        Row of each selected window.
    steps
        Positions into ``rows``.
    finish
        Called with the signals and their rows, to change the signals in place, in a thread of its own.
    """
    pool = _Pool(chunks, rows, steps, reading)
    finisher = ThreadPoolExecutor(1, "bids_dl-batch") if finish is not None else None
    process = os.getpid()

    def finished(step: int, finish: Finish) -> tuple[Signals, Indices]:
        signals, windows = pool.gather(step)
        finish(signals, rows[windows])
        return signals, windows

    try:
        if finisher is None or finish is None:
            for step in range(len(steps.bounds) - 1):
                yield pool.gather(step)
            return
        waiting: deque[Future[tuple[Signals, Indices]]] = deque()
        for step in range(len(steps.bounds) - 1):
            waiting.append(finisher.submit(finished, step, finish))
            if len(waiting) > BATCHES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        if os.getpid() == process:  # a fork has the executors, but not their threads
            pool.stop()
            if finisher is not None:
                finisher.shutdown(wait=True, cancel_futures=True)
            pool.close()


class _Pool:
    """Batches in the making, and the threads that fill them. Only one thread may gather."""

    def __init__(self, chunks: Chunks, rows: Indices, steps: Steps, reading: Reading) -> None:
        self._chunks, self._steps, self._traffic = chunks, steps, reading.traffic
        chunk, place = chunks.locate(rows[steps.windows])
        self._plan = schedule(chunk, place, steps.bounds)
        self._ahead, self._buffers = reading.ahead, reading.buffers
        self._making: dict[int, Buffer] = {}  # by step
        self._readers = ThreadPoolExecutor(reading.threads, "bids_dl-read")
        self._reading: deque[tuple[int, Future[Traffic]]] = deque()  # (reads submitted up to here, their future)
        self._submitted = self._ready = 0

    def gather(self, step: int) -> tuple[Signals, Indices]:
        """The batch of a step; steps are asked for one after the other."""
        needed = int(self._plan.needed[step])
        alone = not self._submitted and not self._chunks.is_local  # all comes over one line: the first batch has it for itself
        self._submit(step, needed, ahead=not alone)
        while self._ready < needed:
            self._ready, future = self._reading.popleft()
            done = future.result()
            self._traffic.bytes_read += done.bytes_read
            self._traffic.bytes_used += done.bytes_used
        if alone:
            self._submit(step, needed)
        windows = self._steps.windows[self._steps.bounds[step] : self._steps.bounds[step + 1]]
        buffer = self._making.pop(step, None) or self._buffers.take()
        return self._buffers.lend(buffer, len(windows)), windows

    def _submit(self, step: int, needed: int, *, ahead: bool = True) -> None:
        """Give the threads the reads that a step needs, and those whose windows are not too far ``ahead`` of it, some at a time."""
        plan = self._plan
        most = needed if not ahead else int(np.searchsorted(plan.bounds, self._steps.bounds[step] + self._ahead, side="right")) - 1
        while self._submitted < max(needed, most):
            first, last = self._submitted, min(self._submitted + CHUNKS_PER_READ, len(plan.reads))
            if last > max(needed, most) and last < len(plan.reads) and first >= needed:
                return
            for number in set(plan.step[plan.bounds[first] : plan.bounds[last]].tolist()) - self._making.keys():
                self._making[number] = self._buffers.take()
            self._reading.append((last, self._readers.submit(self._read, first, last)))
            self._submitted = last

    def _read(self, first: int, last: int) -> Traffic:
        """Do some reads; runs in a thread."""
        plan = self._plan
        chunks = plan.reads[first:last].tolist()
        places: list[list[npt.NDArray[np.float32] | None]] = []
        shares: list[float] = []
        for number, chunk in enumerate(chunks, first):
            mine = slice(plan.bounds[number], plan.bounds[number + 1])
            rows: list[npt.NDArray[np.float32] | None] = [None] * self._chunks.per_chunk(chunk)
            for place, step, row in zip(plan.place[mine].tolist(), plan.step[mine].tolist(), plan.row[mine].tolist(), strict=True):
                rows[place] = self._making[step].rows[row]
            places.append(rows)
            shares.append((mine.stop - mine.start) / len(rows))
        sizes = self._chunks.read(chunks, places)
        return Traffic(sum(sizes), round(sum(size * share for size, share in zip(sizes, shares, strict=True))))

    def stop(self) -> None:
        """Begin no further read, and wake a thread that waits for one."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._readers.shutdown(wait=True)
        while self._making:
            self._buffers.put_back(self._making.popitem()[1])
