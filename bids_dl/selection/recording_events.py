"""What matches in one recording -> Event: which moments the labels take, and what --exclude, --during, --around and --overlap leave out."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import Dropped, Event
from bids_dl.errors import EventError
from bids_dl.selection.end_rules import End, Ends
from bids_dl.selection.processes import Moment, Process
from bids_dl.selection.queries.grammar import quoted
from bids_dl.selection.queries.request import QueryIndex
from bids_dl.selection.states import Interval
from bids_dl.selection.timelines import Timeline


@dataclass(slots=True)
class EventSelector:
    """Turns the matches in one recording into events.

    Attributes
    ----------
    near
        Label -> the stretches that --around keeps, in order of time.
    dropped
        What was left out, once `events` is through.
    """

    timeline: Timeline
    config: EventsConfig
    searched: QueryIndex
    ends: Ends
    near: dict[int, tuple[Interval, ...]] = field(init=False)
    dropped: list[Dropped] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.near = {
            label: self._near(query, label) for label, query in self.searched.around.items()
        }

    def events(self) -> Iterator[Event]:
        """In order of onset, row and label.

        Raises
        ------
        EventError
            If two labels match one event, unless ``config.overlap`` allows it.
        """
        banned = self._banned()
        for moment, processes in self._moments():
            left = []
            for label in (label for label in self.searched.labels if moment.part.hits[label]):
                event = self._event(moment, self.ends.of(moment, processes, label), label)
                if (moment.row, label) in banned:
                    self._drop(event, "exclude", "its row matches --exclude")
                elif reason := self._unwanted(event, label):
                    self._drop(event, *reason)
                else:
                    left.append(event)
            for event in self._untangled(moment, left):
                yield replace(event, hed=self.timeline.hed(event.row))

    def excluded(self) -> Iterator[Event]:
        """What --exclude matches, for each label that excludes it: as long as its process or duration, else a moment."""
        for moment, processes in self._moments():
            for label, queries in self.searched.exclude.items():
                ends = [
                    self.ends.own(moment, processes, query)
                    for query in queries
                    if moment.part.hits[query]
                ]
                if ends:
                    yield self._event(moment, next((end for end in ends if end[1]), ends[0]), label)

    def _moments(self) -> Iterator[tuple[Moment, Sequence[Process]]]:
        return zip(self.timeline.moments, self.timeline.processes, strict=True)

    def _banned(self) -> set[tuple[int, int]]:
        """Rows that a label excludes, by any of their moments."""
        asked = [(label, queries) for label, queries in self.searched.exclude.items() if queries]
        return {
            (moment.row, label)
            for moment in (self.timeline.moments if asked else ())
            for label, queries in asked
            if any(moment.part.hits[query] for query in queries)
        }

    def _unwanted(self, event: Event, label: int) -> tuple[str, str] | None:
        """Cause and reason to leave an event out for where it lies."""
        during, around = self.searched.queries[label].during, self.config.labels[label].around
        if during and not _holds(self.timeline.states[self.searched.during[label]], event.onset):
            return "during", f"--during {quoted(during.text)} does not hold when it begins"
        if around and not _touches(self.near[label], event):
            return "around", f"it is farther than {around[1]:g} s from every match of --around"
        return None

    def _untangled(self, moment: Moment, events: list[Event]) -> list[Event]:
        """The events of one moment that may stand side by side."""
        if len(events) < 2 or self.config.overlap == "each":
            return events
        if self.config.overlap == "error":
            raise EventError(
                f"{self.timeline.table.recording}: event at {moment.onset:.3f} s (row {moment.row}) matches "
                f"{' and '.join(event.label for event in events)};\n"
                "  queries must not overlap: narrow one of them, or give --overlap first or --overlap each"
            )
        for event in events[1:]:
            self._drop(
                event, "overlap", f"{events[0].label} matches too and comes first (--overlap first)"
            )
        return events[:1]

    def _near(self, query: int, label: int) -> tuple[Interval, ...]:
        """What lies near the matches of an --around query, overlapping stretches joined."""
        around = self.config.labels[label].around
        seconds = around[1] if around else 0.0
        found: list[Interval] = []
        for moment, processes in self._moments():
            if moment.part.hits[query]:
                end, rule = self.ends.own(moment, processes, query)
                last = moment.onset if not rule else math.inf if end is None else end
                start, stop = moment.onset - seconds, last + seconds
                if found and start <= found[-1][1]:
                    found[-1] = found[-1][0], max(found[-1][1], stop)
                else:
                    found.append((start, stop))
        return tuple(found)

    def _event(self, moment: Moment, end: End, label: int) -> Event:
        name = self.config.labels[label].label
        return Event(self.timeline.table.recording, moment.row, moment.onset, *end, name)

    def _drop(self, event: Event, cause: str, reason: str) -> None:
        self.dropped.append(
            Dropped(event.recording, event.row, event.onset, event.label, "event", cause, reason)
        )


def _holds(stretches: Sequence[Interval], onset: float) -> bool:
    place = bisect_right(stretches, (onset, math.inf))
    return place > 0 and onset < stretches[place - 1][1]


def _touches(stretches: Sequence[Interval], event: Event) -> bool:
    """Whether any of an event lies in some stretches."""
    last = event.onset if not event.end_rule else math.inf if event.end is None else event.end
    if last <= event.onset:
        return any(start <= event.onset <= end for start, end in stretches)
    return any(event.onset < end and start < last for start, end in stretches)
