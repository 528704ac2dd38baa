"""The log of answers as the server appends to it: one line after the other, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bids_dl.annotate.answers import Answer, Journal, replay
from bids_dl.annotate.answers.lines import AnswerError, find_problem
from bids_dl.annotate.server.checking.refusals import BAD_REQUEST, CONFLICT, RefusedError

Line = Mapping[str, Any]
SET_BY_SERVER = frozenset({"time", "purpose", "round", "model", "probabilities", "strategy", "ms"})
"""Fields that may differ when a request is sent again."""


class AnswerLog:
    """The log of a folder, with its lines in memory.

    Parameters
    ----------
    folder
        Folder of the derivative.

    Raises
    ------
    ConfigError
        The log cannot be read, or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._journal = Journal(folder)
        content = self._journal.content()
        self.problems = content.problems
        self._lines: dict[str, Line] = {line["id"]: line for line in content.lines}
        self._answers: tuple[Answer, ...] | None = None  # until a line is appended
        self._order = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log")

    @property
    def lines(self) -> Sequence[Line]:
        """All lines, in their order."""
        return list(self._lines.values())

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Answers that hold, in the order of the log."""
        if self._answers is None:
            self._answers = replay(self._lines.values())
        return self._answers

    def find(self, identifier: str) -> Line | None:
        """Return the line with an id, None if the log has none."""
        return self._lines.get(identifier)

    def is_repeated(self, line: Line) -> bool:
        """Return whether the log has a line already, because its request is sent again.

        Parameters
        ----------
        line
            A line without the fields that the server sets, or with others in them.

        Raises
        ------
        RefusedError
            409 if the id is that of another line.
        """
        known = self._lines.get(line["id"])
        if known is None:
            return False
        names = (set(known) | set(line)) - SET_BY_SERVER
        if any(known.get(name) != line.get(name) for name in names):
            raise RefusedError(CONFLICT, "the id is that of another answer; nothing was changed")
        return True

    async def append(self, line: Line) -> bool:
        """Append a line, which is on the disk afterwards.

        Parameters
        ----------
        line
            Fields as in `bids_dl.annotate.answers.lines`.

        Returns
        -------
        bool
            False if the log had the line already. Nothing is written then.

        Raises
        ------
        RefusedError
            409 if the log does not accept the line, 400 if it is no line of a log. Nothing was
            written.
        ConfigError
            The log cannot be written.
        """
        if problem := find_problem(dict(line)):
            raise RefusedError(BAD_REQUEST, problem)
        loop = asyncio.get_running_loop()
        async with self._order:
            if self.is_repeated(line):
                return False
            try:
                await loop.run_in_executor(self._thread, self._journal.append, line)
            except AnswerError as error:
                raise RefusedError(CONFLICT, str(error)) from None
            self._lines[line["id"]] = line
            self._answers = None
        return True

    def close(self) -> None:
        """Wait for the line that is being written."""
        self._thread.shutdown(wait=True)


def read_clock() -> str:
    """Return the time in UTC, as a line of the log has it.

    Examples
    --------
    >>> read_clock().endswith("Z")
    True
    """
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
