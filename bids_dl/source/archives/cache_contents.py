"""Contents of the cache: remote files by dataset and version, others, and local headers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_dl.remote.caching.file_lock import LOCK
from bids_dl.remote.caching.object_cache import OBJECTS, PART, PARTIAL, ObjectCache
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.endpoints import Endpoints
from bids_dl.source.archives.version_index import VersionIndex, index_of

DATASETS = "datasets"
HEADERS = "headers"  # of local recordings, by `bids_dl.source.header_cache`
SLACK_BYTES = 65_536  # by which a small whole file may take less than its size
BLOCK_BYTES = 512  # unit of ``st_blocks``


@dataclass(frozen=True)
class DiskUse:
    """Number of files, and the bytes that they take on disk. A file with two names counts once."""

    files: int = 0
    n_bytes: int = 0


@dataclass(frozen=True)
class CachedVersion:
    """A version of a dataset whose text is in the cache.

    Attributes
    ----------
    dataset
        The version, with all its files.
    paths
        Paths of all its whole files, in the cache or not. Other versions may have them too.
    n_files
        Number of whole files in the cache.
    total
        Text, whole files and partial files on disk.
    last_used
        Time in s since 1970.
    """

    dataset: ArchivedDataset
    paths: frozenset[Path]
    n_files: int
    total: DiskUse
    last_used: float

    @property
    def address(self) -> str:
        """SOURCE that opens this version, such as ``openneuro:ds004362@1.0.0``."""
        version = self.dataset.version or self.dataset.commit
        return f"{self.dataset.address}@{version}"


@dataclass(frozen=True)
class CacheContents:
    """Contents of a cache.

    Attributes
    ----------
    versions
        Sorted by address.
    unowned
        Whole files, folders of partial files, and unfinished downloads that no version refers to,
        as those of clones.
    partial, unfinished
        Partial files and unfinished downloads of all versions.
    headers
        Headers of local recordings.
    total
        All files.
    """

    root: Path
    versions: tuple[CachedVersion, ...]
    unowned: tuple[Path, ...]
    partial: DiskUse
    unfinished: DiskUse
    headers: DiskUse
    total: DiskUse


def read_cache_contents(cache: ObjectCache, endpoints: Endpoints) -> CacheContents:
    """List the contents of a cache, which may be absent.

    Parameters
    ----------
    endpoints
        Base addresses of the archives, which name files without a checksum.
    """
    objects = [file for file in _files_below(cache.root / OBJECTS) if not _is_auxiliary(file)]
    partial = [file for file in _files_below(cache.root / PARTIAL) if not _is_auxiliary(file)]
    everything = []
    for name in (DATASETS, OBJECTS, PARTIAL):
        everything += [file for file in _files_below(cache.root / name) if file.suffix != LOCK]
    headers = _files_below(cache.root / HEADERS)
    versions = _read_versions(cache, endpoints, frozenset(objects))
    unfinished = [file for file in everything if file.suffix == PART]
    owned: set[Path] = set()
    for version in versions:
        owned.update(version.paths)
        owned.update(cache.root / PARTIAL / path.name for path in version.paths)
    below = [*objects, *{file.parent: None for file in partial}]
    unowned = [path for path in below if path not in owned]
    unowned += [file for file in unfinished if file.with_suffix("") not in owned]
    return CacheContents(
        root=cache.root,
        versions=tuple(versions),
        unowned=tuple(unowned),
        partial=measure_files(partial),
        unfinished=measure_files(unfinished),
        headers=measure_files(headers),
        total=measure_files([*everything, *headers]),
    )


def measure_files(files: Iterable[Path]) -> DiskUse:
    """Count files and the bytes that they take. Files that vanish meanwhile do not count."""
    seen: dict[tuple[int, int], int] = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        n_bytes = status.st_size
        on_disk = getattr(status, "st_blocks", n_bytes) * BLOCK_BYTES  # Windows does not say
        if on_disk + SLACK_BYTES < n_bytes:  # a partial file
            n_bytes = on_disk
        seen[status.st_dev, status.st_ino] = n_bytes
    return DiskUse(len(seen), sum(seen.values()))


def _read_versions(
    cache: ObjectCache, endpoints: Endpoints, objects: frozenset[Path]
) -> list[CachedVersion]:
    versions = []
    for folder in sorted((cache.root / DATASETS).glob("*/*")):
        index = VersionIndex(folder, endpoints)
        for commit in index.commits():
            dataset = index.load(commit)
            if dataset is not None:
                versions.append(_read_version(dataset, cache, objects))
    return sorted(versions, key=lambda version: version.address)


def _read_version(
    dataset: ArchivedDataset, cache: ObjectCache, objects: frozenset[Path]
) -> CachedVersion:
    paths = frozenset(map(cache.path_of, dataset.files.values()))
    held = paths & objects
    index = index_of(dataset.root)
    files = [index, *_files_below(dataset.root), *held]
    for path in paths:
        files += _files_below(cache.root / PARTIAL / path.name)
    return CachedVersion(dataset, paths, len(held), measure_files(files), index.stat().st_mtime)


def _files_below(folder: Path) -> Sequence[Path]:
    """List the files below a folder, without links, which lead to other files of the cache."""
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _is_auxiliary(file: Path) -> bool:
    """Return whether a file is an unfinished download or a lock."""
    return file.suffix in (PART, LOCK)
