"""The dry run: which recordings, events, blocks and windows a request selects. Text files and headers only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bids_dl import selection, source, windows
from bids_dl.config.stages import EventsConfig, SourceConfig, WindowsConfig
from bids_dl.datamodel import Block, Dropped, Event, EventRows, Failure, Header, Recording
from bids_dl.errors import EventError, RecordingError, SourceError, WindowError

MOST_WINDOWS = 10_000_000  # some 2 GB of addresses; the whole Healthy Brain Network gives 300,000 windows of 2 s


@dataclass(frozen=True)
class Survey:
    """What a request selects, before any sample is read.

    Attributes
    ----------
    datasets
        The sources by dataset name.
    recordings
        Those that were searched: each has an events.tsv.
    headers
        Of the recordings that matched and whose signal file could be opened, by key.
    failures
        Of the recordings whose rows could not be read, and of those that matched and whose header could not.
    cut
        Windows, dropped windows and open blocks; None where no windows were asked for.
    excluded
        What --exclude matches, for each label that excludes it.
    extents
        Rate, length and boundaries of each recording, as far as known.
    dropped
        Every event, block and window that was asked for and is left out.
    rows
        The events.tsv of each recording that was searched, by key.
    """

    datasets: Mapping[str, source.Dataset]
    recordings: tuple[Recording, ...]
    headers: Mapping[str, Header]
    failures: tuple[Failure, ...]
    events: tuple[Event, ...]
    blocks: tuple[Block, ...]
    cut: windows.Cut | None
    hed_versions: Mapping[str, str]
    warnings: tuple[str, ...]
    excluded: tuple[Event, ...]
    extents: Mapping[str, windows.RecordingLimits]
    dropped: tuple[Dropped, ...]
    rows: Mapping[str, EventRows]


def survey_sources(
    sources: Sequence[str], which: SourceConfig, what: EventsConfig, how: WindowsConfig
) -> Survey:
    """Find what a request selects.

    Headers are opened only where something depends on them (windows, or a block that may run to the end),
    and only of recordings that matched.

    Raises
    ------
    RequestError
        A bad query, a source that is not there, no match, labels that overlap.
    """
    selection.parse(what)
    datasets = open_sources(sources)
    searched, warnings = _searched(datasets, which)
    tables, unread = _tables(datasets, searched)
    searched = [
        recording
        for recording in searched
        if recording.key not in {failure.recording for failure in unread}
    ]
    versions = {name: dataset.hed_version for name, dataset in datasets.items()}
    selected = selection.select(tables, what, hed_versions=versions, sliding=how.sliding)
    headers, failures, notes = _headers(datasets, searched, selected.events, how)
    if headers:
        tables = [_with_header(rows, headers.get(rows.recording)) for rows in tables]
        selected = selection.select(tables, what, hed_versions=versions, sliding=how.sliding)
    extents = _extents(datasets, tables, headers, selected)
    lengths = {rows.recording: rows.duration for rows in tables}
    jumps = {key: extent.boundaries for key, extent in extents.items()}
    left = selection.blocks(selected, what, lengths, jumps, sliding=how.sliding)
    cut = None
    if how.asked:
        check_size(left.blocks, how, headers)
        cut = windows.cut(selected.events, left.blocks, how, extents)
    return Survey(
        datasets=datasets,
        recordings=tuple(searched),
        headers=headers,
        failures=(*unread, *failures),
        events=selected.events,
        blocks=left.blocks,
        cut=cut,
        hed_versions=dict(selected.hed_versions),
        warnings=(*warnings, *selected.warnings, *notes),
        excluded=selected.excluded,
        extents=extents,
        dropped=(*selected.dropped, *left.dropped, *(cut.dropped if cut else ())),
        rows={rows.recording: rows for rows in tables},
    )


def _searched(
    datasets: Mapping[str, source.Dataset], which: SourceConfig
) -> tuple[list[Recording], list[str]]:
    """The recordings that can be searched for events, and what is said of the others."""
    every = [
        recording
        for dataset in datasets.values()
        for recording in source.find_recordings(dataset, which)
    ]
    recordings = [recording for recording in every if recording.datatype != "meg"]
    if not recordings:
        raise SourceError(
            f"{', '.join(datasets)}: all of {len(every)} recordings are MEG, which is not supported; only EEG and iEEG are"
        )
    searched = [recording for recording in recordings if recording.events]
    warnings = []
    if len(recordings) < len(every):
        warnings.append(
            f"{len(every) - len(recordings)} of {len(every)} recordings are MEG and were left out; only EEG and iEEG are read"
        )
    if len(searched) < len(recordings):
        warnings.append(
            f"{len(recordings) - len(searched)} of {len(recordings)} recordings have no events.tsv and were left out"
        )
    if not searched:
        raise EventError(
            f"{', '.join(datasets)}: none of {len(recordings)} recordings has an events.tsv; HED selects by its rows"
        )
    return searched, warnings


def estimate(found: Survey, how: WindowsConfig) -> float | None:
    """Bytes of the windows as float32 with the channels and rates of their recordings; None where a header is not known."""
    if found.cut is None or any(
        window.recording not in found.headers for window in found.cut.windows
    ):
        return None
    return sum(
        _bytes_a_second(found.headers[window.recording]) * how.duration
        for window in found.cut.windows
    )


def check_size(found: Sequence[Block], how: WindowsConfig, headers: Mapping[str, Header]) -> None:
    """Refuse a plan of so many windows that even their list would fill a machine.

    Raises
    ------
    WindowError
        With the number of windows and, where the headers are known, the bytes of the store.
    """
    if (number := windows.count(found, how)) <= MOST_WINDOWS:
        return
    size = sum(
        windows.count([block], how) * how.duration * _bytes_a_second(headers[block.recording])
        for block in found
        if block.recording in headers
    )
    bytes_said = f", {size / 1e12:,.3g} TB as float32" if size else ""
    raise WindowError(
        f"the plan has {number:,} windows of {how.duration:g} s, one each {how.stride or how.duration:g} s{bytes_said}; "
        f"a store holds at most {MOST_WINDOWS:,}\n"
        "  ask for a longer --stride, or for several stores (--subject, --task): they can be streamed as one"
    )


def _bytes_a_second(header: Header) -> float:
    return 4 * len(header.ch_names) * header.sfreq


def open_sources(sources: Sequence[str]) -> dict[str, source.Dataset]:
    """The datasets by name, in the order given."""
    opened: dict[str, source.Dataset] = {}
    for text in sources:
        dataset = source.open_dataset(text)
        if dataset.name in opened:
            raise SourceError(f"{text}: two sources are the dataset {dataset.name}; give each once")
        opened[dataset.name] = dataset
    return opened


def _headers(
    datasets: Mapping[str, source.Dataset],
    recordings: Sequence[Recording],
    found: Sequence[Event],
    how: WindowsConfig,
) -> tuple[dict[str, Header], list[Failure], list[str]]:
    """Headers of the recordings that need one, those that cannot be read, and what must not be silent about the others, a line each."""
    needed = {
        event.recording for event in found if how.asked or (event.end is None and event.end_rule)
    }
    headers: dict[str, Header] = {}
    failures: list[Failure] = []
    notes: dict[str, list[str]] = {}
    for recording in recordings:
        if recording.key not in needed or recording.signal is None:
            continue
        try:
            examined = source.examine(datasets[recording.dataset], recording)
        except (RecordingError, SourceError) as problem:
            failures.append(_failure(recording, problem, "header"))
            continue
        headers[recording.key] = examined.header
        for note in examined.notes:
            notes.setdefault(note, []).append(recording.key)
    return headers, failures, [grouped(note, keys) for note, keys in notes.items()]


def _tables(
    datasets: Mapping[str, source.Dataset], recordings: Sequence[Recording]
) -> tuple[list[EventRows], list[Failure]]:
    """The rows of each recording, and the recordings whose text files cannot be read.

    Raises
    ------
    SourceError
        Not one can be read.
    """
    tables: list[EventRows] = []
    failures: list[Failure] = []
    for recording in recordings:
        try:
            tables.append(source.read_rows(datasets[recording.dataset], recording))
        except (RecordingError, SourceError) as problem:
            failures.append(_failure(recording, problem, "events"))
            if len(failures) == len(recordings):
                raise SourceError(failures[0].reason) from None
    return tables, failures


def _failure(recording: Recording, problem: RecordingError | SourceError, stage: str) -> Failure:
    if isinstance(problem, RecordingError):
        return Failure(recording.key, problem.stage, problem.reason, problem.transient)
    return Failure(recording.key, stage, str(problem))


def grouped(note: str, keys: Sequence[str]) -> str:
    """One line on all recordings of which the same is to be said."""
    return f"{keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {note}"


def _with_header(rows: EventRows, header: Header | None) -> EventRows:
    return replace(rows, duration=header.duration) if header else rows


def _stretches(excluded: Sequence[Event]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """From and to (s) of what no window may overlap, by recording and label, joined; what has no known end goes on to the recording's."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for event in sorted(excluded, key=lambda event: event.onset):
        end = event.end if event.end is not None else math.inf if event.end_rule else event.onset
        mine = found.setdefault(event.recording, {}).setdefault(event.label, [])
        if mine and event.onset < mine[-1][1]:
            mine[-1] = mine[-1][0], max(mine[-1][1], end)
        else:
            mine.append((event.onset, end))
    return found


def _extents(
    datasets: Mapping[str, source.Dataset],
    tables: Sequence[EventRows],
    headers: Mapping[str, Header],
    selected: selection.Selection,
) -> dict[str, windows.RecordingLimits]:
    """What limits the windows of each recording."""
    excluded = _stretches(selected.excluded)
    found = {}
    for rows in tables:
        extent = _extent(
            datasets, rows, headers.get(rows.recording), selected.boundaries.get(rows.recording, ())
        )
        found[rows.recording] = replace(extent, excluded=excluded.get(rows.recording, {}))
    return found


def _extent(
    datasets: Mapping[str, source.Dataset],
    rows: EventRows,
    header: Header | None,
    noted: Sequence[float],
) -> windows.RecordingLimits:
    """Rate, length and boundaries of a recording: its header's, else what its text files say, else unknown."""
    if header:
        return windows.RecordingLimits(
            header.sfreq, header.n_times, tuple(sorted({*header.boundaries, *noted}))
        )
    dataset, _, path = rows.recording.partition("/")
    sfreq = source.header_from_text(datasets[dataset], path)[0]
    n_times = round(rows.duration * sfreq) if sfreq and rows.duration else None
    return windows.RecordingLimits(sfreq, n_times, tuple(noted))


def no_window_error(found: Survey, how: WindowsConfig, label: str) -> WindowError:
    """The error of a request of whose label no window can be cut, with the numbers."""
    events = [event for event in found.events if event.label == label]
    closed = [
        block.end - block.onset
        for block in found.blocks
        if block.label == label and block.end is not None
    ]
    longest = f"; the longest block lasts {max(closed):.3f} s" if closed and how.sliding else ""
    reasons = [dropped.reason for dropped in found.dropped if dropped.label == label]
    why = f"; the first: {reasons[0]}" if reasons else ""
    return WindowError(
        f"none of {len(events)} events of {label} gives a window of {how.duration:g} s{longest}{why}\n"
        "  ask for shorter windows (--window), another end of the blocks (--until), or windows around the events (--tmin, --tmax)"
    )
