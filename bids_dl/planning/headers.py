"""Headers of the recordings that match: rate, length and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl import source
from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Event, EventRows, Failure, Header, Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.planning.shared_notes import SharedNotes
from bids_dl.remote.caching.partial_file import PartialFile
from bids_dl.remote.parallel import call_in_threads
from bids_dl.wording import count

PARALLEL_HEADERS = 16  # remote headers that are fetched at once, because each waits for answers

Fetched = Mapping[str, source.Dataset | Failure]
"""By recording key: the dataset to read the header from, or why it could not be fetched."""


@dataclass(frozen=True)
class RecordingHeaders:
    """Headers of recordings, and failures to read one.

    Attributes
    ----------
    by_key
        Header by recording key.
    failures
        Recordings whose header could not be read.
    notes
        One line for each kind of note.
    partial
        By recording key, the remote files of which only the header was fetched, by path.
    """

    by_key: Mapping[str, Header]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    partial: Mapping[str, Mapping[str, PartialFile]] = field(default_factory=dict)


def read_headers(
    datasets: Mapping[str, source.Dataset],
    recordings: Sequence[Recording],
    access: source.Access,
) -> RecordingHeaders:
    """Read the headers of recordings. Those of remote recordings are fetched first.

    Headers of local recordings that take long are cached.

    Parameters
    ----------
    datasets
        Datasets by name.
    recordings
        Recordings with a signal file.

    Raises
    ------
    FullDiskError
        The disk of the cache is full.
    """
    fetched = _fetch_headers(datasets, recordings, access)
    headers: dict[str, Header] = {}
    failures: list[Failure] = []
    partial: dict[str, Mapping[str, PartialFile]] = {}
    notes = SharedNotes()
    caches: dict[str, source.HeaderCache] = {}
    for name, local in datasets.items():
        if local.remote is None:
            caches[name] = source.HeaderCache(access.cache.root, local)
    for recording in recordings:
        dataset = fetched.get(recording.key, datasets[recording.dataset])
        if isinstance(dataset, Failure):
            failures.append(dataset)
            continue
        try:
            cache = caches.get(recording.dataset)
            report = source.read_header_with_notes(dataset, recording, cache)
        except (RecordingError, SourceError) as problem:
            failures.append(failure_of(recording, problem, "header"))
            continue
        headers[recording.key] = report.header
        if dataset.remote is not None and dataset.remote.partial:
            partial[recording.key] = dataset.remote.partial
        for note in report.notes:
            notes.add(recording.key, note)
    for cache in caches.values():
        cache.save()
    return RecordingHeaders(headers, tuple(failures), tuple(notes.lines()), partial)


def recordings_to_open(
    recordings: Sequence[Recording],
    events: Sequence[Event],
    windows_config: WindowsConfig,
    tables: Sequence[EventRows],
    *,
    lengths_of_text: frozenset[str] = frozenset(),
) -> list[Recording]:
    """Return the recordings whose length or rate decides something.

    Parameters
    ----------
    events
        Events that match.
    tables
        Rows of the recordings, with their length if a sidecar states it.
    lengths_of_text
        Names of datasets for which the length that a sidecar states is enough, because opening a
        file costs requests.
    """
    stated = {rows.recording for rows in tables if rows.duration is not None}
    needed = set()
    for event in events:
        may_run_to_end = event.end is None and bool(event.end_rule)
        if windows_config.requested or may_run_to_end:
            needed.add(event.recording)
    opened = []
    for recording in recordings:
        is_stated = recording.dataset in lengths_of_text and recording.key in stated
        if recording.key in needed and recording.signal is not None and not is_stated:
            opened.append(recording)
    return opened


def _fetch_headers(
    datasets: Mapping[str, source.Dataset],
    recordings: Sequence[Recording],
    access: source.Access,
) -> Fetched:
    """Fetch the headers of remote recordings, several at once."""

    def fetch(recording: Recording) -> source.Dataset | Failure:
        try:
            return source.fetch_header(datasets[recording.dataset], recording, access)
        except RecordingError as problem:
            return failure_of(recording, problem, "source")

    remote = [item for item in recordings if datasets[item.dataset].remote is not None]
    if not remote:
        return {}
    access.on_message(
        f"fetching the headers of {count(len(remote), 'remote recording')}; a file whose length or "
        "annotations no header tells is fetched whole"
    )
    results = call_in_threads(fetch, remote, n_threads=PARALLEL_HEADERS)
    return {recording.key: result for recording, result in zip(remote, results, strict=True)}


def failure_of(recording: Recording, problem: RecordingError | SourceError, stage: str) -> Failure:
    """Return the failure of a recording.

    Parameters
    ----------
    stage
        Stage of an error that states none.
    """
    if isinstance(problem, RecordingError):
        return Failure(recording.key, problem.stage, problem.reason, problem.transient)
    return Failure(recording.key, stage, str(problem))
