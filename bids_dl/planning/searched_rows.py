"""Rows of the recordings that a request searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bids_dl import selection, source
from bids_dl.config.stages import EventsConfig, SourceConfig
from bids_dl.datamodel import EventRows, Failure, Recording
from bids_dl.errors import EventError, RecordingError, SourceError
from bids_dl.planning.headers import RecordingHeaders, failure_of
from bids_dl.wording import count


@dataclass(frozen=True)
class SearchedRows:
    """Rows of the recordings to search, in order.

    Attributes
    ----------
    recordings
        The recording of each table.
    failures
        Recordings whose text files cannot be read.
    events_config
        Queries, in which every class is known.
    notes
        One line for each fact to tell the user.
    annotations
        Derivative of each dataset that the rows are from. Empty if they are from events.tsv.
    boundaries
        Onsets in s of the rows of events.tsv named boundary, by recording, if the rows are from
        elsewhere.
    """

    tables: Sequence[EventRows]
    recordings: Sequence[Recording]
    failures: tuple[Failure, ...]
    events_config: EventsConfig
    notes: tuple[str, ...]
    annotations: Mapping[str, source.Annotations] = field(default_factory=dict)
    boundaries: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def read_rows(
    datasets: Mapping[str, source.Dataset],
    source_config: SourceConfig,
    events_config: EventsConfig,
    access: source.Access | None = None,
) -> SearchedRows:
    """Find the recordings to search, and read their rows with the HED that is added to them.

    Parameters
    ----------
    datasets
        Datasets by name.
    source_config, events_config
        Recordings to search, and queries.
    access
        Cache and connections, for annotations that are no local folder.

    Raises
    ------
    RequestError
        No recording can be searched.
    """
    annotations: dict[str, source.Annotations] = {}
    if events_config.annotations is not None:
        annotations = source.open_annotations(events_config.annotations, list(datasets), access)
    candidates, warnings = _find_searchable(
        datasets, source_config, annotations, needs_events=not events_config.whole
    )
    tables, recordings, failures = _read_tables(datasets, candidates)
    boundaries: dict[str, tuple[float, ...]] = {}
    if annotations:
        boundaries = selection.find_boundaries(tables)
        tables, recordings, problems = _read_annotations(datasets, annotations, recordings)
        failures += problems
    tables, sidecar_notes = selection.add_hed(tables, events_config.hed_sidecar)
    events_config, column_notes = selection.expand_columns(tables, events_config)
    notes = (*warnings, *sidecar_notes, *column_notes)
    return SearchedRows(
        tables, recordings, tuple(failures), events_config, notes, annotations, boundaries
    )


def _find_searchable(
    datasets: Mapping[str, source.Dataset],
    source_config: SourceConfig,
    annotations: Mapping[str, source.Annotations],
    *,
    needs_events: bool,
) -> tuple[list[Recording], list[str]]:
    """Find the recordings that can be searched for events, and warn about the others.

    Raises
    ------
    SourceError
        All recordings are MEG.
    EventError
        No recording has the events.tsv that it needs.
    """
    found: list[Recording] = []
    warnings: list[str] = []
    for dataset in datasets.values():
        warnings += dataset.notes
        listing = source.list_recordings(dataset, source_config)
        found += listing.recordings
        warnings += listing.notes
    names = ", ".join(datasets)
    readable = [recording for recording in found if recording.datatype != "meg"]
    if not readable:
        raise SourceError(
            f"{names}: found {count(len(found), 'recording')}, all MEG, which is not supported; "
            "only EEG and iEEG are"
        )
    searchable = readable
    if needs_events:
        searchable = [item for item in readable if _has_rows(item, annotations)]
    n_meg = len(found) - len(readable)
    if n_meg:
        warnings.append(
            f"skipped {n_meg} of {len(found)} recordings: they are MEG, only EEG and iEEG are read"
        )
    n_without_events = len(readable) - len(searchable)
    if n_without_events:
        warnings.append(
            f"skipped {n_without_events} of {len(readable)} recordings: they have no "
            f"{'rows in --annotations' if annotations else 'events.tsv'}"
        )
    if not searchable and annotations:
        raise EventError(
            f"{names}: --annotations has rows for none of {count(len(readable), 'recording')}; "
            f"it has {_first_annotated(annotations)}, the first recording is {readable[0].path}"
        )
    if not searchable:
        raise EventError(
            f"{names}: none of {count(len(readable), 'recording')} has an events.tsv, whose rows "
            "queries select; take whole recordings with --whole"
        )
    return searchable, warnings


def _has_rows(recording: Recording, annotations: Mapping[str, source.Annotations]) -> bool:
    """Return whether a recording has rows in its annotations or, without these, an events.tsv."""
    if annotations:
        return recording.path in annotations[recording.dataset].files
    return recording.events is not None


def _first_annotated(annotations: Mapping[str, source.Annotations]) -> str:
    """Return the path of the first recording that is annotated."""
    paths = [path for item in annotations.values() for path in item.files]
    return min(paths)


def _read_annotations(
    datasets: Mapping[str, source.Dataset],
    annotations: Mapping[str, source.Annotations],
    recordings: Sequence[Recording],
) -> tuple[list[EventRows], list[Recording], list[Failure]]:
    """Read the annotations of each recording. Results and errors are those of `_read_tables`."""
    tables: list[EventRows] = []
    readable: list[Recording] = []
    failures: list[Failure] = []
    for recording in recordings:
        name = recording.dataset
        try:
            tables.append(source.read_annotation_rows(annotations[name], datasets[name], recording))
            readable.append(recording)
        except SourceError as problem:
            failures.append(failure_of(recording, problem, "events"))
    if failures and not tables:
        raise SourceError(failures[0].reason)
    return tables, readable, failures


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
            failures.append(failure_of(recording, problem, "events"))
    if failures and not tables:
        raise SourceError(failures[0].reason)
    return tables, readable, failures


def update_rows(
    searched: SearchedRows,
    datasets: Mapping[str, source.Dataset],
    headers: RecordingHeaders,
) -> list[EventRows]:
    """Return the rows, with the lengths and the gaps of the recordings that were opened.

    The gaps of a remote recording are known only once it is opened.
    """
    updated = []
    for rows, recording in zip(searched.tables, searched.recordings, strict=True):
        header = headers.by_key.get(recording.key)
        dataset = datasets[recording.dataset]
        if header is None:
            updated.append(rows)
            continue
        columns = rows.columns
        if dataset.remote is not None and not searched.annotations:
            columns = source.read_event_rows(dataset, recording).columns
        updated.append(replace(rows, columns=columns, duration=header.duration))
    return updated
