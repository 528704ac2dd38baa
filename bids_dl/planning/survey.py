"""Survey of a request (dry run): the recordings, events, blocks and windows that it selects.

Only text files and headers are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bids_dl import selection, source, windows
from bids_dl.config.stages import EventsConfig, SourceConfig, WindowsConfig
from bids_dl.datamodel import Block, Dropped, Event, EventRows, Failure, Header, Recording
from bids_dl.errors import SourceError, WindowError
from bids_dl.planning.headers import RecordingHeaders, read_headers, recordings_to_open
from bids_dl.planning.limits import find_recording_limits, note_coarse_boundaries
from bids_dl.planning.searched_rows import SearchedRows, read_rows, update_rows
from bids_dl.planning.size import check_window_count
from bids_dl.remote.caching.partial_file import PartialFile
from bids_dl.wording import count, describe_rows, describe_rows_html, join_names


@dataclass(frozen=True, repr=False)
class Survey:
    """Everything that a request selects, known before any sample is read.

    Attributes
    ----------
    datasets
        Sources by dataset name.
    recordings
        Recordings that were searched; each has an events.tsv, unless whole recordings are taken.
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
    partial
        By recording key, the remote files of which only the header was fetched, by path.
    annotations
        Derivative of each dataset that the rows are from. Empty if they are from events.tsv.
    events_config
        The search as requested, with a label for each value of a column that stands for them.
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
    events_config: EventsConfig
    partial: Mapping[str, Mapping[str, PartialFile]]
    annotations: Mapping[str, source.Annotations]

    def __repr__(self) -> str:
        return describe_rows("Survey", self._description())

    def _repr_html_(self) -> str:
        return describe_rows_html("Survey", self._description())

    def _description(self) -> dict[str, str]:
        """Return what a user sees of the selection, by name."""
        rows = {
            "datasets": join_names(self.datasets),
            "recordings": f"{len(self.recordings)} searched, {len(self.matched_recordings)} match",
        }
        n_events = Counter(event.label for event in self.events)
        n_windows: Counter[str] = Counter()
        for (_, name), number in self.planned_windows.counts().items():
            n_windows[name] += number
        for label in self.events_config.labels:
            described = count(n_events[label.label], "event")
            if self.window_plan is not None:
                described += f", {count(n_windows[label.label], 'window')}"
            rows[f"label {label.label}"] = described
        if self.failures:
            rows["failures"] = count(len(self.failures), "recording")
        return rows

    @property
    def matched_recordings(self) -> list[Recording]:
        """Recordings with a matching event, in order."""
        keys = {event.recording for event in self.events}
        return [recording for recording in self.recordings if recording.key in keys]

    @property
    def planned_windows(self) -> windows.WindowSequence:
        """All planned windows, none if no windows were requested."""
        if self.window_plan is None:
            return windows.WindowSequence.joined([])
        return self.window_plan.windows


def survey_sources(
    sources: Sequence[str],
    source_config: SourceConfig,
    events_config: EventsConfig,
    windows_config: WindowsConfig,
    access: source.Access | None = None,
    *,
    opens_remote: bool = True,
) -> Survey:
    """Find the recordings, events, blocks and windows that a request selects.

    A header is read only if windows, or a block that may last until the end of its recording,
    depend on it, and only of recordings that match.

    Parameters
    ----------
    sources
        BIDS folders, or addresses of archives.
    source_config, events_config, windows_config
        Recordings to search, queries, and windows.
    access
        Cache and connections for remote sources; None for the defaults.
    opens_remote
        Whether headers of remote recordings are read even if a sidecar states their length.

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
    if access is None:
        with source.open_access() as temporary:
            return survey_sources(
                sources,
                source_config,
                events_config,
                windows_config,
                temporary,
                opens_remote=opens_remote,
            )
    selection.parse_queries(events_config)
    datasets = open_sources(sources, access)
    searched = read_rows(datasets, source_config, events_config, access)
    tables = searched.tables
    selected = _select(searched, tables, windows_config, datasets)
    names_of_text = frozenset() if opens_remote else _remote_names(datasets)
    needed = recordings_to_open(
        searched.recordings,
        selected.events,
        windows_config,
        tables,
        lengths_of_text=names_of_text,
    )
    headers = read_headers(datasets, needed, access)
    if headers.by_key:  # they state exact lengths, on which the ends of events depend
        tables = update_rows(searched, datasets, headers)
        if tables != list(searched.tables):
            selected = _select(searched, tables, windows_config, datasets)
            searched = replace(searched, tables=tables)
    return _plan_windows(datasets, searched, selected, headers, windows_config)


def _plan_windows(
    datasets: Mapping[str, source.Dataset],
    searched: SearchedRows,
    selected: selection.Selection,
    headers: RecordingHeaders,
    windows_config: WindowsConfig,
) -> Survey:
    """Plan the blocks and windows of the selected events."""
    tables = searched.tables
    limits = find_recording_limits(datasets, tables, headers.by_key, selected)
    block_plan = selection.plan_blocks(
        selected,
        searched.events_config,
        {rows.recording: rows.duration for rows in tables},
        {key: limit.boundaries for key, limit in limits.items()},
        sfreqs={key: limit.sfreq for key, limit in limits.items()},
        sliding=windows_config.sliding,
    )
    window_plan = None
    if windows_config.requested:
        check_window_count(block_plan.blocks, windows_config, headers.by_key)
        window_plan = windows.plan_windows(
            selected.events, block_plan.blocks, windows_config, limits
        )
    dropped_windows = window_plan.dropped if window_plan else ()
    survey = Survey(
        datasets=datasets,
        recordings=tuple(searched.recordings),
        headers=headers.by_key,
        failures=(*searched.failures, *headers.failures),
        events=selected.events,
        blocks=block_plan.blocks,
        window_plan=window_plan,
        hed_versions=dict(selected.hed_versions),
        warnings=(
            *searched.notes,
            *selected.warnings,
            *headers.notes,
            *note_coarse_boundaries(selected, headers.by_key),
        ),
        excluded=selected.excluded,
        limits=limits,
        dropped=(*selected.dropped, *block_plan.dropped, *dropped_windows),
        event_rows={rows.recording: rows for rows in tables},
        events_config=searched.events_config,
        partial=headers.partial,
        annotations=searched.annotations,
    )
    return _with_warnings(survey, windows_config)


def _select(
    searched: SearchedRows,
    tables: Sequence[EventRows],
    windows_config: WindowsConfig,
    datasets: Mapping[str, source.Dataset],
) -> selection.Selection:
    """Select the events of some rows."""
    versions = {name: dataset.hed_version for name, dataset in datasets.items()}
    for name, derivative in searched.annotations.items():
        versions[name] = derivative.dataset.hed_version
    selected = selection.select(
        tables, searched.events_config, hed_versions=versions, sliding=windows_config.sliding
    )
    return replace(selected, boundaries={**searched.boundaries, **selected.boundaries})


def open_sources(
    sources: Sequence[str], access: source.Access | None = None
) -> dict[str, source.Dataset]:
    """Open BIDS datasets and return them by name, in the order given.

    Raises
    ------
    SourceError
        A dataset cannot be opened, or two are the same dataset.
    """
    datasets: dict[str, source.Dataset] = {}
    for path in sources:
        dataset = source.open_dataset(path, access)
        if dataset.name in datasets:
            raise SourceError(
                f"{path}: two sources are the dataset {dataset.name}; pass each dataset once, "
                "or rename the folder if they are different datasets"
            )
        datasets[dataset.name] = dataset
    return datasets


def _remote_names(datasets: Mapping[str, source.Dataset]) -> frozenset[str]:
    return frozenset(name for name, dataset in datasets.items() if dataset.remote is not None)


def labels_without_windows(survey: Survey) -> list[str]:
    """Return the labels that have an event in a readable recording, but no window.

    Recordings that cannot be read are listed as failures, with their reasons.
    """
    if survey.window_plan is None:
        return []
    broken = {failure.recording for failure in survey.failures}
    with_windows = {label for _, label in survey.planned_windows.counts()}
    with_events = {event.label for event in survey.events if event.recording not in broken}
    labels = [label.label for label in survey.events_config.labels]
    return [label for label in labels if label in with_events - with_windows]


def _with_warnings(survey: Survey, windows_config: WindowsConfig) -> Survey:
    """Add a warning for each label without a window, with which a conversion would fail."""
    warnings = [*survey.warnings]
    for label in labels_without_windows(survey):
        lines = str(no_window_error(survey, windows_config, label)).splitlines()
        warnings.append("; ".join(line.strip() for line in lines))
    return replace(survey, warnings=tuple(warnings))


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
    other_end = "" if survey.events_config.whole else "another end of the blocks (--until), "
    return WindowError(
        f"none of {count(n_events, 'event')} of {label} gives a window of "
        f"{windows_config.duration:g} s{longest}{first_reason}\n"
        f"  choose shorter windows (--window), {other_end}"
        "or windows around the events (--tmin, --tmax)"
    )
