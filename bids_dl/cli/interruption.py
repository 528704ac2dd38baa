"""Ctrl-C: the first ends the command, those that follow do not disturb its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Raise `KeyboardInterrupt` inside the context at the first SIGINT, and ignore later ones.

    Worker processes are then stopped, and temporary files removed, without a traceback. They stay
    ignored until this process ends. Nothing changes in another thread than the main one, or if
    SIGINT is ignored, as by ``nohup``.

    Examples
    --------
    >>> with one_interrupt():
    ...     signal.getsignal(signal.SIGINT) is _interrupt
    True
    """
    previous = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or previous is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, previous)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Ignore further interrupts, and raise `KeyboardInterrupt`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
