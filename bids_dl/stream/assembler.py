"""Fill batches with their windows. Each chunk is read once, straight into its batches.

Chunks are read in threads, or inline by a loop that does little but wait. Such a loop requests the
chunks of a server ahead, and receives them when it needs them. If all chunks are on disk and were
verified before, their windows are copied from memory maps when their batch is made.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.remote.cancellation import RequestGroup
from bids_dl.store.signals.window_copies import Change, Destination
from bids_dl.stream.buffers import BatchMemory, Buffer
from bids_dl.stream.joined_chunks import JoinedChunks
from bids_dl.stream.mapped_chunks import MappedChunks
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.read_policy import ReadPolicy
from bids_dl.stream.read_settings import ReadSettings, Traffic
from bids_dl.stream.requests_ahead import RequestedReads, RequestsAhead
from bids_dl.stream.schedule import max_pending_batches, reads_to_start, schedule_reads

Signals = npt.NDArray[np.float32]
BATCHES_AHEAD = 3  # finished before the loop requests them
BATCHES_HELD = BATCHES_AHEAD + 2  # including those that the loop works with
CHUNKS_PER_READ = 8  # per task of a thread; a remote store requests them concurrently
MAX_CHUNKS_PER_READ = 64  # read inline, or of a local store of which few windows are used
CONVERTED_BYTES = 524_288  # of samples converted at once, so that they stay in the cache
CHANGED_BYTES = 2_097_152  # of samples changed at once; more cost fewer steps per window

Part = tuple[Signals, Indices]
"""Signals (n_windows, n_chans, n_times), and the positions of their windows in ``rows``."""


def to_microvolts(
    integers: npt.NDArray[np.int16],
    resolution: float,
    signals: Signals,
    change: Change | None = None,
    rows: Indices | None = None,
) -> None:
    """Multiply ``integers`` by ``resolution`` in µV and write the result to ``signals``.

    Both arrays are (batch, n_chans, n_times). ``change`` is then called with a few windows at a
    time and their ``rows`` (batch,).
    """
    at_once = max(1, CONVERTED_BYTES * len(signals) // max(1, signals.nbytes))
    for start in range(0, len(signals), at_once):
        block = signals[start : start + at_once]
        block[...] = integers[start : start + at_once]
        block *= np.float32(resolution)
        if change is not None and rows is not None:
            change(block, rows[start : start + at_once])


class SubmittedReads(NamedTuple):
    """Consecutive reads that a thread will make."""

    end: int
    future: Future[Traffic]
    requested: RequestedReads | None  # their chunks, if they were requested before


class Assembler:
    """Pending batches and the threads that fill them. Only one thread may call `assemble`."""

    def __init__(
        self, chunks: JoinedChunks, rows: Indices, steps: Steps, settings: ReadSettings
    ) -> None:
        self._chunks = chunks
        self._rows = rows
        self._steps = steps
        self._change = settings.change
        self._traffic = settings.traffic
        self._memories = settings.memories
        chunk, position = chunks.locate(rows[steps.windows])
        self._schedule = schedule_reads(chunk, position, steps.bounds, steps.copies)
        self._reads_to_start = reads_to_start(self._schedule, steps.bounds, settings.windows_ahead)
        self._chunks_per_read = CHUNKS_PER_READ
        if chunks.is_local and len(self._schedule.reads):
            windows_per_read = len(self._schedule.step) / len(self._schedule.reads)
            chunks_per_read = CHUNKS_PER_READ * chunks.mean_windows_per_chunk / windows_per_read
            self._chunks_per_read = int(
                np.clip(chunks_per_read, CHUNKS_PER_READ, MAX_CHUNKS_PER_READ)
            )
        self._mapped = MappedChunks.map(chunks, self._schedule.reads) if settings.mmap else None
        n_pending = 0  # mapped windows need no memory before their batch is made
        if self._mapped is None:
            n_pending = max_pending_batches(
                self._schedule, self._reads_to_start + self._chunks_per_read
            )
        for memory in self._memories:
            memory.pending.reserve(-(-n_pending // len(self._memories)) + BATCHES_HELD)
        self._pending: dict[int, Buffer] = {}  # by step
        n_steps = len(steps.bounds) - 1
        self._arena = np.zeros(n_steps, np.int64)  # of the buffer of each step
        self._slot = np.zeros(n_steps, np.int64)
        self._requests = RequestGroup()
        self._ahead = RequestsAhead(chunks, self._schedule.reads, self._requests)
        self._readers = ThreadPoolExecutor(
            settings.threads, "bids_dl-read", initializer=self._requests.add_thread
        )
        self._submitted: deque[SubmittedReads] = deque()
        self._n_started = 0  # reads
        self._n_finished = 0
        self._stopped = False  # because the loop ended or a read failed
        self.policy = ReadPolicy()
        self._may_read_inline = settings.may_read_inline

    @property
    def finishes_batches(self) -> bool:
        """True if much is left to do when the chunks of a batch have been read."""
        is_converted = any(memory.resolution is not None for memory in self._memories)
        return self._mapped is not None or (self._change is not None and is_converted)

    def assemble(self, step: int) -> Part:
        """Return the batch of a step. Steps must be requested in order."""
        n_needed = int(self._schedule.reads_needed[step])
        try:
            self._check_running()
            n_to_start = int(self._reads_to_start[step])
            is_inline = self._may_read_inline and self.policy.read_inline
            if is_inline and self._chunks.is_local:
                self._read_inline(n_needed, n_to_start)
            elif is_inline and self._chunks.can_request:
                self._receive_inline(n_needed, n_to_start)
            else:
                self._read_in_threads(n_needed, n_to_start)
        except BaseException:
            self._stopped = True  # because later batches would be incomplete
            raise
        windows = self._steps.windows[self._steps.bounds[step] : self._steps.bounds[step + 1]]
        return self._finished_signals(step, windows), windows

    def _finished_signals(self, step: int, windows: Indices) -> Signals:
        """Return the signals of a step whose windows have all been read, in µV or changed."""
        n_windows = len(windows)
        memory = self._memory_of(step)
        pending = memory.pending
        finished = memory.finished
        resolution = memory.resolution
        buffer = self._pending.pop(step, None) or pending.acquire()
        if self._mapped is not None:
            try:
                self._copy_mapped(self._mapped, windows, buffer)
            except BaseException:
                pending.release(buffer)
                raise
        if resolution is None:
            return finished.to_array(buffer, n_windows)
        signals = finished.to_array(finished.acquire(), n_windows)
        integers = buffer.signals[:n_windows]
        to_microvolts(integers, resolution, signals, self._change, self._rows[windows])
        pending.release(buffer)
        return signals

    def _copy_mapped(self, mapped: MappedChunks, windows: Indices, buffer: Buffer) -> None:
        """Copy the windows of a step from memory maps, and change them."""
        rows = self._rows[windows]
        chunk, position = self._chunks.locate(rows)
        n_bytes = mapped.copy(chunk, position, buffer.windows[: len(rows)])
        self._count(Traffic(n_bytes, n_bytes))
        if self._change is None:
            return
        signals = buffer.signals
        at_once = max(1, CHANGED_BYTES * len(signals) // max(1, signals.nbytes))
        for start in range(0, len(rows), at_once):
            stop = min(start + at_once, len(rows))
            self._change(signals[start:stop], rows[start:stop])

    def _memory_of(self, step: int) -> BatchMemory:
        return self._memories[step % len(self._memories)]

    def _read_inline(self, n_needed: int, n_to_start: int) -> None:
        """Finish the first ``n_needed`` reads in this thread.

        No further read is started, because the first read of the next pool would allocate memory
        for all batches of that pool. Mapped chunks need none, so the system is asked to read those
        up to ``n_to_start``, too.
        """
        self._wait(n_needed)
        if self._n_started >= n_needed:
            return
        end = n_needed if self._mapped is None else n_to_start
        while self._n_started < end:
            self._check_running()
            first, last = self._start(end, MAX_CHUNKS_PER_READ)
            self._count(self._read(first, last))
            self._n_finished = self._n_started

    def _receive_inline(self, n_needed: int, n_to_start: int) -> None:
        """Finish the first ``n_needed`` reads in this thread, and request those that follow.

        Memory is taken for chunks when they are received. The first batch is read by threads:
        until much was received over a connection, its window is small, so that several have to be
        received at the same time.
        """
        if not self._n_started:
            self._read_in_threads(n_needed, n_needed)
        self._wait(n_needed)
        while self._n_started < n_needed:
            self._check_running()
            self._ahead.send(self._n_started, n_to_start)
            requested = self._ahead.take()
            if requested is None:
                raise RuntimeError("no request was sent")
            try:
                first, last = self._start(requested.end, MAX_CHUNKS_PER_READ)
                with self._requests.active():
                    self._count(self._read(first, last, requested))
            finally:
                requested.chunks.close()
            self._n_finished = last
        self._ahead.send(self._n_started, n_to_start)

    def _check_running(self) -> None:
        if self._stopped:
            raise CancelledError

    def _read_in_threads(self, n_needed: int, n_to_start: int) -> None:
        """Finish the first ``n_needed`` reads and start those up to ``n_to_start``."""
        # The reads of a remote store share one connection: the first batch has it for itself.
        is_first_remote = not self._n_started and not self._chunks.is_local
        self._submit(n_needed, n_needed if is_first_remote else n_to_start)
        self._wait(n_needed)
        if is_first_remote:
            self._submit(n_needed, n_to_start)

    def _submit(self, n_needed: int, n_to_start: int) -> None:
        """Submit the reads up to ``n_to_start`` to the threads, several per task.

        The last few reads wait until they fill a task, unless they are needed now.
        """
        n_reads = len(self._schedule.reads)
        while self._n_started < n_to_start:
            requested = self._ahead.take()
            end = self._n_started + self._chunks_per_read
            if requested is not None:
                end = requested.end
            elif self._n_started >= n_needed and n_to_start < end < n_reads:
                return
            first, last = self._start(min(end, n_reads), end - self._n_started)
            future = self._readers.submit(self._read, first, last, requested)
            self._submitted.append(SubmittedReads(last, future, requested))

    def _wait(self, n_needed: int) -> None:
        """Wait for the submitted reads among the first ``n_needed``."""
        while self._submitted and self._n_finished < n_needed:
            submitted = self._submitted.popleft()
            self._n_finished = submitted.end
            self._count(submitted.future.result())

    def _count(self, traffic: Traffic) -> None:
        self._traffic.bytes_read += traffic.bytes_read
        self._traffic.bytes_used += traffic.bytes_used

    def _start(self, max_end: int, max_reads: int) -> tuple[int, int]:
        """Return the range of the next reads, up to ``max_end``, with memory for them."""
        schedule = self._schedule
        first = self._n_started
        last = min(first + max_reads, max_end)
        self._n_started = last
        if self._mapped is not None:
            return first, last
        steps = set(schedule.step[schedule.bounds[first] : schedule.bounds[last]].tolist())
        for step in steps - self._pending.keys():
            buffer = self._memory_of(step).pending.acquire()
            self._pending[step] = buffer
            self._arena[step] = buffer.arena
            self._slot[step] = buffer.slot
        return first, last

    def _read(self, first: int, last: int, requested: RequestedReads | None = None) -> Traffic:
        """Read the chunks of reads ``first`` to ``last``, in any thread.

        Parameters
        ----------
        requested
            These chunks, if they were requested before.
        """
        schedule = self._schedule
        chunks = schedule.reads[first:last]
        if self._mapped is not None:
            self._mapped.read_ahead(np.sort(chunks))
            return Traffic()
        arenas = self._memories[0].pending.arenas
        windows = slice(schedule.bounds[first], schedule.bounds[last])
        steps = schedule.step[windows]
        position = schedule.position[windows]
        arena = self._arena[steps]
        slot = self._slot[steps] + schedule.row[windows]
        bounds = (schedule.bounds[first : last + 1] - windows.start).tolist()
        destinations: list[list[Destination]] = []
        for start, stop in pairwise(bounds):
            if len(self._memories) > 1:  # the windows of a chunk are in parts of one kind
                arenas = self._memory_of(int(steps[start])).pending.arenas
            used = set(arena[start:stop].tolist()) if len(arenas) > 1 else {0}
            if len(used) == 1:
                into = arenas[used.pop()]
                destinations.append([Destination(position[start:stop], slot[start:stop], into)])
                continue
            by_arena: list[Destination] = []
            for number in used:
                indices = start + np.flatnonzero(arena[start:stop] == number)
                by_arena.append(Destination(position[indices], slot[indices], arenas[number]))
            destinations.append(by_arena)
        # int16 is changed when a batch is converted to float32
        change = self._change if arenas[0].dtype == np.float32 else None
        by_store = None if requested is None else requested.chunks
        sizes = self._chunks.read(chunks.tolist(), destinations, change, by_store)
        return Traffic(sum(size.read for size in sizes), sum(size.used for size in sizes))

    def stop(self) -> None:
        """Start no further read, cancel requests, and wake a thread that waits for a read."""
        self._stopped = True
        self._requests.cancel()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Wait for the threads, and release the memory of pending batches."""
        self._readers.shutdown(wait=True)
        self._ahead.close()
        for submitted in self._submitted:
            if submitted.requested is not None:
                submitted.requested.chunks.close()
        while self._pending:
            step, buffer = self._pending.popitem()
            self._memory_of(step).pending.release(buffer)
