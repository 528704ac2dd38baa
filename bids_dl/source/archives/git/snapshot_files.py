"""Files of one commit: text on disk, and the addresses of annexed content."""

from __future__ import annotations

import errno
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bids_dl.errors import SourceError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.archives.git.annex import AnnexKey, parse_link, parse_pointer
from bids_dl.source.archives.git.annex_branch import (
    CHUNK_ENDING,
    REMOTE_LOG,
    TRUST_LOG,
    VERSION_ENDING,
    WEB_ENDING,
    AnnexRemote,
    BucketBases,
    KeyLogs,
    parse_remotes,
    urls_of,
)
from bids_dl.source.archives.git.git_snapshot import GitEntry, Snapshot
from bids_dl.source.archives.version_folder import new_version_folder
from bids_dl.wording import join_names

TEXT_SUFFIXES = {".json", ".tsv", ".txt", ".md", ".rst", ".bidsignore"}
TEXT_NAMES = {"README", "CHANGES", "LICENSE"}
DATA_TABLES = ("_motion", "_physio", "_physioevents", "_stim")  # TSV files that hold signals
HIDDEN = (".git", ".datalad")  # beginnings of names that are no part of a dataset
MAX_LINKS = 40  # followed one after another, as in Linux
LISTED_FILES = 3  # in a note

PlainUrls = Callable[[str, AnnexKey], Sequence[str]]
"""Function that returns further addresses of a file by its path and key, tried last."""


def _no_urls(_path: str, _key: AnnexKey) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class SnapshotFiles:
    """Files of one commit.

    Attributes
    ----------
    paths
        Path of every file, sorted.
    files
        Every file whose content is elsewhere, by path. A file without URLs cannot be had.
    annexed_text
        Those of ``files`` that are text which events and metadata are read from.
    links
        File of the dataset that a link leads to, by path of the link.
    notes
        One line for each kind of file that is not what it should be, with names.
    """

    paths: tuple[str, ...] = field(repr=False)
    files: Mapping[str, RemoteFile] = field(repr=False, hash=False)
    annexed_text: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnnexRoutes:
    """Ways to the content of annexed files, beside those of branch ``git-annex``.

    Attributes
    ----------
    bases
        Configured addresses of buckets.
    plain_urls
        Further addresses of a file, tried last.
    """

    bases: BucketBases = field(default_factory=BucketBases)
    plain_urls: PlainUrls = _no_urls


@dataclass
class _Sorted:
    """Entries of a commit, sorted by what they are."""

    written: dict[str, str] = field(default_factory=dict)  # blob by path
    keys: dict[str, AnnexKey] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)  # target by path
    copies: dict[str, str] = field(default_factory=dict)  # file by path of a link to it
    submodules: list[str] = field(default_factory=list)
    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def write_snapshot(snapshot: Snapshot, root: Path, routes: AnnexRoutes) -> SnapshotFiles:
    """Write the text files of a commit below a folder, and locate its annexed files.

    The folder appears with all its files or not at all. If it exists already, for example because
    another process was faster, it is kept. Links are never created: a link to a file of the
    dataset becomes a copy, and a link out of the dataset is left out.

    Parameters
    ----------
    root
        Folder of the text files.
    routes
        Ways to annexed content.

    Raises
    ------
    SourceError
        A path leads out of the dataset, two paths are one on this file system, or the folder
        cannot be written to.
    """
    with new_version_folder(root) as scratch:
        entries = _write_files(snapshot, scratch)
    files = locate_files(snapshot, entries.keys, routes)
    for path, target in entries.copies.items():
        if target in files:
            files[path] = files[target]
    return _list_files(entries, files)


def locate_files(
    snapshot: Snapshot, keys: Mapping[str, AnnexKey], routes: AnnexRoutes
) -> dict[str, RemoteFile]:
    """Find the addresses of annexed files.

    Parameters
    ----------
    keys
        Key of each file, by path.

    Returns
    -------
    dict of RemoteFile
        By path: exact versions first, the plain addresses of the routes last.
    """
    remotes = parse_remotes(snapshot.annex_file(REMOTE_LOG), snapshot.annex_file(TRUST_LOG))
    files = {}
    for path, key in keys.items():
        logs = _read_logs(snapshot, key, remotes)
        urls = urls_of(key, path, logs, remotes=remotes, bases=routes.bases)
        urls = tuple(dict.fromkeys([*urls, *routes.plain_urls(path, key)]))
        files[path] = RemoteFile(key.size, key.algorithm, key.checksum, urls)
    return files


def is_needed_text(path: str) -> bool:
    """Return whether a file is text that is read before any recording is chosen.

    Examples
    --------
    >>> is_needed_text("sub-01/eeg/sub-01_events.tsv"), is_needed_text("derivatives/x.tsv")
    (True, False)
    """
    file = PurePosixPath(path)
    if len(file.parts) > 1 and not path.startswith("sub-"):
        return False
    if file.stem.endswith(DATA_TABLES) and file.suffix == ".tsv":
        return False
    return file.suffix in TEXT_SUFFIXES or file.name in {*TEXT_NAMES, *TEXT_SUFFIXES}


def _write_files(snapshot: Snapshot, folder: Path) -> _Sorted:
    """Write the blobs of a commit that are no pointers, and resolve its links."""
    result = _Sorted()
    entries = [entry for entry in snapshot.entries() if not _is_hidden(entry.path)]
    _note_clashes([entry.path for entry in entries], result)
    for entry in entries:
        if entry.kind == "submodule":
            result.submodules.append(entry.path)
        elif entry.kind == "link":
            _sort_link(snapshot, entry, result)
        else:
            content = snapshot.read(entry.sha)
            if key := parse_pointer(content):
                result.keys[entry.path] = key
            else:
                _write(folder, entry, content, result)
    kinds = {entry.path: entry for entry in entries}
    for path in result.links:
        _resolve_link(snapshot, path, kinds, result, folder=folder)
    return result


def _sort_link(snapshot: Snapshot, entry: GitEntry, result: _Sorted) -> None:
    """Add a link to the annexed files or to the links of the dataset."""
    target = snapshot.read(entry.sha).decode("utf-8", errors="replace")
    key = parse_link(target)
    if key is not None:
        result.keys[entry.path] = key
    else:
        result.links[entry.path] = target


def _resolve_link(
    snapshot: Snapshot,
    path: str,
    entries: Mapping[str, GitEntry],
    result: _Sorted,
    *,
    folder: Path,
) -> None:
    """Give a link the content of its target, or note why it has none."""
    target = follow_links(path, result.links)
    if target is None:
        result.findings["link out of the dataset, left out"].append(path)
    elif target in result.keys:
        result.copies[path] = target
    elif target in result.written:
        copy = GitEntry(path, "file", result.written[target])
        _write(folder, copy, snapshot.read(copy.sha), result)
        result.copies[path] = target
    elif any(name.startswith(f"{target}/") for name in entries) or target == ".":
        result.findings["link to a folder, not followed"].append(path)
    else:
        result.findings["link to a file that does not exist, left out"].append(path)


def follow_links(path: str, links: Mapping[str, str]) -> str | None:
    """Follow links from a path of a dataset, None if they lead out of it or in a circle.

    Parameters
    ----------
    links
        Target by path of each link, as git stores it.

    Examples
    --------
    >>> follow_links("sub-02/a.edf", {"sub-02": "sub-01"})
    'sub-01/a.edf'
    """
    for _ in range(MAX_LINKS):
        link = next((part for part in _with_parents(path) if part in links), None)
        if link is None:
            return path
        target = links[link].replace("\\", "/")
        rest = path[len(link) :]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target) + rest)
        if posixpath.isabs(target) or target[1:2] == ":" or path.split("/")[0] == "..":
            return None
    return None


def _with_parents(path: str) -> Iterable[str]:
    """Return the folders above a path, the outermost first, and the path."""
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]


def _write(folder: Path, entry: GitEntry, content: bytes, result: _Sorted) -> None:
    """Write a new file, or note that its name is too long for this file system."""
    target = folder / entry.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content)
    except (FileExistsError, NotADirectoryError):
        raise SourceError(
            f"{entry.path!r} and another file of the dataset have one path on this file system; "
            "choose a cache on one that distinguishes small and capital letters"
        ) from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise SourceError(
                f"{folder.parent}: {entry.path} cannot be written ({error.strerror})"
            ) from None
        result.findings["name too long for this file system, left out"].append(entry.path)
    else:
        result.written[entry.path] = entry.sha


def _read_logs(snapshot: Snapshot, key: AnnexKey, remotes: tuple[AnnexRemote, ...]) -> KeyLogs:
    """Read the logs of a key that its remotes need."""
    if not snapshot.has_annex_branch:
        return KeyLogs()
    exports = any(remote.exports for remote in remotes)
    by_key = any(not remote.exports for remote in remotes)
    return KeyLogs(
        versions=snapshot.annex_file(key.log_path(VERSION_ENDING)) if exports else "",
        web=snapshot.annex_file(key.log_path(WEB_ENDING)),
        chunks=snapshot.annex_file(key.log_path(CHUNK_ENDING)) if by_key else "",
    )


def _list_files(entries: _Sorted, files: Mapping[str, RemoteFile]) -> SnapshotFiles:
    """Bring the files and the notes of a commit into their final form."""
    findings = entries.findings
    located = dict(files)
    lost = [*findings["link out of the dataset, left out"]]
    lost += findings["link to a file that does not exist, left out"]
    for path in lost:
        if not is_needed_text(path):
            # it stays listed, so that its recording fails by name instead of going missing
            located[path] = RemoteFile(None)
    for path, key in entries.keys.items():
        if not key.checksum:
            findings[f"key {key.backend} without a checksum, only its size is checked"].append(path)
        if not files[path].urls:
            findings["no address of its content is known"].append(path)
    for path in entries.submodules:
        findings["submodule, another dataset that is not read"].append(path)
    paths = sorted({*entries.written, *located})
    return SnapshotFiles(
        paths=tuple(paths),
        files=located,
        annexed_text=tuple(filter(is_needed_text, sorted(files))),
        links=dict(entries.copies),
        notes=tuple(_describe(finding, names) for finding, names in findings.items() if names),
    )


def _describe(finding: str, names: Sequence[str]) -> str:
    """Describe a finding with the names of its files, without control characters."""
    text = f"{finding}: {join_names(names, limit=LISTED_FILES)}"
    return "".join(character if character.isprintable() else "?" for character in text)


def _note_clashes(paths: Sequence[str], result: _Sorted) -> None:
    """Note paths that are one on file systems that ignore case or Unicode form."""
    seen: dict[str, str] = {}
    for path in paths:
        name = unicodedata.normalize("NFC", path).casefold()
        if name in seen:
            clash = f"{path} and {seen[name]}"
            result.findings["differs from another only in case or Unicode form"].append(clash)
        seen[name] = path


def _is_hidden(path: str) -> bool:
    """Return whether a path belongs to git or DataLad, not to the dataset."""
    parts = path.split("/")
    return any(part.lower().startswith(HIDDEN) for part in parts)
