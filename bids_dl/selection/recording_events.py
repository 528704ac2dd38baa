"""The matches of one recording -> its events.

Applies what an option says about a whole event: --exclude, --during, --around and --overlap. An
event is a row of events.tsv, or what a Delay splits off it, as in hedtools' `EventManager`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import Dropped, Event
from bids_dl.errors import EventError
from bids_dl.selection.end_rules import EndRules, EventEnd
from bids_dl.selection.interval import Interval, contains, event_interval, join, overlaps_any
from bids_dl.selection.queries.query import quote
from bids_dl.selection.queries.request import QueryIndex
from bids_dl.selection.search.processes import Occurrence, Process
from bids_dl.selection.search.timelines import Timeline


@dataclass(frozen=True, slots=True)
class RecordingEvents:
    """Events of one recording."""

    events: tuple[Event, ...]  # in order of onset, row and label
    excluded: tuple[Event, ...]  # matches of --exclude, for each label that excludes them
    around: Mapping[str, tuple[Interval, ...]]  # label -> what --around keeps
    dropped: tuple[Dropped, ...]  # events that match a label and are left out


@dataclass(slots=True)
class EventSelector:
    """Selects the events of one recording from its matches."""

    timeline: Timeline
    config: EventsConfig
    queries: QueryIndex
    end_rules: EndRules
    _around: dict[int, tuple[Interval, ...]] = field(init=False)
    _excluded_rows: set[tuple[int, int]] = field(init=False)  # (row, label)
    _dropped: list[Dropped] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._around = {
            label: self._intervals_around(query, self._distance(label))
            for label, query in self.queries.around.items()
        }
        self._excluded_rows = self._find_excluded_rows()

    def select(self) -> RecordingEvents:
        """Select the events of every label.

        Raises
        ------
        EventError
            If two labels match one event, unless ``config.overlap`` allows it.
        """
        self._dropped.clear()
        events = () if self.config.whole else tuple(self._events())
        around = {self.config.labels[label].label: kept for label, kept in self._around.items()}
        return RecordingEvents(events, tuple(self._excluded()), around, tuple(self._dropped))

    def _events(self) -> Iterator[Event]:
        for occurrence, processes in self._matches():
            events = []
            for label in range(len(self.queries.labels)):
                if not occurrence.annotation.matches[label]:
                    continue
                end = self.end_rules.end_of(occurrence, processes, label)
                event = self._event(occurrence, end, label)
                if self._is_kept(event, label):
                    events.append(event)
            for event in self._resolve_labels(occurrence, events):
                yield replace(event, hed=self.timeline.hed(event.row))

    def _excluded(self) -> Iterator[Event]:
        """Yield the matches of --exclude for each label, with their annotated ends."""
        for occurrence, processes in self._matches():
            for label, queries in self.queries.exclude.items():
                ends = [
                    self.end_rules.annotated_end(occurrence, processes, query)
                    for query in queries
                    if occurrence.annotation.matches[query]
                ]
                if ends:
                    end = next((end for end in ends if end.rule), ends[0])
                    yield self._event(occurrence, end, label)

    def _matches(self) -> Iterator[tuple[Occurrence, Sequence[Process]]]:
        """Yield every occurrence that any query matches, and the processes that it begins."""
        return zip(self.timeline.occurrences, self.timeline.processes, strict=True)

    def _find_excluded_rows(self) -> set[tuple[int, int]]:
        """Return (row, label) of the rows of which any occurrence matches --exclude of a label."""
        rows = set()
        for label, queries in self.queries.exclude.items():
            if not queries:
                continue
            for occurrence in self.timeline.occurrences:
                if occurrence.matches_any_of(queries):
                    rows.add((occurrence.row, label))
        return rows

    def _is_kept(self, event: Event, label: int) -> bool:
        """Return whether the options keep an event, and record the reason if not."""
        during = self.queries.labels[label].during
        if (event.row, label) in self._excluded_rows:
            self._drop(event, "exclude", "its row matches --exclude")
            return False
        if during and not self._state_holds(label, event.onset):
            reason = f"--during {quote(during.text)} does not hold at its onset"
            self._drop(event, "during", reason)
            return False
        interval = event_interval(event.onset, event.end, event.end_rule)
        if label in self._around and not overlaps_any(interval, self._around[label]):
            distance = self._distance(label)
            reason = f"it is more than {distance:g} s away from every match of --around"
            self._drop(event, "around", reason)
            return False
        return True

    def _state_holds(self, label: int, time: float) -> bool:
        return contains(self.timeline.states[self.queries.during[label]], time)

    def _resolve_labels(self, occurrence: Occurrence, events: list[Event]) -> list[Event]:
        """Return the events of one occurrence that --overlap keeps."""
        if len(events) < 2 or self.config.overlap == "each":
            return events
        first = events[0]
        if self.config.overlap == "error":
            labels = " and ".join(event.label for event in events)
            raise EventError(
                f"{first.recording}: event at {occurrence.onset:.3f} s (row {occurrence.row}) "
                f"matches {labels};\n"
                "  queries must not overlap: narrow one of them, "
                "or give --overlap first or --overlap each"
            )
        for event in events[1:]:
            reason = f"{first.label} matches too and comes first (--overlap first)"
            self._drop(event, "overlap", reason)
        return [first]

    def _distance(self, label: int) -> float:
        """Return the distance of --around in s."""
        around = self.config.labels[label].around
        return around[1] if around else 0.0

    def _intervals_around(self, query: int, distance: float) -> tuple[Interval, ...]:
        """Return the intervals within a distance of the matches of a query, joined."""
        intervals = []
        for occurrence, processes in self._matches():
            if occurrence.annotation.matches[query]:
                end = self.end_rules.annotated_end(occurrence, processes, query)
                start, stop = event_interval(occurrence.onset, end.time, end.rule)
                intervals.append(Interval(start - distance, stop + distance))
        return join(intervals)

    def _event(self, occurrence: Occurrence, end: EventEnd, label: int) -> Event:
        return Event(
            recording=self.timeline.table.recording,
            row=occurrence.row,
            onset=occurrence.onset,
            end=end.time,
            end_rule=end.rule,
            label=self.config.labels[label].label,
        )

    def _drop(self, event: Event, option: str, reason: str) -> None:
        self._dropped.append(
            Dropped(event.recording, event.row, event.onset, event.label, "event", option, reason)
        )
