"""Progress as lines, for programs such as EEGLAB that show standard error without a terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from rich.filesize import decimal

VARIABLE = "BIDS_DL_PROGRESS"
"""Variable of the environment that asks for lines, with the value `LINES`."""
LINES = "lines"
PERIOD_SECONDS = 5.0  # between the lines of one stage


class ProgressLines:
    """Prints the progress of stages, each at most every `PERIOD_SECONDS` and at its end.

    Parameters
    ----------
    show
        Called with each line.
    clock
        Returns the time in s.
    """

    def __init__(
        self, show: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._show = show
        self._clock = clock
        self._last: dict[str, tuple[float, str]] = {}  # time and text of the last line, by stage

    def update(
        self, stage: str, done: int, total: int, description: str, *, in_bytes: bool
    ) -> None:
        """Print a line about a stage if it is due.

        Parameters
        ----------
        stage
            Name of the stage.
        done, total
            Amount done, and all of it.
        description
            Beginning of the line.
        in_bytes
            True if the amounts are bytes.
        """
        amounts = f"{decimal(done)} of {decimal(total)}" if in_bytes else f"{done} of {total}"
        line = f"{description}: {amounts}"
        now = self._clock()
        last, text = self._last.get(stage, (-PERIOD_SECONDS, ""))
        if line != text and (done >= total or now - last >= PERIOD_SECONDS):
            self._last[stage] = now, line
            self._show(line)


def wants_lines(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the environment asks for progress as lines.

    Examples
    --------
    >>> wants_lines({"BIDS_DL_PROGRESS": "lines"}), wants_lines({})
    (True, False)
    """
    return environment.get(VARIABLE) == LINES
