"""Fetch the remote files of a recording into the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.errors import RecordingError
from bids_dl.remote.caching.object_cache import RemoteFileError
from bids_dl.remote.caching.partial_file import Interval, PartialFile
from bids_dl.remote.caching.remote_file import RemoteFile, Verification
from bids_dl.source.dataset import Dataset
from bids_dl.source.fetching.remote_files import RemoteFiles

if TYPE_CHECKING:
    from bids_dl.remote.http.http_client import OnBytes
    from bids_dl.source.archives.access import Access


def remote_files_of(dataset: Dataset, files: Collection[str]) -> dict[str, RemoteFile]:
    """Return those files of a dataset that are not in its folder, by path.

    Parameters
    ----------
    files
        Paths relative to the dataset. A recording that is a folder stands for the files inside.
    """
    remote = dataset.remote
    if remote is None:
        return {}
    found = {}
    for file in sorted(files):
        for path in (file, *remote.inner_files(file)):
            if path in remote.by_path and path not in remote.in_folder:
                found[path] = remote.by_path[path]
    return found


def missing_bytes(dataset: Dataset, files: Collection[str]) -> int:
    """Return the bytes of those remote files, or of their ranges, that the cache does not hold."""
    if dataset.remote is None:
        return 0
    n_bytes = 0
    for file, remote_file in remote_files_of(dataset, files).items():
        partial = dataset.remote.partial.get(file)
        if partial is not None:
            n_bytes += 0 if partial.path.is_file() else partial.n_bytes
        else:
            n_bytes += dataset.remote.cache.missing_bytes(remote_file)
    return n_bytes


def fetch_files(
    dataset: Dataset,
    files: Collection[str],
    access: Access,
    *,
    on_bytes: OnBytes | None = None,
    known: Mapping[str, PartialFile | None] | None = None,
    check: bool = False,
) -> None:
    """Fetch files of a dataset, or the ranges of its partial files, unless the cache holds them.

    Parameters
    ----------
    files
        Paths relative to the dataset. Those in the folder of the dataset need no fetching.
    on_bytes
        Called with the number of bytes received since the last call.
    known
        Partial files, by path, from which bytes are copied instead of downloaded.
    check
        Whether whole files that the cache holds are verified again.

    Raises
    ------
    RecordingError
        Stage "source": no address provides a file.
    FullDiskError
        The disk of the cache is full.
    """
    remote = dataset.remote
    if remote is None:
        return
    for file, remote_file in remote_files_of(dataset, files).items():
        partial = remote.partial.get(file)
        copied = (known or {}).get(file)
        if partial is not None:
            fetch_partial(dataset, file, partial.ranges, access, known=copied, on_bytes=on_bytes)
            continue
        with _as_failure_of(file):
            remote.cache.fetch(
                remote_file, access.client, on_bytes=on_bytes, known=copied, check=check
            )
    for folder in files:
        if remote.inner_files(folder):
            with _as_failure_of(folder):
                _link_folder(remote, folder)


def fetch_partial(
    dataset: Dataset,
    file: str,
    ranges: Sequence[Interval],
    access: Access,
    *,
    known: PartialFile | None = None,
    on_bytes: OnBytes | None = None,
) -> PartialFile:
    """Fetch ranges of a remote file into a file of its full size.

    If the addresses of its exact content fail, the whole file is fetched from any other address
    and verified by its checksum, and the ranges are copied from it.

    Parameters
    ----------
    file
        Path relative to the dataset, of a file that is not in its folder.
    ranges
        (start, stop) in bytes, sorted, without overlap.
    known, on_bytes
        As for `fetch_files`.

    Raises
    ------
    RecordingError
        Stage "source": no address provides the file.
    FullDiskError
        The disk of the cache is full.
    """
    remote = dataset.remote
    if remote is None:
        raise ValueError(f"{file}: all files of this dataset are in its folder")
    remote_file = remote.by_path[file]
    cache = remote.cache
    has_other_urls = 0 < len(remote_file.pinned_urls) < len(remote_file.urls)
    with _as_failure_of(file):
        try:
            return cache.fetch_ranges(
                remote_file, ranges, access.client, known=known, on_bytes=on_bytes
            )
        except RemoteFileError:
            if not (has_other_urls and remote_file.checksum):
                raise
        cache.fetch(remote_file, access.client, known=known, on_bytes=on_bytes)
        return cache.fetch_ranges(remote_file, ranges, access.client)


@contextmanager
def _as_failure_of(file: str) -> Iterator[None]:
    """Raise the failure to fetch a file inside the context as that of its recording."""
    try:
        yield
    except RemoteFileError as error:
        raise RecordingError(
            "source", f"{file} {error.reason}", transient=error.transient
        ) from None


def describe_verification(dataset: Dataset) -> dict[str, Verification]:
    """Return how the remote files of a dataset are verified when they are fetched, by path."""
    remote = dataset.remote
    if remote is None:
        return {}
    described: dict[str, Verification] = {}
    for file, remote_file in remote_files_of(dataset, dataset.files).items():
        described[file] = "ranges" if file in remote.partial else remote_file.verification
    return described


def _link_folder(remote: RemoteFiles, folder: str) -> None:
    """Create the folder of a recording that is a folder, from links to its files.

    Some may be in the cache, and others in the folder of the dataset.
    """
    target = remote.path(folder)
    if target is None or target.is_dir():
        return
    with remote.cache.locked(target):
        if target.is_dir():  # another process has created it
            return
        part = target.with_name(f"{target.name}.part")
        for file in (*remote.inner_files(folder), *remote.local_files(folder)):
            link = part / file.removeprefix(f"{folder}/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(remote.path(file) or Path(remote.root or "", file).absolute())
        part.rename(target)
