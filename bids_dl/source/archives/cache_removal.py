"""Removal of datasets and headers from the cache."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_dl.config.cache_stage import CacheConfig
from bids_dl.errors import ConfigError
from bids_dl.remote.caching.file_lock import sole_use
from bids_dl.remote.caching.object_cache import OBJECTS, PART, PARTIAL, ObjectCache
from bids_dl.source.archives.cache_contents import (
    DATASETS,
    HEADERS,
    CacheContents,
    CachedVersion,
    read_cache_contents,
)
from bids_dl.source.archives.endpoints import Endpoints
from bids_dl.source.archives.version_index import index_of
from bids_dl.source.fetching.remote_files import FOLDERS
from bids_dl.wording import join_names

MAX_LISTED = 5  # versions in a message


@dataclass(frozen=True)
class Removal:
    """Versions that were removed from the cache, and the bytes that are free again."""

    addresses: tuple[str, ...]
    n_bytes: int


def empty_cache(
    cache: ObjectCache, endpoints: Endpoints, config: CacheConfig, *, now: float
) -> Removal:
    """Remove versions of datasets from a cache.

    A file that a kept version refers to is kept. Files that no version refers to, as those of
    clones, and headers of local recordings are removed by age, or with everything.

    Parameters
    ----------
    config
        Versions to remove.
    now
        Time in s since 1970.

    Raises
    ------
    ConfigError
        Another process uses the cache, no version has an address of ``config``, or its options
        contradict each other.
    """
    if config.all and (config.remove or config.older_than is not None):
        raise ConfigError("--all removes everything; leave out --remove and --older-than")
    with sole_use(cache.root) as is_sole:
        if not is_sole:
            raise ConfigError(
                f"{cache.root}: another command uses the cache, nothing was removed; "
                "run this command again when it has ended"
            )
        contents = read_cache_contents(cache, endpoints)
        removed = choose_versions(contents, config, now=now)
        if config.all:
            _remove_everything(cache.root)
        else:
            kept = [version for version in contents.versions if version not in removed]
            headers = list((cache.root / HEADERS).glob("*"))
            unowned = _unused_since([*contents.unowned, *headers], config, now)
            _remove_versions(cache.root, removed, kept)
            for path in unowned:
                _remove_object(path)
            _remove_broken_folders(cache.root / FOLDERS)
        left = read_cache_contents(cache, endpoints)
    addresses = tuple(version.address for version in removed)
    return Removal(addresses, contents.total.n_bytes - left.total.n_bytes)


def choose_versions(
    contents: CacheContents, config: CacheConfig, *, now: float
) -> list[CachedVersion]:
    """Return the versions to remove.

    Raises
    ------
    ConfigError
        No version has one of the addresses.
    """
    for address in config.remove:
        if not any(_is_named(version, address) for version in contents.versions):
            names = join_names([version.address for version in contents.versions], limit=MAX_LISTED)
            held = f"it holds {names}" if names else "it holds no dataset"
            raise ConfigError(f"--remove {address}: not in the cache {contents.root}; {held}")
    chosen = []
    for version in contents.versions:
        is_named = any(_is_named(version, address) for address in config.remove)
        is_old = config.older_than is None or now - version.last_used >= config.older_than
        if (is_named or not config.remove) and is_old:
            chosen.append(version)
    return chosen


def _is_named(version: CachedVersion, address: str) -> bool:
    """Return whether an address is that of a version, or of its dataset."""
    dataset = version.dataset
    names = {dataset.address}
    for name in (dataset.version, f"v{dataset.version}", dataset.commit):
        names.add(f"{dataset.address}@{name}")
    return address.strip().rstrip("/") in names


def _unused_since(paths: Sequence[Path], config: CacheConfig, now: float) -> list[Path]:
    """Return the files that no version refers to and that are old enough to remove."""
    if config.remove or config.older_than is None:
        return []
    limit = now - config.older_than
    return [path for path in paths if _last_use(path) <= limit]


def _last_use(path: Path) -> float:
    """Return when a file, or the last file of a folder, was used, in s since 1970."""
    times = []
    for file in (path, *path.rglob("*")):
        status = file.stat()
        times.append(max(status.st_atime, status.st_mtime))
    return max(times)


def _remove_versions(
    root: Path, removed: Sequence[CachedVersion], kept: Sequence[CachedVersion]
) -> None:
    """Remove versions, and the files that no kept version refers to."""
    unneeded: set[Path] = set()
    for version in removed:
        text = version.dataset.root
        index_of(text).unlink(missing_ok=True)  # first, so that the version is not complete
        shutil.rmtree(text, ignore_errors=True)
        if not any(other.dataset.root.parent == text.parent for other in kept):
            shutil.rmtree(text.parent, ignore_errors=True)  # with the list of versions
        unneeded |= version.paths
    for version in kept:
        unneeded -= version.paths
    for path in unneeded:
        _remove_object(path)
        shutil.rmtree(root / PARTIAL / path.name, ignore_errors=True)


def _remove_object(path: Path) -> None:
    """Remove a whole file with its unfinished download, or a folder of partial files."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    for file in (path, path.with_name(f"{path.name}{PART}")):
        file.unlink(missing_ok=True)


def _remove_broken_folders(folder: Path) -> None:
    """Remove the recordings that are folders of links, if a linked file was removed."""
    for recording in folder.glob("*"):
        if any(link.is_symlink() and not link.exists() for link in recording.rglob("*")):
            shutil.rmtree(recording, ignore_errors=True)


def _remove_everything(root: Path) -> None:
    """Remove all that a cache consists of, but no other file in its folder."""
    for name in (DATASETS, OBJECTS, PARTIAL, FOLDERS, HEADERS):
        shutil.rmtree(root / name, ignore_errors=True)
