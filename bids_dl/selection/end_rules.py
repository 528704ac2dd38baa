"""Where an event ends: until, process, duration and, for sliding windows, the next row or the recording; the first that applies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl.selection.matching import DIGITS
from bids_dl.selection.processes import Moment, Process
from bids_dl.selection.queries.grammar import Query
from bids_dl.selection.queries.request import QueryIndex
from bids_dl.selection.timelines import Timeline

End = tuple[float | None, str]
"""Where an event ends, in s, and the rule that says so ("" for a moment).

None where nothing in the annotations ends it: a block then goes on to the end of the recording.
"""


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of what matches in one recording."""

    timeline: Timeline
    searched: QueryIndex
    sliding: bool
    closers: Mapping[int, Sequence[float]] = field(
        init=False
    )  # label -> when something happens that ends its blocks, in s, sorted

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "closers", {label: self._closers(label) for label in self.searched.labels}
        )

    def of(self, moment: Moment, processes: Sequence[Process], label: int) -> End:
        """The end of a match of a label."""
        until = self.searched.queries[label].until
        if isinstance(until, (int, float)):
            return round(moment.onset + until, DIGITS), "until"
        if until is not None:
            return _after(self.closers[label], moment.onset), "until"
        own = self.own(moment, processes, label)
        if own[1] or not self.sliding:
            return own
        following = _after(self.timeline.onsets, moment.onset)
        return (
            (self.timeline.table.duration, "recording")
            if following is None
            else (following, "next")
        )

    def own(self, moment: Moment, processes: Sequence[Process], query: int) -> End:
        """The end that the row itself gives."""
        matched = [end for marker, end in processes if marker.hits[query]] or [
            end for marker, end in processes if marker.touched[query]
        ]
        if matched:
            return (
                None if None in matched else max(end for end in matched if end is not None)
            ), "process"
        duration = 0.0 if moment.part.is_delayed else self.timeline.duration(moment.row)
        return (round(moment.onset + duration, DIGITS), "duration") if duration > 0 else (None, "")

    def _closers(self, label: int) -> list[float]:
        until = self.searched.queries[label].until
        wanted = (
            [self.searched.until[label]]
            if isinstance(until, Query)
            else self.searched.labels
            if until == "next"
            else []
        )
        return [
            moment.onset
            for moment in self.timeline.moments
            if any(moment.part.hits[query] for query in wanted)
        ]


def _after(times: Sequence[float], onset: float) -> float | None:
    """The first of some sorted times that is later than an onset."""
    place = bisect_right(times, onset)
    return times[place] if place < len(times) else None
