"""Survey of a request (dry run): the recordings, events, blocks and windows that it selects.

Only text files and headers are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bids_dl import selection, source, windows
from bids_dl.config.stages import EventsConfig, SourceConfig, WindowsConfig
from bids_dl.datamodel import Block, Dropped, Event, EventRows, Failure, Header, Recording, Window
from bids_dl.errors import EventError, RecordingError, SourceError, WindowError
from bids_dl.planning.limits import find_recording_limits
from bids_dl.planning.shared_notes import SharedNotes
from bids_dl.planning.size import check_window_count


@dataclass(frozen=True)
class Survey:
    """Everything that a request selects, known before any sample is read.

    Attributes
    ----------
    datasets
        Sources by dataset name.
    recordings
        Recordings that were searched; each has an events.tsv.
    headers
        By recording key, of the recordings that matched and whose signal file could be opened.
    failures
        Recordings whose events.tsv could not be read, or that matched and whose header could not.
    window_plan
        Planned windows, dropped windows and open blocks; None if no windows were requested.
    excluded
        Matches of ``--exclude``, for each label that excludes them.
    limits
        Rate, length and boundaries by recording key, as far as they are known.
    dropped
        All matching events, blocks and windows that are left out.
    event_rows
        The events.tsv by recording key.
    """

    datasets: Mapping[str, source.Dataset]
    recordings: tuple[Recording, ...]
    headers: Mapping[str, Header]
    failures: tuple[Failure, ...]
    events: tuple[Event, ...]
    blocks: tuple[Block, ...]
    window_plan: windows.WindowPlan | None
    hed_versions: Mapping[str, str]
    warnings: tuple[str, ...]
    excluded: tuple[Event, ...]
    limits: Mapping[str, windows.RecordingLimits]
    dropped: tuple[Dropped, ...]
    event_rows: Mapping[str, EventRows]

    @property
    def matched_recordings(self) -> list[Recording]:
        """Recordings with a matching event, in order."""
        keys = {event.recording for event in self.events}
        return [recording for recording in self.recordings if recording.key in keys]

    @property
    def planned_windows(self) -> tuple[Window, ...]:
        """All planned windows, none if no windows were requested."""
        return self.window_plan.windows if self.window_plan else ()


@dataclass(frozen=True)
class _Headers:
    """Headers by recording key, failures to read one, and notes for the user."""

    by_key: Mapping[str, Header]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def survey_sources(
    sources: Sequence[str],
    source_config: SourceConfig,
    events_config: EventsConfig,
    windows_config: WindowsConfig,
) -> Survey:
    """Find the recordings, events, blocks and windows that a request selects.

    A header is read only if windows, or a block that may last until the end of its recording,
    depend on it, and only of recordings that match.

    Parameters
    ----------
    sources
        BIDS folders.
    source_config, events_config, windows_config
        Recordings to search, queries, and windows.

    Raises
    ------
    RequestError
        A query is wrong, a source does not exist, nothing matches, or labels overlap.

    Examples
    --------
    >>> from bids_dl.config import parsing
    >>> from bids_dl.demo import sample_folder
    >>> survey = survey_sources(
    ...     [str(sample_folder())],
    ...     parsing.parse_source({"subject": ["001"]}),
    ...     parsing.parse_events({"hed": "Eyes-closed"}),
    ...     parsing.parse_windows({"window": 2}),
    ... )
    >>> len(survey.recordings), len(survey.window_plan.windows)
    (2, 30)
    """
    selection.parse_queries(events_config)
    datasets = open_sources(sources)
    candidates, warnings = _find_searchable(datasets, source_config)
    tables, searched, unreadable = _read_tables(datasets, candidates)
    versions = {name: dataset.hed_version for name, dataset in datasets.items()}
    is_sliding = windows_config.sliding
    selected = selection.select(tables, events_config, hed_versions=versions, sliding=is_sliding)
    headers = _read_headers(datasets, searched, selected.events, windows_config)
    if headers.by_key:  # they state exact lengths, on which the ends of events depend
        tables = [_with_duration(rows, headers.by_key) for rows in tables]
        selected = selection.select(
            tables, events_config, hed_versions=versions, sliding=is_sliding
        )
    limits = find_recording_limits(datasets, tables, headers.by_key, selected)
    block_plan = selection.plan_blocks(
        selected,
        events_config,
        {rows.recording: rows.duration for rows in tables},
        {key: limit.boundaries for key, limit in limits.items()},
        sliding=is_sliding,
    )
    window_plan = None
    if windows_config.requested:
        check_window_count(block_plan.blocks, windows_config, headers.by_key)
        window_plan = windows.plan_windows(
            selected.events, block_plan.blocks, windows_config, limits
        )
    dropped_windows = window_plan.dropped if window_plan else ()
    return Survey(
        datasets=datasets,
        recordings=tuple(searched),
        headers=headers.by_key,
        failures=(*unreadable, *headers.failures),
        events=selected.events,
        blocks=block_plan.blocks,
        window_plan=window_plan,
        hed_versions=dict(selected.hed_versions),
        warnings=(*warnings, *selected.warnings, *headers.notes),
        excluded=selected.excluded,
        limits=limits,
        dropped=(*selected.dropped, *block_plan.dropped, *dropped_windows),
        event_rows={rows.recording: rows for rows in tables},
    )


def open_sources(sources: Sequence[str]) -> dict[str, source.Dataset]:
    """Open BIDS folders and return them by dataset name, in the order given.

    Raises
    ------
    SourceError
        A folder cannot be opened, or two are the same dataset.
    """
    datasets: dict[str, source.Dataset] = {}
    for path in sources:
        dataset = source.open_dataset(path)
        if dataset.name in datasets:
            raise SourceError(
                f"{path}: two sources are the dataset {dataset.name}; pass each dataset once, "
                "or rename the folder if they are different datasets"
            )
        datasets[dataset.name] = dataset
    return datasets


def _find_searchable(
    datasets: Mapping[str, source.Dataset], source_config: SourceConfig
) -> tuple[list[Recording], list[str]]:
    """Find the recordings that can be searched for events, and warn about the others.

    Raises
    ------
    SourceError
        All recordings are MEG.
    EventError
        No recording has an events.tsv.
    """
    found: list[Recording] = []
    warnings: list[str] = []
    for dataset in datasets.values():
        listing = source.list_recordings(dataset, source_config)
        found += listing.recordings
        warnings += listing.notes
    names = ", ".join(datasets)
    readable = [recording for recording in found if recording.datatype != "meg"]
    if not readable:
        raise SourceError(
            f"{names}: all of {len(found)} recordings are MEG, which is not supported; "
            "only EEG and iEEG are"
        )
    searchable = [recording for recording in readable if recording.events]
    n_meg = len(found) - len(readable)
    if n_meg:
        warnings.append(
            f"skipped {n_meg} of {len(found)} recordings: they are MEG, only EEG and iEEG are read"
        )
    n_without_events = len(readable) - len(searchable)
    if n_without_events:
        warnings.append(
            f"skipped {n_without_events} of {len(readable)} recordings: they have no events.tsv"
        )
    if not searchable:
        raise EventError(
            f"{names}: none of {len(readable)} recordings has an events.tsv; "
            "HED queries select its rows"
        )
    return searchable, warnings


def _read_tables(
    datasets: Mapping[str, source.Dataset], recordings: Sequence[Recording]
) -> tuple[list[EventRows], list[Recording], list[Failure]]:
    """Read the events.tsv of each recording.

    Returns
    -------
    tables : list of EventRows
    readable : list of Recording
        The recording of each table.
    failures : list of Failure
        Recordings whose text files cannot be read.

    Raises
    ------
    SourceError
        No events.tsv can be read.
    """
    tables: list[EventRows] = []
    readable: list[Recording] = []
    failures: list[Failure] = []
    for recording in recordings:
        try:
            tables.append(source.read_event_rows(datasets[recording.dataset], recording))
            readable.append(recording)
        except (RecordingError, SourceError) as problem:
            failures.append(_failure(recording, problem, "events"))
    if failures and not tables:
        raise SourceError(failures[0].reason)
    return tables, readable, failures


def _read_headers(
    datasets: Mapping[str, source.Dataset],
    recordings: Sequence[Recording],
    events: Sequence[Event],
    windows_config: WindowsConfig,
) -> _Headers:
    """Read the headers of the recordings whose length or rate decides something."""
    needed = set()
    for event in events:
        may_run_to_end = event.end is None and bool(event.end_rule)
        if windows_config.requested or may_run_to_end:
            needed.add(event.recording)
    headers: dict[str, Header] = {}
    failures: list[Failure] = []
    notes = SharedNotes()
    for recording in recordings:
        if recording.key not in needed or recording.signal is None:
            continue
        try:
            report = source.read_header_with_notes(datasets[recording.dataset], recording)
        except (RecordingError, SourceError) as problem:
            failures.append(_failure(recording, problem, "header"))
            continue
        headers[recording.key] = report.header
        for note in report.notes:
            notes.add(recording.key, note)
    return _Headers(headers, tuple(failures), tuple(notes.lines()))


def _failure(recording: Recording, problem: RecordingError | SourceError, stage: str) -> Failure:
    if isinstance(problem, RecordingError):
        return Failure(recording.key, problem.stage, problem.reason, problem.transient)
    return Failure(recording.key, stage, str(problem))


def _with_duration(rows: EventRows, headers: Mapping[str, Header]) -> EventRows:
    """Set the duration of a recording to that of its header, if it was read."""
    header = headers.get(rows.recording)
    return replace(rows, duration=header.duration) if header else rows


def no_window_error(survey: Survey, windows_config: WindowsConfig, label: str) -> WindowError:
    """Return the error of a label without any window, with its numbers."""
    n_events = [event.label for event in survey.events].count(label)
    max_length: float | None = None
    for block in survey.blocks:
        if block.label == label and block.end is not None:
            max_length = max(max_length or 0.0, block.end - block.onset)
    longest = ""
    if max_length is not None and windows_config.sliding:
        longest = f"; the longest block lasts {max_length:.3f} s"
    first_reason = ""
    for dropped in survey.dropped:
        if dropped.label == label:
            first_reason = f"; the first: {dropped.reason}"
            break
    return WindowError(
        f"none of {n_events} events of {label} gives a window of {windows_config.duration:g} s"
        f"{longest}{first_reason}\n"
        "  choose shorter windows (--window), another end of the blocks (--until), "
        "or windows around the events (--tmin, --tmax)"
    )
