"""Batches put together ahead of the loop: each chunk is read once and its windows go straight to their batches."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bids_dl.store.chunks import ChunkReader, Part
from bids_dl.stream.buffers import Buffer, Buffers
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.read_policy import ReadPolicy
from bids_dl.stream.schedule import in_the_making, reads_upto, schedule

Signals = npt.NDArray[np.float32]
BATCHES_AHEAD = 3  # finished before the loop asks for them
BATCHES_HELD = BATCHES_AHEAD + 2  # and those that the loop works with
CACHED_BYTES = 2_000_000  # what is worked on in two passes
CHUNKS_AHEAD = 32  # of a loop that takes them in the order of the store
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

    @cached_property
    def whole_number(self) -> float | None:
        """µV of one of the stores' numbers, where all are int16 in the same steps."""
        steps = {reader.whole_number for reader in self.readers}
        return steps.pop() if len(steps) == 1 else None

    def per_chunk(self, chunk: int) -> int:
        """Places of a chunk."""
        return self.readers[self._owner(chunk)].windows_per_chunk

    def read(self, chunks: Sequence[int], wanted: Sequence[Sequence[Part]]) -> list[int]:
        """Read chunks, the windows of each to where they are wanted; bytes of each as it is stored."""
        owners = [self._owner(chunk) for chunk in chunks]
        sizes = [0] * len(chunks)
        for store in sorted(set(owners)):
            mine = [i for i, owner in enumerate(owners) if owner == store]
            read = self.readers[store].read(
                [chunks[i] - int(self.first[store]) for i in mine], [wanted[i] for i in mine]
            )
            for i, size in zip(mine, read, strict=True):
                sizes[i] = size
        return sizes

    def _owner(self, chunk: int) -> int:
        return (
            0
            if len(self.readers) == 1
            else int(np.searchsorted(self.first, chunk, side="right")) - 1
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
class Memory:
    """Memory of a loop, to be kept for the next one.

    Parameters
    ----------
    making
        Where windows go when they are read: float32, or the stores' own int16.
    finished
        For batches as they are handed out: float32; the same as ``making`` where that is float32.
    scale
        µV of one of the whole numbers; None where there are none.
    """

    making: Buffers
    finished: Buffers
    scale: float | None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.finished.shape


def memory(chunks: Chunks, shape: tuple[int, int, int]) -> Memory:
    """Memory for batches of a shape (batch_size, n_chans, n_times)."""
    finished, scale = Buffers(shape), chunks.whole_number
    return Memory(finished if scale is None else Buffers(shape, np.int16), finished, scale)


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read.

    Parameters
    ----------
    threads
        Threads that read and decode; one alone rests while the loop does hardly anything but wait, and the loop's thread reads.
    ahead
        Windows read ahead of the loop, where one step does not need more.
    memory
        For the batches, of no other loop meanwhile.
    traffic
        Is counted on.
    """

    threads: int
    ahead: int
    memory: Memory
    traffic: Traffic


Finish = Callable[[Signals, Indices], None]


def batches(
    chunks: Chunks, rows: Indices, steps: Steps, *, finish: Finish | None, reading: Reading
) -> Iterator[tuple[Signals, Indices]]:
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


def to_microvolts(numbers: npt.NDArray[np.int16], scale: float, signals: Signals) -> None:
    """Whole numbers times ``scale``, into ``signals``."""
    together = max(1, CACHED_BYTES * len(signals) // max(1, signals.nbytes))
    for start in range(0, len(signals), together):
        part = signals[start : start + together]
        part[...] = numbers[start : start + together]
        part *= np.float32(scale)


class _Pool:
    """Batches in the making, and the threads that fill them. Only one thread may gather."""

    def __init__(self, chunks: Chunks, rows: Indices, steps: Steps, reading: Reading) -> None:
        self._chunks, self._steps, self._traffic = chunks, steps, reading.traffic
        chunk, place = chunks.locate(rows[steps.windows])
        self._plan = schedule(chunk, place, steps.bounds)
        self._upto = reads_upto(self._plan, steps.bounds, reading.ahead)
        self._memory = reading.memory
        self._memory.making.reserve(
            in_the_making(self._plan, self._upto + CHUNKS_PER_READ) + BATCHES_HELD
        )
        self._making: dict[int, Buffer] = {}  # by step
        self._slab, self._slot = np.zeros(
            (2, len(steps.bounds) - 1), np.int64
        )  # of the buffer of each step
        self._readers = ThreadPoolExecutor(reading.threads, "bids_dl-read")
        self._reading: deque[tuple[int, Future[Traffic]]] = (
            deque()
        )  # (reads begun up to here, their future)
        self._begun = self._ready = 0
        self._stopped = False  # by the end of the loop, or because a read failed
        self._pace = ReadPolicy()
        self._may_read_here = reading.threads == 1 and chunks.is_local

    def gather(self, step: int) -> tuple[Signals, Indices]:
        """The batch of a step; steps are asked for one after the other."""
        self._pace.arrive()
        needed, upto = int(self._plan.needed[step]), int(self._upto[step])
        try:
            self._check_going()
            if self._may_read_here and self._pace.only_waits:
                self._read_here(needed)
            else:
                self._read_in_threads(needed, upto)
        except BaseException:
            self._stopped = True  # what comes after is not whole
            raise
        windows = self._steps.windows[self._steps.bounds[step] : self._steps.bounds[step + 1]]
        making, finished, scale = self._memory.making, self._memory.finished, self._memory.scale
        made = self._making.pop(step, None) or making.take()
        if scale is None:
            signals = finished.lend(made, len(windows))
        else:
            signals = finished.lend(finished.take(), len(windows))
            to_microvolts(made.signals[: len(windows)], scale, signals)
            making.put_back(made)
        self._pace.leave()
        return signals, windows

    def _read_here(self, needed: int) -> None:
        """Have the reads up to one, and no other: the first of the next group would keep memory for all its batches."""
        self._wait(needed)
        while self._begun < needed:
            self._check_going()
            self._count(self._read(*self._begin(needed)))
            self._ready = self._begun

    def _check_going(self) -> None:
        if self._stopped:
            raise CancelledError

    def _read_in_threads(self, needed: int, upto: int) -> None:
        """Have the reads up to one, and others under way."""
        alone = (
            not self._begun and not self._chunks.is_local
        )  # all comes over one line: the first batch has it for itself
        self._submit(needed, needed if alone else upto)
        self._wait(needed)
        if alone:
            self._submit(needed, upto)

    def _submit(self, needed: int, upto: int) -> None:
        """Give the threads the reads up to one, some at a time; a last few may wait for more unless they are needed."""
        while self._begun < upto:
            if self._begun >= needed and upto < self._begun + CHUNKS_PER_READ < len(
                self._plan.reads
            ):
                return
            first, last = self._begin(len(self._plan.reads))
            self._reading.append((last, self._readers.submit(self._read, first, last)))

    def _wait(self, needed: int) -> None:
        """For what the threads were given of the reads up to one."""
        while self._reading and self._ready < needed:
            self._ready, future = self._reading.popleft()
            self._count(future.result())

    def _count(self, traffic: Traffic) -> None:
        self._traffic.bytes_read += traffic.bytes_read
        self._traffic.bytes_used += traffic.bytes_used

    def _begin(self, most: int) -> tuple[int, int]:
        """The next few reads, first and last, up to one at most; they have memory to go to from now on."""
        plan, first = self._plan, self._begun
        last = self._begun = min(first + CHUNKS_PER_READ, most)
        for number in (
            set(plan.step[plan.bounds[first] : plan.bounds[last]].tolist()) - self._making.keys()
        ):
            buffer = self._making[number] = self._memory.making.take()
            self._slab[number], self._slot[number] = buffer.slab, buffer.slot
        return first, last

    def _read(self, first: int, last: int) -> Traffic:
        """Do some reads; any thread may."""
        plan, slabs = self._plan, self._memory.making.slabs
        mine = slice(plan.bounds[first], plan.bounds[last])
        steps, place = plan.step[mine], plan.place[mine]
        slab, slot = self._slab[steps], self._slot[steps] + plan.row[mine]
        chunks, bounds = (
            plan.reads[first:last].tolist(),
            (plan.bounds[first : last + 1] - mine.start).tolist(),
        )
        wanted: list[list[Part]] = []
        for start, stop in pairwise(bounds):
            used = set(slab[start:stop].tolist()) if len(slabs) > 1 else {0}
            if len(used) == 1:
                wanted.append([Part(place[start:stop], slot[start:stop], slabs[used.pop()])])
            else:
                inside = [
                    (number, start + np.flatnonzero(slab[start:stop] == number)) for number in used
                ]
                wanted.append([Part(place[at], slot[at], slabs[number]) for number, at in inside])
        sizes = self._chunks.read(chunks, wanted)
        shares = [
            count / self._chunks.per_chunk(chunk)
            for count, chunk in zip(np.diff(bounds).tolist(), chunks, strict=True)
        ]
        return Traffic(
            sum(sizes), round(sum(size * share for size, share in zip(sizes, shares, strict=True)))
        )

    def stop(self) -> None:
        """Begin no further read, and wake a thread that waits for one."""
        self._stopped = True
        self._readers.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._readers.shutdown(wait=True)
        while self._making:
            self._memory.making.put_back(self._making.popitem()[1])
