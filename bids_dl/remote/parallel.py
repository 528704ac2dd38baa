"""Calls that wait for servers, or compute without the lock of Python, several at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def call_in_threads(function: Callable[[T], R], items: Sequence[T], *, n_threads: int) -> list[R]:
    """Call a function with each item in threads, and return the results in order.

    The first error ends the calls, and so does an interruption. Neither waits for a call that is
    under way, unlike a pool of threads, which ends with its last call.

    Raises
    ------
    Exception
        The first error of a call.

    Examples
    --------
    >>> call_in_threads(abs, [-1, 2, -3], n_threads=2)
    [1, 2, 3]
    """
    waiting = list(enumerate(items))[::-1]
    results: SimpleQueue[tuple[int, R | None, Exception | None]] = SimpleQueue()

    def work() -> None:
        while waiting:
            try:
                number, item = waiting.pop()  # atomic
            except IndexError:  # another thread took the last one
                return
            try:
                results.put((number, function(item), None))
            except Exception as error:  # noqa: BLE001  (raised in the calling thread)
                results.put((number, None, error))

    for _ in range(min(n_threads, len(items))):
        threading.Thread(target=work, daemon=True).start()
    by_number = {}
    try:
        for _ in items:
            number, result, error = results.get()
            if error is not None:
                raise error
            by_number[number] = result
    finally:
        waiting.clear()
    return [by_number[number] for number in range(len(items))]  # type: ignore[misc]
