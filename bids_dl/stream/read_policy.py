"""Decide whether chunks are read ahead in a thread or inline by the training loop.

A single thread reads while the loop computes. It has a cost, because thread and loop compete for
Python's global interpreter lock, wake each other and pass batches from one processor cache to the
other. A loop that does little but wait for batches receives them sooner if it reads them itself.
Measurements are in docs/benchmarks.md.
"""

from __future__ import annotations

import time

MIN_BUSY_SHARE = 0.25  # of the loop's time; below it, a reading thread gains nothing
AVERAGED_STEPS = 50  # time constant of the running sums


class ReadPolicy:
    """Running record of the time that a loop spends waiting for batches and using them."""

    def __init__(self) -> None:
        self._waiting_seconds = 0.0
        self._busy_seconds = 0.0
        self._last_time = time.perf_counter()

    def batch_requested(self) -> None:
        """Record that the loop requests a batch, which ends its own work."""
        elapsed = self._elapsed()
        if self._waiting_seconds:  # the time before the first batch is not the loop's work
            self._busy_seconds += elapsed

    def batch_delivered(self) -> None:
        """Record that the loop receives a batch, which ends its waiting."""
        self._waiting_seconds += self._elapsed()
        self._waiting_seconds *= 1 - 1 / AVERAGED_STEPS
        self._busy_seconds *= 1 - 1 / AVERAGED_STEPS

    def _elapsed(self) -> float:
        """Return the seconds since the previous call."""
        previous = self._last_time
        self._last_time = time.perf_counter()
        return self._last_time - previous

    @property
    def read_inline(self) -> bool:
        """True if the loop does little but wait, so that it should read chunks itself.

        A loop that a thread keeps supplied does not wait, so the thread continues.
        """
        return self._busy_seconds <= MIN_BUSY_SHARE * (self._busy_seconds + self._waiting_seconds)
