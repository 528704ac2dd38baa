"""Find the recordings of a pool in BIDS datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bids_dl import source
from bids_dl.annotate.viewing.signals import RecordingKey
from bids_dl.annotate.viewing.source_signals import MAX_OPEN, SourceRecording, SourceSignals
from bids_dl.config.stages import FetchConfig, SourceConfig
from bids_dl.errors import SourceError
from bids_dl.store import Store
from bids_dl.store.json_objects import read_json
from bids_dl.wording import count


@contextmanager
def open_source_signals(
    store: Store,
    sources: Sequence[str],
    *,
    fetching: FetchConfig | None = None,
    max_open: int = MAX_OPEN,
    on_message: Callable[[str], None] | None = None,
) -> Iterator[SourceSignals]:
    """Open the sources of a pool, and provide the signals of its recordings inside the context.

    Recordings are matched by the name of their dataset and their BIDS path. Those that the sources
    lack are in `SourceSignals.missing`: showing them fails, and all others can be shown.

    Parameters
    ----------
    store
        The pool.
    sources
        Folders, addresses of archives or URLs, as `bids_dl.source.open_dataset` takes them.
    fetching
        Cache and options for remote sources.
    max_open
        Number of recordings to keep open.
    on_message
        Called with one line about slow work.

    Raises
    ------
    SourceError
        A source cannot be opened, or the sources have no recording of the pool.

    Examples
    --------
    >>> with open_source_signals(store, ["ds004362"]) as signals:  # doctest: +SKIP
    ...     view = compute_view(signals, key, request)
    """
    with source.open_access(fetching, on_message=on_message) as access:
        found = _list_recordings(sources, access)
        documents = _read_recordings(store)
        matched: dict[RecordingKey, SourceRecording] = {}
        missing: list[RecordingKey] = []
        for key in pool_recordings(store):
            if key not in found:
                missing.append(key)
                continue
            document = documents.get("/".join(key), {})
            matched[key] = SourceRecording(
                *found[key], document.get("duration"), document.get("sources") or {}
            )
        if not matched:
            raise _no_match(store, found, missing)
        signals = SourceSignals(matched, missing=tuple(missing), access=access, max_open=max_open)
        with signals:
            yield signals


def pool_recordings(store: Store) -> list[RecordingKey]:
    """List the recordings of a pool in the order of its windows.

    Examples
    --------
    >>> pool_recordings(open_store("pool.zarr"))[0]  # doctest: +SKIP
    ('ds004362', 'sub-001/eeg/sub-001_task-motion_run-1')
    """
    datasets = store.read("dataset").tolist()
    return list(dict.fromkeys(zip(datasets, store.read("recording").tolist(), strict=True)))


def _list_recordings(
    sources: Sequence[str], access: source.Access
) -> dict[RecordingKey, tuple[source.Dataset, Any]]:
    """Return the recordings of all sources that have a signal. The first of equal ones is kept."""
    found: dict[RecordingKey, tuple[source.Dataset, Any]] = {}
    for location in sources:
        dataset = source.open_dataset(location, access)
        for recording in source.find_recordings(dataset, SourceConfig()):
            if recording.signal is not None:
                found.setdefault((recording.dataset, recording.path), (dataset, recording))
    return found


def _read_recordings(store: Store) -> Mapping[str, Mapping[str, Any]]:
    """Read what the pool states of its recordings, nothing if it lacks that document."""
    try:
        documents: Mapping[str, Mapping[str, Any]] = read_json(store.location, "recordings.json")
    except FileNotFoundError:
        return {}
    return documents


def _no_match(
    store: Store, found: Mapping[RecordingKey, Any], missing: Sequence[RecordingKey]
) -> SourceError:
    """Return the error of sources without any recording of the pool."""
    other = f"they have {'/'.join(next(iter(found)))}" if found else "they have none with a signal"
    return SourceError(
        f"{store.url}: the sources have none of its {count(len(missing), 'recording')}, such as "
        f"{'/'.join(missing[0])} ({other}); give those that the pool was converted from"
    )
