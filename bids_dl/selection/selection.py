"""Queries and rows of events.tsv -> the events of a whole request.

Event-level search as in hedtools' `search_hed_objs`, but with definitions searched by name and by
content, ends of events, and an explained error if nothing matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import Dropped, Event, EventRows
from bids_dl.selection.annotated_tables import load_annotations
from bids_dl.selection.checks import check_durations, check_sidecars
from bids_dl.selection.end_rules import EndRules
from bids_dl.selection.explain import Explainer
from bids_dl.selection.interval import Interval
from bids_dl.selection.issues import IssueCounter
from bids_dl.selection.queries.request import parse_queries
from bids_dl.selection.recording_events import EventSelector
from bids_dl.selection.timelines import parse_number

BOUNDARY_COLUMNS = ("trial_type", "value", "event_type", "type")


@dataclass(frozen=True, slots=True)
class Selection:
    """Events that a request selects.

    Attributes
    ----------
    events
        In order of recording (as given), then onset, row and label.
    hed_versions
        Dataset -> HED version that it was read with.
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
    """Select every event that the queries of the labels match.

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
        or value of the tables.
    NoMatchError
        If there are no HED annotations, or if a label matches nothing; the message names the
        closest tags in use.
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
    annotated = load_annotations(tables, config, hed_versions, issues)
    explainer = Explainer(annotated, config, issues)
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
    explainer.check_remaining(events, dropped)
    check_durations(timelines, events, issues)
    for line in queries.aliases:
        issues.warn(line)
    return Selection(
        events=tuple(events),
        hed_versions=dict(annotated.versions),
        warnings=issues.lines(),
        excluded=tuple(excluded),
        around=around,
        dropped=tuple(dropped),
        boundaries=_find_boundaries(tables),
    )


def _find_boundaries(tables: Sequence[EventRows]) -> dict[str, tuple[float, ...]]:
    """Return recording -> onsets in s of rows named boundary, for the recordings that have any.

    EEGLAB writes such a row where data were cut out.
    """
    boundaries = {}
    for table in tables:
        if onsets := _boundary_onsets(table):
            boundaries[table.recording] = tuple(sorted(onsets))
    return boundaries


def _boundary_onsets(table: EventRows) -> set[float]:
    onsets = set()
    for name in BOUNDARY_COLUMNS:
        cells = zip(table.columns.get("onset", ()), table.columns.get(name, ()), strict=False)
        for onset, cell in cells:
            if cell.casefold() != "boundary":
                continue
            seconds = parse_number(onset)
            if seconds is not None:
                onsets.add(seconds)
    return onsets
