"""Interrupts that wait until a step is finished."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Deliver SIGINT and SIGTERM at the end of the context instead of inside it.

    Weights, optimizer and counters are then never left between two steps. Nothing changes in
    another thread than the main one, or for a signal without a handler in Python.

    Examples
    --------
    >>> with deferred_interrupts():  # KeyboardInterrupt would be raised after the context
    ...     signal.getsignal(signal.SIGINT) is signal.default_int_handler
    False
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    deferred = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in deferred:
        signal.signal(number, lambda number, _: arrived.append(number))
    try:
        yield
    finally:
        for number, handler in deferred.items():
            signal.signal(number, handler)
    if arrived:
        signal.raise_signal(arrived[0])
