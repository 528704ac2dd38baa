"""Rules that determine the end of an event. The first that applies counts.

The order is: until, process, duration and, for sliding windows, next or recording. A process lasts
until the Offset or for the Duration of HED; hedtools itself ignores the duration column.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bids_dl.selection.queries.query import Query
from bids_dl.selection.queries.request import QueryIndex
from bids_dl.selection.search.matching import TIME_DIGITS
from bids_dl.selection.search.processes import Occurrence, Process
from bids_dl.selection.search.timelines import Timeline


class EventEnd(NamedTuple):
    """The end of an event and the rule that determined it."""

    time: float | None  # s; None if nothing in the annotations ends the event
    rule: str  # as in `Event`; "" for an event without length


@dataclass(frozen=True, slots=True)
class EndRules:
    """The end rules of one recording.

    Attributes
    ----------
    sliding
        True if the windows of the request are sliding windows.
    ending_times
        Label -> onsets in s, sorted, of the matches that end its blocks by --until.
    """

    timeline: Timeline
    queries: QueryIndex
    sliding: bool
    ending_times: Mapping[int, Sequence[float]] = field(init=False)

    def __post_init__(self) -> None:
        times = {label: self._ending_times(label) for label in range(len(self.queries.labels))}
        object.__setattr__(self, "ending_times", times)

    def end_of(self, occurrence: Occurrence, processes: Sequence[Process], label: int) -> EventEnd:
        """Return the end of a match of a label.

        Parameters
        ----------
        occurrence, processes
            The match, and the processes that it begins.
        label
            Number of the label.
        """
        until = self.queries.labels[label].until
        if isinstance(until, (int, float)):
            return EventEnd(round(occurrence.onset + until, TIME_DIGITS), "until")
        if until is not None:
            return EventEnd(_first_after(self.ending_times[label], occurrence.onset), "until")
        end = self.annotated_end(occurrence, processes, label)
        if end.rule or not self.sliding:
            return end
        next_onset = _first_after(self.timeline.onsets, occurrence.onset)
        if next_onset is None:
            return EventEnd(self.timeline.table.duration, "recording")
        return EventEnd(next_onset, "next")

    def annotated_end(
        self, occurrence: Occurrence, processes: Sequence[Process], query: int
    ) -> EventEnd:
        """Return the end of a match by its own processes or duration, ignoring the options.

        Parameters
        ----------
        occurrence, processes
            The match, and the processes that it begins.
        query
            Number of the matching query. A process counts if its group matches the query or, if
            no group does, a term of it. The process that ends last determines the end.
        """
        ends = [process.end for process in processes if process.group.matches[query]]
        if not ends:
            ends = [process.end for process in processes if process.group.term_matches[query]]
        if None in ends:
            return EventEnd(None, "process")
        if ends:
            return EventEnd(max(end for end in ends if end is not None), "process")
        if occurrence.annotation.is_delayed:  # the duration column is about the row's onset
            return EventEnd(None, "")
        duration = self.timeline.duration(occurrence.row)
        if duration > 0:
            return EventEnd(round(occurrence.onset + duration, TIME_DIGITS), "duration")
        return EventEnd(None, "")

    def _ending_times(self, label: int) -> list[float]:
        """Return the onsets of the matches that end a block of a label by --until."""
        until = self.queries.labels[label].until
        numbers: Sequence[int] = ()
        if isinstance(until, Query):
            numbers = [self.queries.until[label]]
        elif until == "next":
            numbers = range(len(self.queries.labels))
        return [
            occurrence.onset
            for occurrence in self.timeline.occurrences
            if occurrence.matches_any_of(numbers)
        ]


def _first_after(times: Sequence[float], onset: float) -> float | None:
    """Return the first of some sorted times that is later than an onset."""
    index = bisect_right(times, onset)
    return times[index] if index < len(times) else None
