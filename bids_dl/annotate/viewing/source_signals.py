"""Signals from the files of BIDS datasets, which are neither copied nor converted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Self

import numpy as np

from bids_dl import source
from bids_dl.annotate.viewing.channel_groups import make_channels
from bids_dl.annotate.viewing.open_files import OpenFiles
from bids_dl.annotate.viewing.same_recording import check_digests, check_duration
from bids_dl.annotate.viewing.signals import RecordingKey, Samples, SignalHeader
from bids_dl.datamodel import Recording
from bids_dl.errors import RecordingError, SourceError
from bids_dl.preprocess.notes import as_recording_error
from bids_dl.selection import find_boundaries

if TYPE_CHECKING:
    from mne.io import BaseRaw

MAX_OPEN = 4  # recordings: an expert goes back and forth between few
MICROVOLTS = 1e6  # per volt


@dataclass(frozen=True)
class SourceRecording:
    """A recording of a pool, where its files are, and what is known of them.

    Attributes
    ----------
    dataset, recording
        Recording as returned by `bids_dl.source.find_recordings`.
    seconds
        Length in s that the pool states, None if it states none.
    digests
        SHA-256 of the files that the pool was converted from, by path relative to the dataset.
    """

    dataset: source.Dataset
    recording: Recording
    seconds: float | None = None
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _OpenRaw:
    """An open recording, and the channels of it that are read, None for all."""

    raw: BaseRaw
    picks: tuple[int, ...] | None


class SourceSignals:
    """Signals of recordings, read from their files. A few files are kept open.

    Parameters
    ----------
    recordings
        Recordings of the pool that the sources have.
    missing
        Recordings of the pool that the sources lack.
    access
        Cache and connections for remote datasets, whose files are fetched when they are first
        opened. None for local folders.
    max_open
        Number of recordings to keep open.

    Attributes
    ----------
    missing
        As given.
    """

    def __init__(
        self,
        recordings: Mapping[RecordingKey, SourceRecording],
        *,
        missing: tuple[RecordingKey, ...] = (),
        access: source.Access | None = None,
        max_open: int = MAX_OPEN,
    ) -> None:
        self.missing = missing
        self._recordings = dict(recordings)
        self._access = access
        self._headers: dict[RecordingKey, SignalHeader] = {}
        # opened one after the other, because MNE changes the filters of warnings meanwhile
        self._opening = Lock()
        self._files: OpenFiles[RecordingKey, _OpenRaw] = OpenFiles(self._open, max_open=max_open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def header(self, key: RecordingKey) -> SignalHeader:
        """Return rate, length and channels of a recording. It is opened once for that.

        Raises
        ------
        RecordingError
            The sources lack the recording, it is damaged, or another one than that of the pool.
        """
        if key not in self._headers:
            with self._files.use(key):
                pass
        return self._headers[key]

    def read(self, key: RecordingKey, start: int, stop: int) -> Samples:
        """Read the samples ``start`` to ``stop`` of all channels of the header.

        Returns
        -------
        ndarray
            float64 (n_chans, stop - start) in µV. NaN outside of the recording, and for samples of
            a file that are no numbers.

        Raises
        ------
        RecordingError
            As `header`, or the samples cannot be read.
        """
        with self._files.use(key) as opened, as_recording_error("read"):
            header = self._headers[key]
            first, last = max(start, 0), min(stop, header.n_times)
            if first == start < stop == last:
                return _read(opened, start, stop)
            samples = np.full((len(header.channels), max(stop - start, 0)), np.nan)
            if first < last:
                samples[:, first - start : last - start] = _read(opened, first, last)
            return samples

    def close(self) -> None:
        """Close all files."""
        self._files.close()

    @contextmanager
    def _open(self, key: RecordingKey) -> Iterator[_OpenRaw]:
        """Open a recording, and read its header the first time."""
        entry = self._recordings.get(key)
        if entry is None:
            raise RecordingError(
                "source", f"{'/'.join(key)}: not in the given sources; give those of the pool"
            )
        self._fetch(entry)
        is_new = key not in self._headers
        if is_new:
            check_digests(entry.dataset, entry.digests)
        with self._opening:
            boundaries = _find_boundaries(entry) if is_new else ()
            context = source.open_raw(entry.dataset, entry.recording)
            raw = context.__enter__()
        try:
            names, kinds = raw.ch_names, raw.get_channel_types()
            if is_new:
                sfreq = float(raw.info["sfreq"])
                seconds = raw.n_times / sfreq
                check_duration(seconds, entry.seconds, sfreq)
                channels = make_channels(names, kinds, raw.info["bads"])
                self._headers[key] = SignalHeader(sfreq, seconds, channels, boundaries)
            shown = {channel.name for channel in self._headers[key].channels}
            picks = tuple(i for i, name in enumerate(names) if name in shown)
            yield _OpenRaw(raw, None if len(picks) == len(names) else picks)
        finally:
            context.__exit__(None, None, None)

    def _fetch(self, entry: SourceRecording) -> None:
        """Fetch the files of a recording, unless they are on this machine."""
        if entry.dataset.remote is None or self._access is None:
            return
        files = source.listed_files(entry.dataset, entry.recording)
        if source.missing_bytes(entry.dataset, files):
            self._access.on_message(f"fetching {entry.recording.key} to show its signals")
        source.fetch_files(entry.dataset, files, self._access)


def _find_boundaries(entry: SourceRecording) -> tuple[float, ...]:
    """Return the times at which a recording is not continuous, by its file and its events.tsv."""
    header = source.read_header(entry.dataset, entry.recording)
    try:
        rows = source.read_event_rows(entry.dataset, entry.recording)
    except SourceError as error:
        raise RecordingError("source", str(error)) from None
    onsets = find_boundaries([rows]).get(entry.recording.key, ())
    return source.join_boundaries(header.boundaries, onsets, header.sfreq)


def _read(opened: _OpenRaw, start: int, stop: int) -> Samples:
    """Read samples of a recording in µV."""
    picks = None if opened.picks is None else list(opened.picks)
    samples: Samples = opened.raw.get_data(picks=picks, start=start, stop=stop)
    samples *= MICROVOLTS
    if not np.isfinite(samples.sum()):
        samples[~np.isfinite(samples)] = np.nan
    return samples
