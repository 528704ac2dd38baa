"""Processes: from Onset to Offset, or as long as Duration says. Own tracker: hedtools' EventManager stops at the first gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bids_dl.selection.matching import DIGITS, Marker, Part


class Moment(NamedTuple):
    """One part of one row, on the recording's clock."""

    onset: float  # s
    row: int
    part: Part


Process = tuple[Marker, float | None]
"""What began, and when it ends in s; None where nothing ends it before the recording does."""


def track(moments: Sequence[Moment]) -> tuple[dict[int, list[Process]], list[int]]:
    """Follow every process of a recording.

    An Onset ends the running process of the same definition and value; an Offset without one is reported, not an error.

    Parameters
    ----------
    moments
        In order of time.

    Returns
    -------
    begun, unmatched
        The processes a moment begins, by its index; and the rows of Offsets that end nothing.
    """
    begun: dict[int, list[Process]] = {}
    running: dict[str, tuple[list[Process], int]] = {}
    unmatched: list[int] = []
    for index, (onset, row, part) in enumerate(moments):
        for marker in part.markers:
            if marker.kind == "duration":
                begun.setdefault(index, []).append((marker, round(onset + marker.duration, DIGITS)))
                continue
            if ending := running.pop(marker.anchor, None):
                own, position = ending
                own[position] = own[position][0], onset
            elif marker.kind == "offset":
                unmatched.append(row)
            if marker.kind == "onset":
                own = begun.setdefault(index, [])
                running[marker.anchor] = own, len(own)
                own.append((marker, None))
    return begun, unmatched
