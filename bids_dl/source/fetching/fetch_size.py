"""Number of files and bytes to fetch, known from the listing of a dataset before any request."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bids_dl.datamodel import Recording
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.fetch import remote_files_of
from bids_dl.source.formats.inspect import SPLIT, signal_extension
from bids_dl.wording import count, format_size


@dataclass(frozen=True, slots=True)
class FetchSize:
    """Remote files that are not in the cache, and those that are.

    Attributes
    ----------
    recordings, files, n_bytes
        To fetch. The rest of an unfinished download counts.
    cached_bytes
        Bytes of the needed files that are in the cache.
    """

    recordings: int = 0
    files: int = 0
    n_bytes: int = 0
    cached_bytes: int = 0

    @property
    def is_remote(self) -> bool:
        """True if a file is needed that is not in the folder of its dataset."""
        return bool(self.files or self.cached_bytes)

    def describe(self) -> str:
        """Describe the files in one line.

        Examples
        --------
        >>> FetchSize(2, 3, 5_000_000, 1_000_000).describe()
        'to fetch: 3 files of 2 recordings, 5 MB; 1 MB more are in the cache'
        >>> FetchSize(cached_bytes=1_000_000).describe()
        'to fetch: nothing, all 1 MB are in the cache'
        """
        if not self.files:
            return f"to fetch: nothing, all {format_size(self.cached_bytes)} are in the cache"
        size = format_size(self.n_bytes)
        text = f"to fetch: {count(self.files, 'file')} of {count(self.recordings, 'recording')}"
        if not self.cached_bytes:
            return f"{text}, {size}"
        return f"{text}, {size}; {format_size(self.cached_bytes)} more are in the cache"


def measure_fetch(needed: Iterable[tuple[Dataset, Collection[str]]]) -> FetchSize:
    """Count the remote files that recordings need. A file that several need counts once.

    Parameters
    ----------
    needed
        For each recording, its dataset, and paths of files in the dataset.
    """
    seen: set[Path] = set()
    n_recordings = n_files = n_bytes = n_cached = 0
    for dataset, files in needed:
        n_files_before = n_files
        for path, size, n_missing, is_here in _remote_sizes(dataset, files):
            if path in seen:
                continue
            seen.add(path)
            n_files += not is_here
            n_bytes += n_missing
            n_cached += size - n_missing
        n_recordings += n_files > n_files_before
    return FetchSize(n_recordings, n_files, n_bytes, n_cached)


def _remote_sizes(
    dataset: Dataset, files: Collection[str]
) -> Iterable[tuple[Path, int, int, bool]]:
    """Yield path in the cache, size, missing bytes, and if it is there, of each remote file."""
    remote = dataset.remote
    if remote is None:
        return
    for file, remote_file in remote_files_of(dataset, files).items():
        partial = remote.partial.get(file)
        if partial is None:
            path = remote.cache.path_of(remote_file)
            size = remote_file.size or 0
            n_missing = remote.cache.missing_bytes(remote_file)
            is_here = remote.cache.holds(remote_file)
        else:
            path = partial.path
            size = partial.n_bytes
            is_here = path.is_file()
            n_missing = 0 if is_here else size
        yield path, size, n_missing, is_here


def listed_files(dataset: Dataset, recording: Recording) -> tuple[str, ...]:
    """List the files of a recording by their names, because its header may not be fetched yet.

    Returns
    -------
    tuple of str
        Paths relative to the dataset: the signal file, and those beside it whose names differ in
        their extension only. Empty without a signal file.
    """
    if recording.signal is None:
        return ()
    folder, _, name = SPLIT.sub("", recording.signal).rpartition("/")
    stem = f"{name[: -len(signal_extension(name))]}."
    files = []
    for other in dataset.files_by_folder.get(folder, ()):
        if SPLIT.sub("", other).startswith(stem):
            files.append(f"{folder}/{other}".lstrip("/"))
    return tuple(files)
