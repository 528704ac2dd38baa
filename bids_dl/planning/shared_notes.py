"""Notes on recordings, one line per distinct note."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap


class SharedNotes:
    """Collects notes on recordings. Recordings with the same note share a line.

    Examples
    --------
    >>> notes = SharedNotes()
    >>> notes.add("sub-1", "cut off")
    >>> notes.add("sub-2", "cut off")
    >>> notes.lines()
    ['sub-1 and 1 more: cut off']
    """

    def __init__(self) -> None:
        self._recordings: dict[str, list[str]] = {}  # by note

    def add(self, recording: str, note: str) -> None:
        """Add a note on a recording, given by its key."""
        self._recordings.setdefault(note, []).append(recording)

    def lines(self) -> list[str]:
        """Return one line per distinct note, in order of appearance."""
        return list(starmap(with_count, self._recordings.items()))


def with_count(note: str, recordings: Sequence[str]) -> str:
    """Format a note with the first of its recordings and the number of the others."""
    more = f" and {len(recordings) - 1} more" if len(recordings) > 1 else ""
    return f"{recordings[0]}{more}: {note}"
