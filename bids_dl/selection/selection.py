"""Queries and tables -> Event: what matches in a whole request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import Dropped, Event, EventRows
from bids_dl.selection.checks import check_durations, check_sidecars
from bids_dl.selection.end_rules import Ends
from bids_dl.selection.explain import Explainer
from bids_dl.selection.issues import IssueCounter
from bids_dl.selection.queries.request import number_queries, parse
from bids_dl.selection.recording_events import EventSelector
from bids_dl.selection.states import Interval
from bids_dl.selection.timelines import gather, number

BOUNDARY_COLUMNS = ("trial_type", "value", "event_type", "type")


@dataclass(frozen=True, slots=True)
class Selection:
    """The events a request matches."""

    events: tuple[Event, ...]  # in order of recording (as given), then onset, row
    hed_versions: dict[str, str]  # dataset -> version used
    warnings: tuple[str, ...]  # one line each, counted, not one per row
    excluded: tuple[
        Event, ...
    ] = ()  # what --exclude matches; no window of its label may overlap it
    near: Mapping[tuple[str, str], tuple[Interval, ...]] = field(
        default_factory=dict
    )  # (recording, label) -> what --around keeps
    dropped: tuple[Dropped, ...] = ()  # events that match and are left out
    boundaries: Mapping[str, tuple[float, ...]] = field(
        default_factory=dict
    )  # recording -> s, rows of events.tsv named boundary


def select(
    tables: Sequence[EventRows],
    config: EventsConfig,
    *,
    hed_versions: Mapping[str, str | list[str] | None],
    sliding: bool,
) -> Selection:
    """Find every event that the labels' queries match.

    Parameters
    ----------
    tables
        The dataset of a table is its recording up to the first "/".
    hed_versions
        HEDVersion of each dataset's dataset_description.json.
    sliding
        Whether sliding windows are asked for: then an event without an end of its own ends with the next row, or the recording.

    Raises
    ------
    QueryError
        If a query cannot be read, or holds a word that no HED schema, definition or value here has.
    NoMatchError
        If there are no HED annotations, or a label matches nothing, with the closest things in use.
    EventError
        If two labels match one event and ``config.overlap`` is ``"error"``.
    ConfigError, SourceError
        If there is no HED schema of the version wanted, or, with ``config.hed_strict``, if annotations do not validate.
    """
    queries = parse(config)
    searched = number_queries(queries)
    findings = IssueCounter()
    corpus = gather(tables, config, hed_versions, findings)
    explainer = Explainer(corpus, config, findings)
    explainer.check_words(queries)
    check_sidecars(corpus, findings, strict=config.hed_strict)
    timelines = corpus.timelines(searched.flat, findings, states=searched.states)
    explainer.check_counts(searched, timelines)
    choosers = [
        EventSelector(timeline, config, searched, Ends(timeline, searched, sliding))
        for timeline in timelines
    ]
    events = tuple(event for chooser in choosers for event in chooser.events())
    dropped = tuple(one for chooser in choosers for one in chooser.dropped)
    explainer.check_left(events, dropped)
    check_durations(timelines, events, findings)
    for line in queries.aliases:
        findings.tell(line)
    return Selection(
        events,
        dict(corpus.versions),
        findings.lines(),
        tuple(event for chooser in choosers for event in chooser.excluded()),
        {
            (c.timeline.table.recording, config.labels[label].label): near
            for c in choosers
            for label, near in c.near.items()
        },
        dropped,
        {table.recording: found for table in tables if (found := _boundaries(table))},
    )


def _boundaries(table: EventRows) -> tuple[float, ...]:
    """Rows named boundary, as EEGLAB writes them where data were cut out; in s."""
    found = {
        number(onset)
        for name in BOUNDARY_COLUMNS
        for onset, cell in zip(
            table.columns.get("onset", ()), table.columns.get(name, ()), strict=False
        )
        if cell.casefold() == "boundary"
    }
    return tuple(sorted(time for time in found if time is not None))
