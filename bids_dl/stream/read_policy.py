"""Who reads: a thread ahead of the loop, or the loop itself.

A single thread gains what the loop does meanwhile, and costs: the two take turns at Python's lock, wake each other, and pass batches from
one processor's cache to the other's. Where the loop does hardly anything but wait for batches, it gets them sooner if it reads itself;
docs/benchmarks.md has the numbers.
"""

from __future__ import annotations

import time

WORTH_A_THREAD = 0.25  # share of its time that a loop has for other things; below, a thread that reads meanwhile gains nothing
STEPS_REMEMBERED = 50


class ReadPolicy:
    """What a loop does with its time, lately: wait for batches, or other things."""

    def __init__(self) -> None:
        self._waiting = self._away = 0.0  # in s
        self._since = time.perf_counter()

    def arrive(self) -> None:
        """The loop asks for a batch."""
        passed = self._passed()
        self._away += passed if self._waiting else 0.0  # not before the first one

    def leave(self) -> None:
        """The loop has it."""
        self._waiting += self._passed()
        self._waiting *= 1 - 1 / STEPS_REMEMBERED
        self._away *= 1 - 1 / STEPS_REMEMBERED

    def _passed(self) -> float:
        before, self._since = self._since, time.perf_counter()
        return self._since - before

    @property
    def only_waits(self) -> bool:
        """Whether it does hardly anything else, as far as is known; a loop with whom a thread keeps up does not wait."""
        return self._away <= WORTH_A_THREAD * (self._away + self._waiting)
