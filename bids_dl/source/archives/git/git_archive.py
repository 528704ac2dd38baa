"""Datasets whose archive mirrors them as git repositories: OpenNeuro and NEMAR."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bids_dl.errors import SourceError
from bids_dl.remote.caching.object_cache import RemoteFileError
from bids_dl.remote.parallel import call_in_threads
from bids_dl.source.archives.access import GITHUB_TOKEN, Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.git.git_mirror import GitAccess, fetch_snapshot, list_versions
from bids_dl.source.archives.git.git_transport import MirrorMissingError, MirrorUnreachableError
from bids_dl.source.archives.git.git_versions import GitVersions, choose_version, version_number
from bids_dl.source.archives.git.snapshot_files import AnnexRoutes, write_snapshot
from bids_dl.source.archives.version_index import VersionIndex

PARALLEL_TEXTS = 8  # annexed text files that are fetched at once


@dataclass(frozen=True)
class GitArchive:
    """Location of one dataset of an archive.

    Attributes
    ----------
    archive
        ``"openneuro"`` or ``"nemar"``.
    name
        Accession that identifies the dataset in plans and stores.
    url
        Address of its git repository.
    routes
        Function that returns the ways to the content of annexed files, by the tag of the version.
    """

    archive: str
    name: str
    url: str
    routes: Callable[[str], AnnexRoutes]


def open_from_git(address: Address, location: GitArchive, access: Access) -> ArchivedDataset:
    """Open a version of a dataset: from the cache, else by two requests to its git mirror.

    A version that the address names, and that the cache holds, needs no network. The newest
    version is asked for, and without network the newest one in the cache is taken.

    Raises
    ------
    MirrorMissingError
        The mirror has no such dataset or version.
    MirrorUnreachableError
        The mirror cannot be reached, and the cache holds no version.
    SourceError
        The cache cannot be written to, or a text file cannot be fetched.
    """
    index = _index_of(address, location, access)
    cached = _find_cached(index, address.version)
    if cached is not None:
        return cached
    try:
        versions = list_versions(location.url, _git_access(access))
    except MirrorUnreachableError as problem:
        return _newest_cached(index, address, access, problem)
    chosen = choose_version(versions, address.version)
    if chosen is None:
        raise MirrorMissingError(f"{address.text}: {versions.describe(address.version)}")
    index.save_tags(_sorted_tags(versions))
    tag, target = chosen
    commit = versions.tags.get(tag, target)
    archived = index.load(commit)
    if archived is None:
        access.on_message(f"{address.text}: fetching the text files of version {tag or commit}")
        archived = _fetch_version(address, location, tag or commit, access)
    return archived


def _index_of(address: Address, location: GitArchive, access: Access) -> VersionIndex:
    folder = access.dataset_folder(location.archive, address.accession)
    return VersionIndex(folder, access.endpoints)


def _git_access(access: Access) -> GitAccess:
    token = os.environ.get(GITHUB_TOKEN, "")
    return GitAccess(token=token, retry_seconds=access.client.retry_timeout)


def _find_cached(index: VersionIndex, version: str) -> ArchivedDataset | None:
    """Load a version that an address names, if the cache holds it."""
    if not version:
        return None
    tags = index.tags()
    for tag in (version, f"v{version}", version.removeprefix("v")):
        if tag in tags:
            return index.load(tags[tag])
    return index.load(version)  # a commit


def _newest_cached(
    index: VersionIndex, address: Address, access: Access, problem: SourceError
) -> ArchivedDataset:
    """Load the newest version in the cache, if the address names none.

    Raises
    ------
    SourceError
        The cache holds no version, or the address names one.
    """
    if not address.version:
        for tag, commit in index.tags().items():
            archived = index.load(commit)
            if archived is not None:
                access.on_message(
                    f"{address.text}: its mirror cannot be reached; using version {tag}, the "
                    "newest in the cache"
                )
                return archived
    raise problem


def _sorted_tags(versions: GitVersions) -> dict[str, str]:
    tags = sorted(versions.tags, key=version_number, reverse=True)
    return {tag: versions.tags[tag] for tag in tags}


def _fetch_version(
    address: Address, location: GitArchive, version: str, access: Access
) -> ArchivedDataset:
    """Fetch the text of a version into the cache, and list its files."""
    index = _index_of(address, location, access)
    with fetch_snapshot(
        location.url, version, folder=index.folder, access=_git_access(access)
    ) as snapshot:
        commit = snapshot.commit
        root = index.root(commit)
        index.discard_damaged(commit)
        files = write_snapshot(snapshot, root, location.routes(snapshot.version))
        tag = snapshot.version
    archived = ArchivedDataset(
        address=f"{location.archive}:{address.accession}",
        name=location.name,
        root=root,
        paths=files.paths,
        files=files.files,
        links=files.links,
        version=tag,
        commit=commit,
        notes=files.notes,
    )
    fetch_texts(archived, files.annexed_text, access)
    index.save(archived)
    return archived


def fetch_texts(archived: ArchivedDataset, paths: tuple[str, ...], access: Access) -> None:
    """Fetch text files that are not in git, and put them into the folder of the version.

    Raises
    ------
    SourceError
        A file cannot be fetched. Without it, events or persons would be missing in silence.
    """

    def fetch(path: str) -> None:
        target = archived.root / path
        if target.exists():
            return
        remote_file = archived.files[path]
        try:
            access.cache.fetch(remote_file, access.client)
        except RemoteFileError as error:
            raise SourceError(f"{archived.address}: {path} {error.reason}") from None
        _place(access.cache.path_of(remote_file), target)

    call_in_threads(fetch, paths, n_threads=PARALLEL_TEXTS)


def _place(source: Path, target: Path) -> None:
    """Make a cached file appear at a second path, which appears complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        part.hardlink_to(source)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, part)
    part.replace(target)
