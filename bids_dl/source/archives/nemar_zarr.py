"""Datasets of NEMAR whose signals are read from its Zarr copies, which are lossy.

Text is that of the dataset at the commit that the copies were made from. In place of each signal
file there is a small file that names its copy (`bids_dl.source.formats.zarr_copy`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from bids_dl.errors import SourceError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.source.archives.access import Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.listed_files import check_paths
from bids_dl.source.archives.nemar import dataset_name, open_nemar
from bids_dl.source.archives.routes import answer_failures, request_failures
from bids_dl.source.archives.version_folder import new_version_folder
from bids_dl.source.archives.version_index import VersionIndex
from bids_dl.source.archives.zarr_index import INDEX, ZarrCopies, ZarrIndex, parse_index

MAX_INDEX_BYTES = 512 * 1024**2  # one of NEMAR has more than 300 MB
ABSENT_STATUS = {403, 404}  # private and absent datasets are answered alike
NAME_DIGITS = 16  # of the commit, and of the hash of the copies, in the name of a folder


def open_nemar_zarr(address: Address, access: Access) -> ArchivedDataset:
    """Open the newest Zarr copies of a dataset of NEMAR, which keeps no others.

    Parameters
    ----------
    address
        Accession, and the commit that the copies must be made from, or "".
    access
        Cache, connections and base addresses.

    Raises
    ------
    SourceError
        There are no copies, they are of another commit, or they cannot be reached.
    """
    url = f"{access.endpoints['nemar-zarr']}/{address.accession}/zarr"
    index = _fetch_index(address, url, access)
    if address.version and address.version != index.source_commit:
        raise SourceError(
            f"{address.text}: its copies are of commit {index.source_commit or '(not stated)'} "
            f"now, and NEMAR keeps no others; use nemar-zarr:{address.accession}"
        )
    commit = index.source_commit
    version = f"@{commit}" if commit else ""
    text = open_nemar(
        Address("nemar", f"nemar:{address.accession}{version}", address.accession, commit), access
    )
    opened = _open_version(address, index, text, access)
    return replace(
        opened,
        commit=commit,
        copies=ZarrCopies(url, index.updated_utc),
        notes=(*text.notes, *_describe(address, index, text)),
    )


def _fetch_index(address: Address, url: str, access: Access) -> ZarrIndex:
    """Fetch the index as it is now, past the caches of the server."""
    place = f"{url}/{INDEX}"
    try:
        with request_failures(place):
            body = access.client.get(f"{place}?v={secrets.token_hex(8)}", max_bytes=MAX_INDEX_BYTES)
    except HttpStatusError as error:
        reason = f"HTTP {error.status}"
        if error.status in ABSENT_STATUS:
            reason = f"NEMAR serves no Zarr copies of it ({reason})"
        raise SourceError(f"{address.text}: {reason}; use nemar:{address.accession}") from None
    with answer_failures(place):
        return parse_index(json.loads(body), address.text)


def _describe(address: Address, index: ZarrIndex, text: ArchivedDataset) -> tuple[str, ...]:
    """Return one line on the copies, and one if they may differ from the text."""
    commit = index.source_commit[:12] or "a commit that is not stated"
    lines = [
        f"{address.text}: lossy copies in 16 bit, EEG at 250 Hz and iEEG at 1000 Hz at most, of "
        f"{commit}, updated {index.updated_utc}; read the archived signals by "
        f"nemar:{address.accession}"
    ]
    if not index.source_commit:
        lines.append(
            f"{address.text}: the text is that of version {text.version or text.commit}, which "
            "may be another than that of the copies"
        )
    return tuple(lines)


def _open_version(
    address: Address, index: ZarrIndex, text: ArchivedDataset, access: Access
) -> ArchivedDataset:
    """Return the version with these copies from the cache, or write it there."""
    pointers = {}
    for copy in index.copies:
        pointers[copy.path] = json.dumps(asdict(copy), sort_keys=True)
        check_paths({copy.path: RemoteFile(None)}, address.text)
        if copy.zarr:
            check_paths({copy.zarr: RemoteFile(None), copy.group: RemoteFile(None)}, address.text)
    digest = hashlib.sha256("\n".join(pointers.values()).encode()).hexdigest()
    versions = VersionIndex(
        access.dataset_folder("nemar-zarr", address.accession), access.endpoints
    )
    name = f"{text.commit[:NAME_DIGITS]}-{digest[:NAME_DIGITS]}"
    cached = versions.load(name)
    if cached is not None:
        return cached
    versions.discard_damaged(name)
    texts = [path for path in text.paths if (text.root / path).is_file()]
    root = versions.root(name)
    _write_folder(text.root, texts, pointers, root)
    opened = ArchivedDataset(
        address=f"nemar-zarr:{address.accession}",
        name=dataset_name(address.accession),
        root=root,
        paths=tuple(sorted({*texts, *pointers})),
        files={},
        commit=name,
        doi=index.doi or text.doi,
    )
    versions.save(opened)
    return opened


def _write_folder(source: Path, texts: list[str], pointers: Mapping[str, str], root: Path) -> None:
    """Write text files and pointers into a new folder, and give it its name when it is complete."""
    if root.is_dir():
        return
    with new_version_folder(root) as scratch:
        for path in texts:
            _link(source / path, scratch / path)
        for path, content in pointers.items():
            target = scratch / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")


def _link(source: Path, target: Path) -> None:
    """Create a second name of a file, or a copy on file systems without links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
