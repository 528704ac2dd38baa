"""Whole recordings (--whole): one event from the first to the last sample of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bids_dl.config.stages import LabelConfig
from bids_dl.datamodel import NO_ROW, Dropped, Event, EventRows
from bids_dl.selection.interval import Interval, event_interval, overlaps_any

Around = Mapping[tuple[str, str], Sequence[Interval]]
"""(recording, label) -> intervals that --around keeps."""


def find_whole_recordings(
    tables: Sequence[EventRows], label: LabelConfig, around: Around
) -> tuple[list[Event], list[Dropped]]:
    """Return one event for each recording, from its start to its end.

    Parameters
    ----------
    tables
        Tables of the recordings, which may be empty.
    label
        The only label.
    around
        Intervals that ``label.around`` keeps. A recording that overlaps none is dropped.

    Returns
    -------
    events : list of Event
        Their ``row`` is `NO_ROW`, and their ``end`` is None if the length is unknown.
    dropped : list of Dropped
        Recordings that --around leaves out.

    Examples
    --------
    >>> tables = [EventRows("ds/a", {}, {}, duration=60.0)]
    >>> [event], _ = find_whole_recordings(tables, LabelConfig("recording", "--whole"), {})
    >>> event.onset, event.end, event.end_rule
    (0.0, 60.0, 'recording')
    """
    events = []
    dropped = []
    for table in tables:
        name = table.recording
        event = Event(name, NO_ROW, 0.0, table.duration, "recording", label.label)
        interval = event_interval(event.onset, event.end, event.end_rule)
        if label.around and not overlaps_any(interval, around.get((name, label.label), ())):
            reason = (
                f"all of it is more than {label.around[1]:g} s away from every match of --around"
            )
            dropped.append(Dropped(name, NO_ROW, 0.0, label.label, "event", "around", reason))
        else:
            events.append(event)
    return events, dropped
