"""Assemble batches and finish them ahead of the loop."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor

from bids_dl.errors import StoreError
from bids_dl.stream.assembler import BATCHES_AHEAD, Assembler, Part
from bids_dl.stream.joined_chunks import JoinedChunks
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.read_policy import ReadPolicy
from bids_dl.stream.read_settings import ReadSettings

FORKED = (
    "this process was forked while another one iterates over the stream, and cannot continue that "
    "iteration; iterate over the stream again"
)
FinishBatch = Callable[[int, list[Part]], Part]
"""Makes a batch, given its number and its parts, which may be changed in place."""


def assemble_batches(
    chunks: JoinedChunks,
    rows: Indices,
    steps: Steps,
    *,
    finish_batch: FinishBatch | None,
    settings: ReadSettings,
) -> Generator[Part, None, None]:
    """Yield batches: signals and the positions of their windows.

    The memory of a batch is reused when the batch is garbage-collected. Closing the iterator ends
    its threads.

    Parameters
    ----------
    chunks
        Chunks to read.
    rows
        (n_windows,): row of each selected window in the joined table.
    steps
        Positions in ``rows``, step by step. With several memories in the settings, as many steps
        in a row are the parts of a batch, each with its own memory.
    finish_batch
        Called for each batch, in a thread of its own if the loop has other work. None yields the
        batch as it was read, which then has one part.
    settings
        Threads, read-ahead, memory and normalization.

    Yields
    ------
    signals, windows
        float32 (batch, n_chans, n_times) in µV, and positions in ``rows`` (batch,).

    Raises
    ------
    StoreError
        A chunk cannot be read, or a forked process continues the iteration of another.
    """
    assembler = Assembler(chunks, rows, steps, settings)
    n_parts = len(settings.memories)
    n_batches = (len(steps.bounds) - 1) // n_parts

    def assemble(batch: int) -> Part:
        """Return a finished batch. Batches must be requested in order, by one thread at a time."""
        parts = [assembler.assemble(step) for step in range(batch * n_parts, (batch + 1) * n_parts)]
        return parts[0] if finish_batch is None else finish_batch(batch, parts)

    process = os.getpid()
    finisher = _Finisher(assembler.policy, assemble, n_batches)
    has_work = finish_batch is not None or assembler.finishes_batches
    try:
        for batch in range(n_batches):
            if os.getpid() != process:
                raise StoreError(FORKED)
            assembler.policy.batch_requested()
            part = finisher.batch(batch) if has_work else assemble(batch)
            assembler.policy.batch_delivered()
            yield part
            del part  # so that only the loop refers to its memory
    finally:
        if os.getpid() == process:  # a forked process has the executors without their threads
            assembler.stop()
            finisher.close()
            assembler.close()


class _Finisher:
    """Finishes batches in a thread of its own, ahead of a loop that has other work.

    A loop that does little but wait finishes them itself, because a thread would only move its
    work to another core, and each batch from one cache to another.
    """

    def __init__(self, policy: ReadPolicy, assemble: Callable[[int], Part], n_batches: int) -> None:
        self._policy = policy
        self._assemble = assemble
        self._n_batches = n_batches
        self._executor: ThreadPoolExecutor | None = None
        self._futures: deque[Future[Part]] = deque()  # of the next batches

    def batch(self, number: int) -> Part:
        """Return a batch. Batches must be requested in order."""
        if self._policy.read_inline:
            return self._futures.popleft().result() if self._futures else self._assemble(number)
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "bids_dl-batch")
        n_ahead = min(BATCHES_AHEAD + 1, self._n_batches - number)
        while len(self._futures) < n_ahead:
            next_batch = number + len(self._futures)
            self._futures.append(self._executor.submit(self._assemble, next_batch))
        return self._futures.popleft().result()

    def close(self) -> None:
        """Wait for the thread."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
