"""Processes: from Onset to Offset, or as long as a Duration says.

Gives the same intervals as hedtools' `EventManager`, which raises an error at an Offset without
Onset, ignores Inset, and merges rows with equal onset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bids_dl.selection.search.matching import TIME_DIGITS, TemporalGroup, TimedAnnotation


class Occurrence(NamedTuple):
    """A timed annotation of one row, on the recording's clock."""

    onset: float  # s
    row: int  # 0-based data row of events.tsv
    annotation: TimedAnnotation

    def matches_any_of(self, queries: Iterable[int]) -> bool:
        """Return whether it matches any of some queries, given by their numbers."""
        return any(self.annotation.matches[query] for query in queries)


@dataclass(slots=True)
class Process:
    """A process of HED that begins in a row."""

    group: TemporalGroup
    end: float | None = None  # s; None if it runs to the end of the recording


class TrackedProcesses(NamedTuple):
    """The processes of a recording."""

    begun: dict[int, list[Process]]  # index of an occurrence -> processes that it begins
    unmatched: list[int]  # rows of Offsets that end no process


def track_processes(occurrences: Sequence[Occurrence]) -> TrackedProcesses:
    """Track every process of a recording.

    An Onset ends the running process of the same definition and value. An Offset without a
    running process is reported, not an error.

    Parameters
    ----------
    occurrences
        In order of time.
    """
    begun: dict[int, list[Process]] = {}
    running: dict[str, Process] = {}  # by definition
    unmatched: list[int] = []
    for index, (onset, row, annotation) in enumerate(occurrences):
        for group in annotation.temporal_groups:
            if group.kind == "duration":
                end = round(onset + group.duration, TIME_DIGITS)
                begun.setdefault(index, []).append(Process(group, end))
                continue
            if ending := running.pop(group.definition, None):
                ending.end = onset
            elif group.kind == "offset":
                unmatched.append(row)
            if group.kind == "onset":
                process = Process(group)
                running[group.definition] = process
                begun.setdefault(index, []).append(process)
    return TrackedProcesses(begun, unmatched)
