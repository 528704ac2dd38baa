"""Ctrl-C and SIGTERM: the first ends the command, those that follow do not disturb its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SIGNAL_STATUS = 128  # exit status of a command that a signal ended, less the number of the signal


@dataclass
class Interruption:
    """The signal that ended a command.

    Attributes
    ----------
    number
        Number of the signal; SIGINT until one arrives.
    """

    number: int = signal.SIGINT

    @property
    def status(self) -> int:
        """Exit status as a shell reports it: 130 after Ctrl-C, 143 after SIGTERM."""
        return SIGNAL_STATUS + self.number

    def handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ignore further signals, and raise `KeyboardInterrupt`."""
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        self.number = number
        raise KeyboardInterrupt


@contextmanager
def one_interrupt() -> Iterator[Interruption]:
    """Raise `KeyboardInterrupt` inside the context at the first SIGINT or SIGTERM.

    Worker processes are then stopped, and temporary files removed, without a traceback. Later
    signals are ignored until this process ends. Nothing changes in another thread than the main
    one, or for a signal that is ignored, as SIGINT is by ``nohup``.

    Yields
    ------
    Interruption
        It states which signal arrived.

    Examples
    --------
    >>> with one_interrupt() as interruption:
    ...     signal.getsignal(signal.SIGTERM) == interruption.handle
    True
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    previous = {}
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if handler is not signal.SIG_IGN:
            previous[number] = handler
            signal.signal(number, interruption.handle)
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            if signal.getsignal(number) == interruption.handle:
                signal.signal(number, handler)
