"""Versions whose archive lists each file with its address: text is fetched, the rest is located."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from bids_dl.errors import SourceError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.archives.access import Access
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.git.git_archive import fetch_texts
from bids_dl.source.archives.git.snapshot_files import HIDDEN, is_needed_text
from bids_dl.source.archives.version_folder import new_version_folder
from bids_dl.source.archives.version_index import VersionIndex
from bids_dl.wording import count, join_names

MAX_NAME_BYTES = 255  # of a file or folder, on all common file systems
LISTED_FILES = 3  # in a note
CONTENT_ALGORITHMS = {"md5", "sha1", "sha256", "sha512"}
# parameters of addresses that expire and grant access
SIGNATURES = {"x-amz-signature", "signature", "x-amz-security-token", "sig"}


def open_listing(listing: ArchivedDataset, index: VersionIndex, access: Access) -> ArchivedDataset:
    """Fetch the text of a version whose ``files`` are all its files, and save its index.

    Text is what plans read before they choose recordings, and all that the archive keeps in git
    inside ``sub-*`` folders. The folder of the version appears with all its text or not at all.

    Parameters
    ----------
    listing
        Version whose ``files`` are all its files; its ``root`` and ``paths`` are not used.
    index
        Versions of the dataset in the cache.
    access
        Cache and connections.

    Raises
    ------
    SourceError
        A path leads out of the dataset, a text file cannot be fetched, or the cache cannot be
        written to.
    """
    files, notes = check_paths(listing.files, listing.address)
    texts = {path: file for path, file in files.items() if _is_read_first(path, file)}
    root = index.root(listing.commit)
    index.discard_damaged(listing.commit)
    access.on_message(f"{listing.address}: fetching {count(len(texts), 'text file')}")
    _write_texts(replace(listing, files=files), list(texts), root, access)
    located = {}
    for path, file in files.items():
        if path not in texts or file.algorithm in CONTENT_ALGORITHMS:
            located[path] = file
    opened = replace(
        listing,
        root=root,
        paths=tuple(sorted(files)),
        files=located,
        notes=(*listing.notes, *notes),
    )
    index.save(replace(opened, files={path: _unsigned(file) for path, file in located.items()}))
    return opened


def name_of_listing(files: Mapping[str, RemoteFile]) -> str:
    """Return a name for a version that has no commit, from its paths, sizes and checksums.

    Examples
    --------
    >>> name_of_listing({"a.edf": RemoteFile(3, tag="x")})
    'listing-d7213f91a105dab5719ecbd3372c3c0c'
    """
    lines = [f"{path} {file.size} {file.digest}" for path, file in sorted(files.items())]
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    return f"listing-{digest[:32]}"


def check_paths(
    files: Mapping[str, RemoteFile], source: str
) -> tuple[dict[str, RemoteFile], tuple[str, ...]]:
    """Check paths that an archive states, and leave out those that no file system can hold.

    Parameters
    ----------
    files
        Files by path.
    source
        Dataset, for messages.

    Returns
    -------
    files : dict
        Files of the dataset, without those of git and DataLad.
    notes : tuple of str
        One line for names that are too long, and for those that differ only in case.

    Raises
    ------
    SourceError
        A path leads out of the dataset.

    Examples
    --------
    >>> check_paths({"../x.edf": RemoteFile(3)}, "nemar:nm000001")
    Traceback (most recent call last):
    ...
    bids_dl.errors.SourceError: nemar:nm000001: path '../x.edf' leads out of the dataset; ...
    """
    kept: dict[str, RemoteFile] = {}
    too_long = []
    for path, file in files.items():
        parts = path.split("/")
        if {"", ".", ".."}.intersection(parts) or "\0" in path or "\\" in path or ":" in parts[0]:
            raise SourceError(f"{source}: path {path!r} leads out of the dataset; it is refused")
        if any(part.lower().startswith(HIDDEN) for part in parts):
            continue
        if max(len(part.encode("utf-8", "surrogateescape")) for part in parts) > MAX_NAME_BYTES:
            too_long.append(path)
        else:
            kept[path] = file
    notes = [
        _describe("name too long for this file system, left out", too_long),
        _describe("differs from another only in case or Unicode form", _clashes(kept)),
    ]
    return kept, tuple(filter(None, notes))


def is_signed(url: str) -> bool:
    """Return whether an address holds a signature, which expires and grants access.

    Examples
    --------
    >>> is_signed("https://x.org/a?X-Amz-Signature=0"), is_signed("https://x.org/a?versionId=0")
    (True, False)
    """
    names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return not names.isdisjoint(SIGNATURES)


def _is_read_first(path: str, file: RemoteFile) -> bool:
    """Return whether a file is needed at opening: text, and what the archive keeps in git."""
    return is_needed_text(path) or (file.algorithm == "git" and path.startswith("sub-"))


def _write_texts(listing: ArchivedDataset, texts: list[str], root: Path, access: Access) -> None:
    """Fetch text files into a new folder, and give it its name when it is complete."""
    if root.is_dir():
        return
    with new_version_folder(root) as scratch:
        fetch_texts(replace(listing, root=scratch), tuple(texts), access)
        _check_written(listing, texts, scratch)


def _check_written(listing: ArchivedDataset, texts: list[str], folder: Path) -> None:
    """Refuse a file system on which two files of a dataset are one."""
    by_name: dict[str, str] = {}
    for path in texts:
        other = by_name.setdefault(_folded(path), path)
        if other == path or not (folder / path).samefile(folder / other):
            continue
        if listing.files[path].digest != listing.files[other].digest:
            raise SourceError(
                f"{listing.address}: {path} and {other} have one path on this file system; "
                "choose a cache on one that distinguishes small and capital letters"
            )


def _clashes(paths: Iterable[str]) -> list[str]:
    """List pairs of paths that are one on file systems that ignore case or Unicode form."""
    clashes = []
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(_folded(path), path)
        if other != path:
            clashes.append(f"{path} and {other}")
    return clashes


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _describe(finding: str, paths: list[str]) -> str:
    """Describe files in one line, "" without files."""
    if not paths:
        return ""
    return f"{count(len(paths), 'file')}: {finding}: {join_names(paths, limit=LISTED_FILES)}"


def _unsigned(file: RemoteFile) -> RemoteFile:
    """Return a file without the addresses that expire."""
    return replace(file, urls=tuple(url for url in file.urls if not is_signed(url)))
