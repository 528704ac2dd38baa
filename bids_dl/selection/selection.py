"""Queries and rows of events.tsv -> the events of a whole request.

Event-level search as in hedtools' `search_hed_objs`, but with definitions searched by name and by
content, comparisons of columns, ends of events, and an explained error if nothing matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import BOUNDARY_NAMES, IN_GAP, Dropped, Event, EventRows
from bids_dl.selection.advice.checks import check_durations, check_sidecars
from bids_dl.selection.advice.explain import Explainer
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.end_rules import EndRules
from bids_dl.selection.interval import Interval
from bids_dl.selection.queries.request import parse_queries
from bids_dl.selection.recording_events import EventSelector
from bids_dl.selection.search.timelines import parse_number
from bids_dl.selection.tables.annotated_tables import load_annotations
from bids_dl.selection.whole import find_whole_recordings

BOUNDARY_COLUMNS = ("trial_type", "value", "event_type", "type")


@dataclass(frozen=True, slots=True)
class Selection:
    """Events that a request selects.

    Attributes
    ----------
    events
        In order of recording (as given), then onset, row and label.
    hed_versions
        Dataset -> HED version that it was read with. Empty if no query contains HED.
    warnings
        One line for each kind of issue, with its count.
    excluded
        Matches of --exclude, for each label that excludes them. No window of the label may
        overlap one.
    around
        (recording, label) -> intervals that --around keeps.
    dropped
        Events that match and are left out.
    boundaries
        Recording -> onsets in s of the rows of events.tsv named boundary.
    """

    events: tuple[Event, ...]
    hed_versions: dict[str, str]
    warnings: tuple[str, ...]
    excluded: tuple[Event, ...] = ()
    around: Mapping[tuple[str, str], tuple[Interval, ...]] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    boundaries: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def select(
    tables: Sequence[EventRows],
    config: EventsConfig,
    *,
    hed_versions: Mapping[str, str | list[str] | None],
    sliding: bool,
) -> Selection:
    """Select every event that the queries of the labels match, or every whole recording.

    Parameters
    ----------
    tables
        Rows of each recording. The dataset of a table is its recording up to the first "/".
    config
        Queries and options of the labels.
    hed_versions
        Dataset -> HEDVersion of its dataset_description.json.
    sliding
        True for sliding windows. An event that no annotation ends then ends with the next row or
        the recording.

    Raises
    ------
    QueryError
        If a query cannot be parsed, or contains a word that is not in any HED schema, definition
        or value of the tables, or compares a column or value that no table has.
    NoMatchError
        If a query contains HED and there are no HED annotations, or if a label matches nothing;
        the message names the closest tags in use.
    EventError
        If two labels match one event and ``config.overlap`` is ``"error"``.
    ConfigError, SourceError
        If a HED schema version is not available or, with ``config.hed_strict``, if annotations do
        not validate.

    Examples
    --------
    >>> from bids_dl.config.stages import LabelConfig
    >>> rows = EventRows("ds/a", {"onset": ("1", "2"), "HED": ("Red", "Blue")}, {})
    >>> config = EventsConfig(labels=(LabelConfig("red", "Red"),))
    >>> selection = select([rows], config, hed_versions={"ds": "8.3.0"}, sliding=False)
    >>> [(event.onset, event.label) for event in selection.events]
    [(1.0, 'red')]
    """
    queries = parse_queries(config)
    issues = IssueCounter()
    if config.whole and not queries.row_queries:
        recordings, _ = find_whole_recordings(tables, config.labels[0], {})
        boundaries = find_boundaries(tables)
        _check_boundaries(tables, issues)
        return Selection(tuple(recordings), {}, issues.lines(), boundaries=boundaries)
    annotated = load_annotations(tables, config, hed_versions, issues, queries)
    explainer = Explainer(annotated, config, issues, tables)
    explainer.check_words(queries)
    check_sidecars(annotated, issues, strict=config.hed_strict)
    timelines = annotated.search(queries.row_queries, issues, state_queries=queries.state_queries)
    explainer.check_matches(queries, timelines)
    events: list[Event] = []
    excluded: list[Event] = []
    dropped: list[Dropped] = []
    around: dict[tuple[str, str], tuple[Interval, ...]] = {}
    for timeline in timelines:
        end_rules = EndRules(timeline, queries, sliding)
        selected = EventSelector(timeline, config, queries, end_rules).select()
        events += selected.events
        excluded += selected.excluded
        dropped += selected.dropped
        for label, intervals in selected.around.items():
            around[timeline.table.recording, label] = intervals
    if config.whole:
        events, dropped = find_whole_recordings(tables, config.labels[0], around)
    explainer.check_remaining(events, dropped)
    check_durations(timelines, events, issues)
    _check_boundary_events(tables, events, issues)
    for line in queries.aliases:
        issues.warn(line)
    return Selection(
        events=tuple(events),
        hed_versions=dict(annotated.versions),
        warnings=issues.lines(),
        excluded=tuple(excluded),
        around=around,
        dropped=tuple(dropped),
        boundaries=find_boundaries(tables),
    )


def find_boundaries(tables: Sequence[EventRows]) -> dict[str, tuple[float, ...]]:
    """Find the rows named boundary, which EEGLAB writes where data were cut out.

    Parameters
    ----------
    tables
        Rows of each recording.

    Returns
    -------
    dict
        Onsets in s by recording, of the recordings that have any.
    """
    boundaries = {}
    for table in tables:
        onsets = set()
        for row in _boundary_rows(table):
            onset = parse_number(table.columns["onset"][row])
            if onset is not None:
                onsets.add(onset)
        if onsets:
            boundaries[table.recording] = tuple(sorted(onsets))
    return boundaries


def _check_boundaries(tables: Sequence[EventRows], issues: IssueCounter) -> None:
    """Count the rows named boundary whose onset is not a number, if no other rows are read."""
    for table in tables:
        for row in _boundary_rows(table):
            onset = table.columns["onset"][row]
            if onset != IN_GAP and parse_number(onset) is None:
                issues.add("bad_onset", f"row {row} of {table.recording}")


def _check_boundary_events(
    tables: Sequence[EventRows], events: Sequence[Event], issues: IssueCounter
) -> None:
    """Count the rows named boundary that a query selects, such as NOT COLUMN==VALUE."""
    rows_by_recording = {table.recording: _boundary_rows(table) for table in tables}
    for event in events:
        if event.row in rows_by_recording.get(event.recording, ()):
            issues.add("boundary_event", f"row {event.row} of {event.recording}")


def _boundary_rows(table: EventRows) -> set[int]:
    """Return the rows that a column names boundary."""
    if "onset" not in table.columns:
        return set()
    rows = set()
    for name in BOUNDARY_COLUMNS:
        for row, cell in enumerate(table.columns.get(name, ())):
            if cell.strip().casefold() in BOUNDARY_NAMES:
                rows.add(row)
    return rows
