"""DataLad clones: folders with annexed files, whose content may be absent.

The clone is only read. Content that is absent is fetched into the cache by its key.
"""

from __future__ import annotations

import re
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bids_dl.errors import SourceError
from bids_dl.remote.caching.object_cache import RemoteFileError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.parallel import call_in_threads
from bids_dl.source.archives.access import Access
from bids_dl.source.archives.endpoints import Endpoints
from bids_dl.source.archives.git.annex import MAX_POINTER_BYTES, AnnexKey, parse_link, parse_pointer
from bids_dl.source.archives.git.annex_branch import REMOTE_LOG, TRUST_LOG, parse_remotes
from bids_dl.source.archives.git.clone_changes import changed_files
from bids_dl.source.archives.git.git_archive import PARALLEL_TEXTS
from bids_dl.source.archives.git.git_snapshot import Snapshot, open_clone
from bids_dl.source.archives.git.snapshot_files import (
    HIDDEN,
    AnnexRoutes,
    follow_links,
    is_needed_text,
    locate_files,
)
from bids_dl.source.archives.nemar import BUCKET as NEMAR_BUCKET
from bids_dl.source.archives.nemar import dataset_name, nemar_routes
from bids_dl.source.archives.openneuro import BUCKET as OPENNEURO_BUCKET
from bids_dl.source.archives.openneuro import openneuro_routes
from bids_dl.source.fetching.remote_files import Origin, RemoteFiles
from bids_dl.source.tree import FOLDER_FORMATS
from bids_dl.wording import count, join_names

PREFIX = re.compile(r"([a-z]{2}\d{6})/.*")  # of the objects of a dataset in the buckets
OBJECTS = "annex/objects"  # in the path of content that git-annex protects against changes
LISTED_FILES = 3  # in a note


@dataclass(frozen=True)
class CloneFiles:
    """Annexed files of a clone.

    Attributes
    ----------
    remote
        The annexed files; None if the annex cannot be read.
    origin
        Archive and version; None if the clone is of no known archive.
    name
        Accession; "" if the clone is of no known archive.
    notes
        One line for each fact to tell the user.
    """

    remote: RemoteFiles | None = None
    origin: Origin | None = None
    name: str = ""
    notes: tuple[str, ...] = ()


class _Archive(NamedTuple):
    """Archive that a clone comes from. Both are "" if it is not known."""

    archive: str = ""
    accession: str = ""


@dataclass
class _Committed:
    """Annexed files and links of a commit."""

    keys: dict[str, AnnexKey] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)  # file by path of a link to it


def open_clone_files(root: Path, access: Access) -> CloneFiles:
    """Read which files of a clone are annexed, and fetch the text among them that is absent.

    Files that differ from the last commit are no annexed files, but read as they are. If all text
    is present, there is no request.

    Parameters
    ----------
    root
        Folder of the clone.
    access
        Cache and connections.

    Raises
    ------
    SourceError
        A text file cannot be fetched. Without it, events or persons would be missing in silence.
    """
    try:
        with open_clone(root) as snapshot:
            changed = [path for path in changed_files(snapshot, root) if not _is_hidden(path)]
            clone = _read_clone(snapshot, root, changed, access)
    except SourceError as error:
        note = f"{root.name}: its git-annex cannot be read, files are read as they are ({error})"
        return CloneFiles(notes=(note,))
    if clone.remote is not None:
        _fetch_texts(root, clone.remote, access)
    return clone


def _read_clone(
    snapshot: Snapshot, root: Path, changed: Sequence[str], access: Access
) -> CloneFiles:
    """Describe the files of a clone, without any request."""
    committed = _read_commit(snapshot)
    keys = _without_changed(committed.keys, changed)
    present = {path for path, key in keys.items() if _is_present(root / path, key)}
    unlocked = {path for path in present if _is_unlocked(root / path)}
    _unite_folders(keys, present, unlocked)
    archive = _find_archive(snapshot)
    absent = {path: key for path, key in keys.items() if path not in present}
    routes = _routes(archive, snapshot.version, access.endpoints)
    files = locate_files(snapshot, absent, routes) if absent else {}
    for path in present:
        files[path] = RemoteFile(keys[path].size, keys[path].algorithm, keys[path].checksum)
    notes = []
    if changed:
        listed = join_names(changed, limit=LISTED_FILES)
        notes.append(
            f"{root.name}: {count(len(changed), 'file')} of the clone differ from its last "
            f"commit, or are missing, and are read as they are: {listed}"
        )
    origin = None
    if archive.accession:
        address = f"{archive.archive}:{archive.accession}"
        origin = Origin(address, snapshot.version, snapshot.commit)
    return CloneFiles(
        remote=RemoteFiles(
            access.cache,
            files,
            in_folder=frozenset(present),
            unlocked=frozenset(unlocked & present),
            links={path: link for path, link in committed.links.items() if path not in changed},
            root=root,
        ),
        origin=origin,
        name=dataset_name(archive.accession),
        notes=tuple(notes),
    )


def _read_commit(snapshot: Snapshot) -> _Committed:
    """Find the annexed files of a commit, and its links to other files."""
    committed = _Committed()
    targets = {}
    files = set()
    for entry in snapshot.entries():
        if _is_hidden(entry.path) or entry.kind == "submodule":
            continue
        content = snapshot.read(entry.sha)
        if entry.kind == "link":
            targets[entry.path] = content.decode("utf-8", errors="replace")
            key = parse_link(targets[entry.path])
        else:
            key = parse_pointer(content)
        files.add(entry.path)
        if key is not None:
            committed.keys[entry.path] = key
            targets.pop(entry.path, None)
    for path in targets:
        target = follow_links(path, targets)
        if target in files:
            committed.links[path] = target
        if target in committed.keys:
            committed.keys[path] = committed.keys[target]
    return committed


def _without_changed(keys: Mapping[str, AnnexKey], changed: Sequence[str]) -> dict[str, AnnexKey]:
    """Remove files that were changed, with all others of a recording that is a folder."""
    omitted = set(changed)
    folders = set(filter(None, map(_recording_folder, changed)))
    kept = {}
    for path, key in keys.items():
        if path not in omitted and _recording_folder(path) not in folders:
            kept[path] = key
    return kept


def _unite_folders(keys: dict[str, AnnexKey], present: set[str], unlocked: set[str]) -> None:
    """Make the files of a recording that is a folder all local, all annexed, or all absent.

    A folder with unlocked files is local, because its checksum cannot be relied on. A folder with
    absent files is absent, because it is put together in the cache.
    """
    files: dict[str, set[str]] = defaultdict(set)
    for path in keys:
        files[_recording_folder(path)].add(path)
    files.pop("", None)
    for inner in files.values():
        if not inner <= present:
            present -= inner
        elif inner & unlocked:
            present -= inner
            for path in inner:
                del keys[path]


def _recording_folder(path: str) -> str:
    """Return the folder above a file that is a recording, "" if there is none."""
    parts = path.split("/")
    for depth, part in enumerate(parts[:-1], start=1):
        if Path(part).suffix in FOLDER_FORMATS:
            return "/".join(parts[:depth])
    return ""


def _is_present(file: Path, key: AnnexKey) -> bool:
    """Return whether an annexed file has its content, by its size."""
    try:
        status = file.stat()
    except OSError:  # a link to an object that is absent
        return False
    if not stat.S_ISREG(status.st_mode):  # a named pipe would block
        return False
    size = status.st_size
    if size <= MAX_POINTER_BYTES and parse_pointer(file.read_bytes()) is not None:
        return False
    return key.size in (None, size)


def _is_unlocked(file: Path) -> bool:
    """Return whether a file holds its content itself, so that it may have been edited."""
    return OBJECTS not in file.resolve().as_posix()


def _find_archive(snapshot: Snapshot) -> _Archive:
    """Find the archive that a clone comes from, by the buckets that hold its content."""
    archives = {OPENNEURO_BUCKET: "openneuro", NEMAR_BUCKET: "nemar"}
    log = snapshot.annex_file(REMOTE_LOG)
    for remote in parse_remotes(log, snapshot.annex_file(TRUST_LOG)):
        match = PREFIX.fullmatch(remote.prefix)
        if match and remote.bucket in archives:
            return _Archive(archives[remote.bucket], match[1])
    return _Archive()


def _routes(archive: _Archive, version: str, endpoints: Endpoints) -> AnnexRoutes:
    if archive.archive == "openneuro":
        return openneuro_routes(archive.accession, endpoints)
    if archive.archive == "nemar":
        return nemar_routes(archive.accession, version, endpoints)
    return AnnexRoutes()


def _fetch_texts(root: Path, remote: RemoteFiles, access: Access) -> None:
    """Fetch the text files that are absent into the cache, several at once."""

    def fetch(path: str) -> None:
        try:
            access.cache.fetch(remote.by_path[path], access.client)
        except RemoteFileError as error:
            raise SourceError(
                f"{root.name}: {path} {error.reason}; or run 'datalad get' in the clone"
            ) from None

    absent = [
        path for path in remote.by_path if path not in remote.in_folder and is_needed_text(path)
    ]
    call_in_threads(fetch, absent, n_threads=PARALLEL_TEXTS)


def _is_hidden(path: str) -> bool:
    """Return whether a path belongs to git or DataLad, not to the dataset."""
    return any(part.lower().startswith(HIDDEN) for part in path.split("/"))
