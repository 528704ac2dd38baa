"""Where an event ends: until, process, duration and, for sliding windows, the next row or the recording; the first that applies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bids_dl.config import EventsConfig
from bids_dl.datamodel import Event
from bids_dl.errors import EventError
from bids_dl.events.corpus import Timeline
from bids_dl.events.matching import DIGITS
from bids_dl.events.processes import Moment, Process
from bids_dl.events.query import Queries, Query, at_event_level

End = tuple[float | None, str]
"""Where an event ends, in s, and the rule that says so ("" for a moment).

None where nothing in the annotations ends it: a block then goes on to the end of the recording.
"""


@dataclass(frozen=True, slots=True)
class Searched:
    """All queries of a request in one row, and the places of each kind."""

    flat: tuple[Query, ...]
    labels: range
    until: Mapping[int, int]  # label -> its --until query
    exclude: range
    event_level: Mapping[int, int]  # label -> its query with AND for &&, where that differs


def lay_out(queries: Queries) -> Searched:
    """Put all queries of a request in one row, labels first."""
    flat = list(queries.labels)
    until = {label: query for label, query in enumerate(queries.until) if isinstance(query, Query)}
    event_level = {label: other for label, query in enumerate(queries.labels) if (other := at_event_level(query))}
    flat += [*until.values(), *queries.exclude, *event_level.values()]
    first = len(queries.labels) + len(until)
    last = first + len(queries.exclude)
    return Searched(
        tuple(flat),
        range(len(queries.labels)),
        dict(zip(until, range(len(queries.labels), first), strict=True)),
        range(first, last),
        dict(zip(event_level, range(last, len(flat)), strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Chooser:
    """Turns the matches in one recording into events."""

    timeline: Timeline
    config: EventsConfig
    queries: Queries
    searched: Searched
    sliding: bool

    def events(self) -> Iterator[Event]:
        """In order of onset, row and label.

        Raises
        ------
        EventError
            If two labels match one event, unless ``config.overlap`` allows it.
        """
        closers = {label: self._closers(label) for label in self.searched.labels}
        banned = {moment.row for moment in self.timeline.moments if self._exclusions(moment)} if self.searched.exclude else set()
        for moment, processes in self._moments():
            if moment.row in banned:
                continue
            for label in self._labels(moment):
                end = self._end(moment, processes, label, closers[label])
                yield self._event(moment, end, self.config.labels[label].label)

    def excluded(self) -> Iterator[Event]:
        """What --exclude matches: as long as its process or duration, else a moment."""
        for moment, processes in self._moments() if self.searched.exclude else ():
            ends = [self._own_end(moment, processes, query) for query in self._exclusions(moment)]
            if ends:
                yield self._event(moment, next((end for end in ends if end[1]), ends[0]), "")

    def _moments(self) -> Iterator[tuple[Moment, Sequence[Process]]]:
        return zip(self.timeline.moments, self.timeline.processes, strict=True)

    def _exclusions(self, moment: Moment) -> list[int]:
        return [query for query in self.searched.exclude if moment.part.hits[query]]

    def _labels(self, moment: Moment) -> list[int]:
        labels = [label for label in self.searched.labels if moment.part.hits[label]]
        if len(labels) > 1 and self.config.overlap == "error":
            names = " and ".join(self.config.labels[label].label for label in labels)
            raise EventError(
                f"{self.timeline.table.recording}: event at {moment.onset:.3f} s (row {moment.row}) matches {names};\n"
                "  queries must not overlap: narrow one of them, or give --overlap first or --overlap each"
            )
        return labels[:1] if self.config.overlap == "first" else labels

    def _closers(self, label: int) -> list[float]:
        """When something happens that ends a block of a label, in s, sorted."""
        until = self.queries.until[label]
        wanted = [self.searched.until[label]] if isinstance(until, Query) else self.searched.labels if until == "next" else []
        return [moment.onset for moment in self.timeline.moments if any(moment.part.hits[query] for query in wanted)]

    def _end(self, moment: Moment, processes: Sequence[Process], label: int, closers: Sequence[float]) -> End:
        until = self.queries.until[label]
        if isinstance(until, (int, float)):
            return round(moment.onset + until, DIGITS), "until"
        if until is not None:
            return _after(closers, moment.onset), "until"
        own = self._own_end(moment, processes, label)
        if own[1] or not self.sliding:
            return own
        following = _after(self.timeline.onsets, moment.onset)
        return (self.timeline.table.duration, "recording") if following is None else (following, "next")

    def _own_end(self, moment: Moment, processes: Sequence[Process], query: int) -> End:
        """The end that the row itself gives."""
        matched = [end for marker, end in processes if marker.hits[query]] or [end for marker, end in processes if marker.touched[query]]
        if matched:
            return (None if None in matched else max(end for end in matched if end is not None)), "process"
        duration = 0.0 if moment.part.is_delayed else self.timeline.duration(moment.row)
        return (round(moment.onset + duration, DIGITS), "duration") if duration > 0 else (None, "")

    def _event(self, moment: Moment, end: End, label: str) -> Event:
        return Event(self.timeline.table.recording, moment.row, moment.onset, *end, label, self.timeline.hed(moment.row))


def _after(times: Sequence[float], onset: float) -> float | None:
    """The first of some sorted times that is later than an onset."""
    place = bisect_right(times, onset)
    return times[place] if place < len(times) else None
